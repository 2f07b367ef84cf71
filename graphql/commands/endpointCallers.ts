import { isAddressText } from '#schema/address.ts'
import type { Sql } from '#schema/database.ts'
import { EndpointCallers } from '#schema/offchain/access.ts'
import { rowOf } from '#schema/rows.ts'
import type { Caller } from '../access.ts'
import { ApiError } from '../errors.ts'

/** Who may call an endpoint. Every call passes here, however it is asked for and paid: `payFor` asks before a job is made, a retry before it runs again. */

/** Accounts of one list. */
export const MAX_CALLERS = 10_000

/** SQL: whether the account $account may call the endpoint `e`. */
export const mayCall = (account: string) =>
  `(lower(e.host) = ${account} or not exists (select 1 from endpoint_callers c where c.id = e.id and not ${account} = any(c.accounts)))`

/** Without a caller, only the account that pays is checked.
 *  @throws ApiError unless everybody may call the endpoint, or the account is its host's or on its list. */
export async function requireMayCall(
  sql: Sql,
  { endpointId, consumer }: { endpointId: string; consumer: string },
  caller?: Caller,
): Promise<void> {
  const { rows } = await sql.query<{ host: string; listed: boolean }>(
    `select e.host, ${mayCall('$2')} as listed from endpoint e join endpoint_callers on endpoint_callers.id = e.id
     where e.id = $1 and e.to_block is null`,
    [endpointId, consumer],
  )
  const [restricted] = rows
  if (!restricted) return
  if (caller?.kind === 'open')
    throw new ApiError(
      'CALLER_NOT_LISTED',
      `Endpoint ${endpointId} answers listed accounts only, and this API does not know who asks. Its operator can require keys (MODELCOMMONS_AUTH=keys), or lift the list (modelcommons callers everybody ${endpointId}).`,
    )
  if (!restricted.listed)
    throw new ApiError(
      'CALLER_NOT_LISTED',
      `Endpoint ${endpointId} answers listed accounts only, and ${consumer} is not listed. Ask its host, ${restricted.host}, or use another endpoint.`,
    )
}

/** Sets who may call an endpoint that exists: these accounts and its host, or everybody. Calls that were accepted before go on.
 *  @throws ApiError for a list that cannot be. */
export async function setCallers(
  sql: Sql,
  endpointId: string,
  accounts: readonly string[] | null,
  changedBy: string | null,
): Promise<EndpointCallers | undefined> {
  if (accounts === null) {
    await sql.query('delete from endpoint_callers where id = $1', [endpointId])
    return undefined
  }
  const list = [...new Set(accounts.map(accountOf))].sort()
  if (list.length > MAX_CALLERS)
    throw new ApiError('BAD_INPUT', `accounts: a list has at most ${MAX_CALLERS} accounts; this has ${list.length}.`)
  await sql.query(
    `insert into endpoint_callers (id, accounts, changed_by, changed_at) values ($1, $2, $3, clock_timestamp())
     on conflict (id) do update set accounts = excluded.accounts, changed_by = excluded.changed_by, changed_at = excluded.changed_at`,
    [endpointId, list, changedBy],
  )
  return rowOf(sql, EndpointCallers, endpointId)
}

function accountOf(account: string): string {
  if (!isAddressText(account))
    throw new ApiError('BAD_INPUT', `accounts: ${account.slice(0, 80)} is not an address: 0x and 40 hex digits.`)
  return account.toLowerCase()
}

/** The account of an endpoint's host. @throws ApiError when there is no such endpoint. */
export async function requireEndpoint(sql: Sql, endpointId: string): Promise<string> {
  const { rows } = await sql.query<{ host: string }>('select host from endpoint where id = $1 and to_block is null', [
    endpointId,
  ])
  if (!rows[0])
    throw new ApiError(
      'UNKNOWN_ENDPOINT',
      `There is no endpoint ${endpointId.slice(0, 80)}. Query \`endpoints\` for the registered ones.`,
    )
  return rows[0].host.toLowerCase()
}
