import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import type { Caller } from './access.ts'
import type { LoadedRow } from './query/page.ts'

/** Prompts and answers belong to the consumer: with keys, only that consumer and operators can read them, unless the consumer opened them.
 *  Confidential columns are null for other callers, and cannot be used in filters or orders. */
interface ConfidentialColumns {
  columns: readonly string[]
  /** Columns that decide who owns the row and whether it is confidential. */
  needs: readonly string[]
  /** The owner's account; undefined when the row is not confidential. */
  owner: (row: LoadedRow) => unknown
}

const CONFIDENTIAL = new Map<EntityClass, ConfidentialColumns>([
  [
    Receipt,
    {
      columns: ['prompt', 'answer'],
      needs: ['consumer', 'isOpen'],
      owner: (row) => (row.isOpen ? undefined : row.consumer),
    },
  ],
  [
    JobRun,
    {
      columns: ['input', 'result'],
      needs: ['kind', 'requestedBy'],
      owner: (row) => (row.kind === 'infer' ? row.requestedBy : undefined),
    },
  ],
])

/** The columns that must be read together with `property` to decide who may read it. */
export function columnsBeside({ entity }: TableDefinition, property: string): readonly string[] {
  const confidential = CONFIDENTIAL.get(entity)
  return confidential?.columns.includes(property) ? confidential.needs : []
}

/** The confidential columns of a table. */
export const confidentialColumns = (table: TableDefinition): readonly string[] =>
  CONFIDENTIAL.get(table.entity)?.columns ?? []

/** Whether the caller may read the confidential columns of a row. */
export function mayRead(caller: Caller, table: TableDefinition, row: LoadedRow): boolean {
  const owner = CONFIDENTIAL.get(table.entity)?.owner(row)
  return (
    caller.kind === 'open' ||
    owner === undefined ||
    (caller.kind === 'key' && (caller.role === 'Operator' || caller.account === owner))
  )
}
