import { lockRelay } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import type { RelayInput } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { Caller } from '../access.ts'
import type { RelayLimits } from '../context.ts'
import { ApiError } from '../errors.ts'

/** What was relayed in the last 24 hours. An act counts with the most gas that it may use until it has ended; one that was mined but reverted keeps counting
 *  with it. */
const RECENT = `with recent as (
  select a.account, a.key_id, j.finished_at is null or t.status = 'Sent' as live,
    j.status = 'Failed' and t.status = 'Reverted' as reverted,
    coalesce(a.gas_used, case when j.finished_at is not null and t.id is null then 0 else a.max_gas end) as gas,
    coalesce(k.prefix is not null, false) as self_made
  from relayed_act a join job_run j on j.id = a.id left join chain_transaction t on t.id = 'relay:' || a.id left join api_key k on k.id = a.key_id
  where a.created_at > clock_timestamp() - interval '24 hours')`

interface Recent {
  live: boolean
  reverted: boolean
  ofAccount: { acts: number; gas: number }
  ofKey: { acts: number; gas: number }
  gas: number
  /** Of all keys that accounts have made themselves; undefined when this key is another. */
  selfMadeGas?: number
}

/** Everybody who signs in makes keys, of any number of accounts: the part of the day's gas that all such keys together may use. The rest is for keys that an operator has made. */
const SELF_MADE_SHARE = 0.5

/** Counts an act against the limits of its account, of its key and of the relayer, in the transaction that creates its job. No two acts of an account are relayed
 *  at the same time, and none for 24 hours after one that was mined in vain: so what an account can waste in a day is the gas of one act.
 *  @throws ApiError that says which limit is reached. */
export async function countRelay(
  sql: Sql,
  job: Pick<JobRun, 'id'>,
  input: RelayInput,
  { caller, limits }: { caller: Caller; limits: RelayLimits },
): Promise<void> {
  const account = input.account.toLowerCase()
  const keyId = caller.kind === 'key' ? caller.id : null
  await lockRelay(sql)
  requireRoom(await recentOf(sql, account, keyId), account, limits)
  await sql.query(
    'insert into relayed_act (id, account, key_id, max_gas, created_at) values ($1, $2, $3, $4, clock_timestamp())',
    [job.id, account, keyId, limits.gasPerAct],
  )
}

async function recentOf(sql: Sql, account: string, keyId: string | null): Promise<Recent> {
  const { rows } = await sql.query<Record<string, string | boolean | null>>(
    `${RECENT} select coalesce(bool_or(live) filter (where account = $1), false) as live,
       coalesce(bool_or(reverted) filter (where account = $1), false) as reverted,
       count(*) filter (where account = $1) as "accountActs", coalesce(sum(gas) filter (where account = $1), 0) as "accountGas",
       count(*) filter (where key_id = $2) as "keyActs", coalesce(sum(gas) filter (where key_id = $2), 0) as "keyGas",
       coalesce(sum(gas), 0) as gas,
       case when (select prefix is not null from api_key where id = $2) then coalesce(sum(gas) filter (where self_made), 0) end as "selfMadeGas"
     from recent`,
    [account, keyId],
  )
  const [row = {}] = rows
  return {
    live: row.live === true,
    reverted: row.reverted === true,
    ofAccount: { acts: Number(row.accountActs), gas: Number(row.accountGas) },
    ofKey: { acts: Number(row.keyActs), gas: Number(row.keyGas) },
    gas: Number(row.gas),
    ...(row.selfMadeGas !== null && { selfMadeGas: Number(row.selfMadeGas) }),
  }
}

const selfMadeLimit = ({ totalGasPerDay, gasPerAct }: RelayLimits) =>
  Math.max(gasPerAct, totalGasPerDay * SELF_MADE_SHARE)

function requireRoom(recent: Recent, account: string, limits: RelayLimits): void {
  const { live, reverted, ofAccount, ofKey, gas, selfMadeGas } = recent
  if (reverted)
    throw new ApiError(
      'RELAY_REVERTED',
      `An act of ${account} was mined in vain in the last 24 hours. Nothing is relayed for it in that time: send a transaction of the account.`,
    )
  if (live)
    throw new ApiError('RELAY_BUSY', `An act of ${account} is being relayed. Ask again when that job has ended.`)
  for (const [who, { acts, gas }] of [
    [account, ofAccount],
    ['your key', ofKey],
  ] as const) {
    if (acts >= limits.actsPerDay)
      throw new ApiError(
        'RELAY_LIMIT',
        `${limits.actsPerDay} acts in 24 hours are relayed for ${who}, and so many were asked for. Ask again later, or ask the operator for more (RELAY_ACTS_PER_DAY).`,
      )
    if (gas + limits.gasPerAct > limits.gasPerDay)
      throw new ApiError(
        'RELAY_LIMIT',
        `The acts of ${who} may use ${limits.gasPerDay} gas in 24 hours. They have used ${gas}, and this one may use ${limits.gasPerAct}. Ask again later, or ask the operator for more (RELAY_GAS_PER_DAY).`,
      )
  }
  if (selfMadeGas !== undefined && selfMadeGas + limits.gasPerAct > selfMadeLimit(limits))
    throw new ApiError(
      'RELAY_LIMIT',
      'The keys that accounts have made themselves have used the gas that is relayed for them in 24 hours. Ask again later, ask the operator for a key, or send a transaction of the account (RELAY_TOTAL_GAS_PER_DAY).',
    )
  if (gas + limits.gasPerAct > limits.totalGasPerDay)
    throw new ApiError(
      'RELAY_LIMIT',
      'The relayer has used the gas that it may use in 24 hours, for all accounts together. Ask again later, or send a transaction of the account (RELAY_TOTAL_GAS_PER_DAY).',
    )
}
