import { readConfig } from '#config'
import { requireEndpoint, setCallers } from '#graphql/commands/endpointCallers.ts'
import type { Database, Sql } from '#schema/database.ts'
import { EndpointCallers } from '#schema/offchain/access.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { withDatabase } from './withDatabase.ts'

/** `modelcommons callers`: who may call an endpoint beside its host. */

const onDatabase = <T>(work: (db: Database) => Promise<T>) =>
  withDatabase(readConfig(process.env, { requireDeployment: false }), work)

/** Lists accounts beside those that are listed. The first list of an endpoint keeps everybody else away. */
export const allowCallers = (endpointId: string, accounts: readonly string[]): Promise<void> =>
  change(endpointId, (listed = []) => [...listed, ...accounts])

/** Takes accounts off the list. Where there was none, nobody but the host may call the endpoint then. */
export const denyCallers = (endpointId: string, accounts: readonly string[]): Promise<void> => {
  const denied = accounts.map((account) => account.toLowerCase())
  return change(endpointId, (listed = []) => listed.filter((account) => !denied.includes(account)))
}

export const allowEverybody = (endpointId: string): Promise<void> => change(endpointId, () => null)

async function change(endpointId: string, next: (listed?: readonly string[]) => readonly string[] | null) {
  const list = await onDatabase((db) =>
    db.transaction(async (sql: Sql) => {
      await requireEndpoint(sql, endpointId)
      await sql.query('lock table endpoint_callers in share row exclusive mode') // two changes at once follow each other
      const known = await rowOf(sql, EndpointCallers, endpointId)
      return setCallers(sql, endpointId, next(known?.accounts), null)
    }),
  )
  console.log(lineOf(endpointId, list))
}

export async function listCallers({ json = false }: { json?: boolean }): Promise<void> {
  const lists = await onDatabase((db) => rowsOf(db, EndpointCallers, 'true', [], { orderBy: 'id::numeric' }))
  if (json) return console.log(JSON.stringify({ endpoints: lists }))
  for (const list of lists) console.log(lineOf(list.id, list))
  if (lists.length === 0) console.log('Everybody may call every endpoint.')
}

const lineOf = (endpointId: string, list: EndpointCallers | undefined) =>
  `endpoint ${endpointId}  ${list ? `${['its host', ...list.accounts].join(', ')} may call it` : 'everybody may call it'}`
