import { Link, useLocation, useSearch } from 'wouter'
import { count } from '../say/figures.ts'

/** The rows of a page. */
export const PAGE_SIZE = 25

export interface PageVariables {
  first?: number
  after?: string
  last?: number
  before?: string
}

/** The page of a list that the address names, as the arguments of its connection: `?votes=after.CURSOR`. */
export function usePageOf(list: string, size = PAGE_SIZE): PageVariables {
  const value = new URLSearchParams(useSearch()).get(list) ?? ''
  const [, side, cursor] = /^(after|before)\.(.{1,400})$/s.exec(value) ?? []
  return side === 'before' ? { last: size, before: cursor } : { first: size, after: cursor }
}

interface PagerProps {
  /** Its name in the address. */
  list: string
  info: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
  shown: number
  /** Of all rows, as the server counts them. */
  total: number | null
  /** Lists that only go forward have no `before`. */
  forward?: boolean
}

/** How many rows there are in all, and the way to the others. */
export function Pager({ list, info, shown, total, forward }: PagerProps) {
  const [path] = useLocation()
  const search = useSearch()
  const to = (value: string | null) => {
    const params = new URLSearchParams(search)
    if (value) params.set(list, value)
    else params.delete(list)
    return params.size > 0 ? `${path}?${params}` : path
  }
  if (total !== null && total <= shown) return null
  return (
    <nav className="pager" aria-label={`Pages of ${list}`}>
      <span className="quiet">
        {count(shown)} {total === null ? 'shown' : `of ${count(total)}`}
      </span>
      {info.hasPreviousPage && <Link href={to(null)}>First</Link>}
      {info.hasPreviousPage && !forward && <Link href={to(`before.${info.startCursor}`)}>Previous</Link>}
      {info.hasNextPage && <Link href={to(`after.${info.endCursor}`)}>Next</Link>}
    </nav>
  )
}
