import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import type { Caller } from './access.ts'
import type { LoadedRow } from './query/page.ts'

/** What consumers asked and were answered is theirs: with keys, only they and operators are told. Published usage names prompts and
 *  answers by their hashes. Such columns are null to others, and nobody filters or orders by them. */
interface ConfidentialColumns {
  columns: readonly string[]
  /** Columns that say whose the row is, and whether it is confidential at all. */
  needs: readonly string[]
  /** Whose it is; undefined: everybody's. */
  owner: (row: LoadedRow) => unknown
}

const CONFIDENTIAL = new Map<EntityClass, ConfidentialColumns>([
  [Receipt, { columns: ['prompt', 'answer'], needs: ['consumer'], owner: (row) => row.consumer }],
  [
    JobRun,
    {
      columns: ['input', 'result'],
      needs: ['kind', 'requestedBy'],
      owner: (row) => (row.kind === 'infer' ? row.requestedBy : undefined),
    },
  ],
])

/** The columns that must be read beside `property` to know who may be told. */
export const columnsBeside = (table: TableDefinition, property: string): readonly string[] =>
  confidentialColumns(table).includes(property) ? CONFIDENTIAL.get(table.entity)!.needs : []

/** The confidential columns of a table. */
export const confidentialColumns = (table: TableDefinition): readonly string[] =>
  CONFIDENTIAL.get(table.entity)?.columns ?? []

/** Whether the caller may be told the confidential columns of a row. */
export function mayRead(caller: Caller, table: TableDefinition, row: LoadedRow): boolean {
  const owner = CONFIDENTIAL.get(table.entity)?.owner(row)
  return (
    caller.kind === 'open' ||
    owner === undefined ||
    (caller.kind === 'key' && (caller.role === 'Operator' || caller.account === owner))
  )
}
