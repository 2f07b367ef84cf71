import type { ReactNode } from 'react'
import type { Query } from '../data/useQuery.ts'
import { count } from '../say/figures.ts'
import { Pager } from './pages.tsx'
import { Panel } from './panel.tsx'

export interface TableColumn<Row> {
  title: string
  cell: (row: Row) => ReactNode
  isNumber?: boolean
  hint?: string
}

interface Rows<Row> {
  nodes: readonly Row[]
  totalCount?: number
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

interface TablePanelProps<Row, Answer> {
  /** Of the panel, and of its page in the address. */
  id: string
  title: string
  says: string
  query: Query<Answer>
  /** The rows in the answer; null when what has them does not exist. */
  rows: (answer: Answer) => Rows<Row> | null | undefined
  columns: readonly TableColumn<Row>[]
  keyOf: (row: Row) => string
  /** What stands where there are none yet. */
  empty: string
  aside?: ReactNode
  forward?: boolean
}

/** A panel with one page of a list, as the server counts and sorts it. */
export function TablePanel<Row, Answer>(props: TablePanelProps<Row, Answer>) {
  const { id, title, says, query, columns, keyOf, empty, forward } = props
  const found = query.data && props.rows(query.data)
  const total = found?.totalCount ?? null
  return (
    <Panel
      id={id}
      title={title}
      says={says}
      aside={props.aside ?? (total ? <span className="chip">{count(total)}</span> : undefined)}
    >
      {!found || found.nodes.length === 0 ? (
        <Reading query={query} empty={empty} />
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <section className="table-scroll" aria-label={`Rows of ${title}`} tabIndex={0}>
            <table className="rows">
              <thead>
                <tr>
                  {columns.map(({ title, isNumber, hint }) => (
                    <th key={title} scope="col" className={isNumber ? 'num' : undefined} title={hint}>
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {found.nodes.map((row) => (
                  <tr key={keyOf(row)}>
                    {columns.map(({ title, cell, isNumber }) => (
                      <td key={title} className={isNumber ? 'num' : undefined} data-label={title}>
                        {cell(row)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <Pager list={id} info={found.pageInfo} shown={found.nodes.length} total={total} forward={forward} />
        </>
      )}
    </Panel>
  )
}

/** What stands where rows are missing: they are read, cannot be read, or there are none. */
export const Reading = ({ query, empty }: { query: Query<unknown>; empty: string }) => (
  <p className="empty" aria-live="polite">
    {query.error && !query.data ? query.error.message : query.data ? empty : 'Reading…'}
  </p>
)
