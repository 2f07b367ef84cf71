import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { count } from '../say/figures.ts'

interface PanelProps {
  id: string
  title: string
  /** One sentence that tells a newcomer what is seen here. */
  says: string
  aside?: ReactNode
  children: ReactNode
}

/** The way from the newest of a list to all of them, which the server counted. */
export const AllOf = ({ path, title, total }: { path: string; title: string; total: number | undefined }) => (
  <Link className="all-of" href={path}>
    {total === undefined ? title : `All ${title} (${count(total)})`}
  </Link>
)

/** A titled section of the page. */
export function Panel({ id, title, says, aside, children }: PanelProps) {
  return (
    <section className="panel" id={id} aria-labelledby={`${id}-title`}>
      <header className="panel-head">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          <p>{says}</p>
        </div>
        {aside && <div className="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  )
}

/** What stands where nothing has happened yet: what will appear, and when. */
export function Empty({ ready, children }: { ready: boolean; children: ReactNode }) {
  return <p className="empty">{ready ? children : 'Reading…'}</p>
}
