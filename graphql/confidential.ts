import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { type Caller, callerAccount } from './access.ts'
import type { Viewer } from './query/ownRows.ts'
import type { LoadedRow } from './query/page.ts'

/** Prompts and answers belong to the consumer, and so does everything that tells something of them: lengths, fees, spans (amendment 14). With keys, only that
 *  consumer and operators can read them, unless the consumer opened them. Confidential columns are null for other callers, and cannot be used in filters
 *  or orders; confidential rows are not there for them. */
interface ConfidentialColumns {
  columns: readonly string[]
  /** Columns that decide who owns the row and whether it is confidential. */
  needs: readonly string[]
  /** The owner's account; undefined when the columns of this row are not confidential. */
  owner: (row: LoadedRow) => unknown
}

/** Jobs that have a prompt, an answer or its traces in their input or result; or a signature, which others could use before it is mined. */
const OF_ONE_CONSUMER = ['infer', 'attribute', 'relay']

const COLUMNS = new Map<EntityClass, readonly ConfidentialColumns[]>([
  [
    Receipt,
    [
      {
        // With the salted hashes, whoever has the signature could try which tokens and fee it signs.
        columns: ['prompt', 'answer', 'tokensIn', 'tokensOut', 'fee', 'requestHash', 'responseHash', 'totalHash'],
        needs: ['consumer', 'isOpen'],
        owner: (row) => (row.isOpen ? undefined : row.consumer),
      },
      // Earlier releases signed without a salt, so that a guess could be tested.
      {
        columns: ['hash', 'signature'],
        needs: ['consumer', 'isOpen', 'salt'],
        owner: (row) => (row.isOpen || row.salt !== null ? undefined : row.consumer),
      },
      // The sum tells the fees of the calls between two opened ones, and the salt opens it. What was paid where is the payer's.
      { columns: ['cumulative', 'salt', 'x402Receipt'], needs: ['consumer'], owner: (row) => row.consumer },
    ],
  ],
  [
    JobRun,
    [
      {
        columns: ['input', 'result', 'error'],
        needs: ['kind', 'requestedBy'],
        owner: (row) => (OF_ONE_CONSUMER.includes(String(row.kind)) ? row.requestedBy : undefined),
      },
    ],
  ],
  [SignedVoucher, [{ columns: ['ceiling', 'signature', 'used'], needs: ['consumer'], owner: (row) => row.consumer }]],
  [CreditHold, [{ columns: ['maximum', 'fee'], needs: ['consumer'], owner: (row) => row.consumer }]],
])

const rulesOf = ({ entity }: TableDefinition) => COLUMNS.get(entity) ?? []
const ruleFor = (table: TableDefinition, property: string) =>
  rulesOf(table).find(({ columns }) => columns.includes(property))

/** The columns that must be read together with `property` to decide who may read it. */
export const columnsBeside = (table: TableDefinition, property: string): readonly string[] =>
  ruleFor(table, property)?.needs ?? []

/** The confidential columns of a table. */
export const confidentialColumns = (table: TableDefinition): readonly string[] =>
  rulesOf(table).flatMap(({ columns }) => columns)

/** Whether the caller may read a column of a row. */
export function mayRead(caller: Caller, table: TableDefinition, row: LoadedRow, property: string): boolean {
  const owner = ruleFor(table, property)?.owner(row)
  if (owner === undefined || viewerOf(caller) === 'all') return true
  return owner !== null && viewerOf(caller) === owner // nobody's, asked for where nobody is known, is not everybody's
}

export const viewerOf = (caller: Caller): Viewer =>
  caller.kind === 'open' || (caller.kind === 'key' && caller.role === 'Operator') ? 'all' : callerAccount(caller)
