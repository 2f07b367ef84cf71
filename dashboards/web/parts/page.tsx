import { type ReactNode, useEffect } from 'react'
import { ApiRefusal } from '#client/errors.ts'

/** Names the page in the browser's tab and history. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ModelCommons`
  }, [title])
}

interface PageHeadProps {
  /** What this is: “Proposal”. */
  kind: string
  title: string
  chip?: ReactNode
  says?: ReactNode
  acts?: ReactNode
}

/** The head of a page: what is shown, and what can be done with it. */
export function PageHead({ kind, title, chip, says, acts }: PageHeadProps) {
  useTitle(title === kind ? title : `${title}, ${kind.toLowerCase()}`)
  return (
    <header className="page-head">
      <div className="page-head-in">
        <p className="kind">{kind}</p>
        <h1 tabIndex={-1}>
          {title} {chip}
        </h1>
        {says && <p className="page-says">{says}</p>}
      </div>
      {acts && <div className="acts">{acts}</div>}
    </header>
  )
}

/** What stands instead of a page that is read, cannot be read, or does not exist. */
export function Pending({
  kind,
  id,
  error,
  missing,
}: {
  kind: string
  id: string
  error: Error | null
  missing: boolean
}) {
  const refused = error instanceof ApiRefusal
  return (
    <>
      <PageHead kind={kind} title={missing ? `There is no such ${kind.toLowerCase()}` : kind} />
      <section className="panel" aria-live="polite" aria-busy={!error && !missing}>
        <p className="empty">
          {missing
            ? `The index knows no ${kind.toLowerCase()} with the id “${id}”. It may not be indexed yet, or the address has a mistake.`
            : error
              ? `${error.message} ${refused ? '' : 'The page asks again by itself.'}`
              : 'Reading…'}
        </p>
      </section>
    </>
  )
}
