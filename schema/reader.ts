import pg from 'pg'
import type { Database } from './database.ts'
import { storedColumns } from './define.ts'
import { tables } from './entities.ts'
import { ApiKey, EndpointCallers, SignedVoucher, SignInSecret, SignInSession } from './offchain/access.ts'
import { AnswerAttribution, Receipt } from './offchain/attribution.ts'
import { GoldItem, GoldKey } from './offchain/gold.ts'
import { JobRun } from './offchain/jobs.ts'
import { ChainTransaction } from './offchain/ledger.ts'

/** The role of programs that only read, such as Grafana. */
export const READER = 'modelcommons_reader'

/** What belongs to single accounts (keys, signatures, prompts and answers), and which comparisons are gold. `undefined`: the whole table. */
const HIDDEN = new Map<unknown, readonly string[] | undefined>([
  [ApiKey, undefined],
  [EndpointCallers, undefined],
  [SignInSession, undefined],
  [SignInSecret, undefined],
  [SignedVoucher, undefined],
  [GoldItem, undefined],
  [GoldKey, undefined],
  [ChainTransaction, undefined],
  [Receipt, ['prompt', 'answer', 'signature', 'salt']],
  [AnswerAttribution, ['spans']],
  [JobRun, ['input', 'result', 'error']],
])

/** Creates the role, or sets its password again. It may read what is public in every table there is now; after a migration, call this again.
 *  The role belongs to the whole server. @throws when the user of the database may not create roles. */
export async function grantReader(db: Database, password: string): Promise<void> {
  const { rowCount } = await db.query('select 1 from pg_roles where rolname = $1', [READER])
  await db.transaction(async (sql) => {
    if (!rowCount) await sql.query(`create role ${READER}`)
    await sql.query(
      `alter role ${READER} login nosuperuser nocreatedb nocreaterole password ${pg.escapeLiteral(password)}`,
    )
    await sql.query(`alter role ${READER} set default_transaction_read_only = on`)
    await sql.query(`revoke all on all tables in schema public from ${READER}`)
    await sql.query(`grant usage on schema public to ${READER}`)
    for (const definition of tables) {
      const { entity, table } = definition
      const hidden = HIDDEN.get(entity)
      if (HIDDEN.has(entity) && !hidden) continue
      const names = storedColumns(definition).map(({ column }) => column)
      const gone = hidden?.find((column) => !names.includes(column))
      if (gone) throw new Error(`${table} has no column ${gone}: name the hidden columns in schema/reader.ts anew.`)
      const shown = names.filter((column) => !hidden?.includes(column))
      await sql.query(`grant select (${shown.map((column) => `"${column}"`).join(', ')}) on "${table}" to ${READER}`)
    }
  })
}
