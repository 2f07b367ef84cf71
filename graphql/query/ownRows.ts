import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { AnswerAttribution } from '#schema/offchain/attribution.ts'
import { LedgerBalance, LedgerTransfer } from '#schema/offchain/ledger.ts'

/** Rows that only their consumer and operators may read (amendment 14): for others they are not there. */

/** Whose confidential rows a statement may read: everybody's, those of one account, or nobody's. */
export type Viewer = 'all' | string | null

/** The condition for the rows of a table that somebody may read; `account` is the placeholder of the viewer's account. */
const ROWS = new Map<EntityClass, (alias: string, account: string) => string>([
  [
    AnswerAttribution,
    (alias, account) =>
      `exists (select 1 from receipt owned where owned.id = ${alias}.receipt_id and (owned.is_open or owned.consumer = ${account}))`,
  ],
  // What a call moves tells its fee; what an event of the chain moves is public there.
  [
    LedgerTransfer,
    (alias, account) =>
      `(${alias}.event is not null or exists (select 1 from credit_hold owned
         where owned.consumer = ${account} and owned.id in (split_part(${alias}.debit, 'hold:', 2), split_part(${alias}.credit, 'hold:', 2))))`,
  ],
  [
    LedgerBalance,
    (alias, account) =>
      `(${alias}.id !~ '^(hold|credit|charged):' or ${alias}.id in (select 'hold:' || id from credit_hold where consumer = ${account}
         union all select kind || id from payment_channel, (values ('credit:'), ('charged:')) kinds (kind) where consumer = ${account} and to_block is null))`,
  ],
])

export const ownRows = ({ entity }: TableDefinition) => ROWS.get(entity)
