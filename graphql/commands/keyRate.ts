import { maxPromptTokens } from '#rules/fee.ts'
import type { Sql } from '#schema/database.ts'
import { type InferInput, maxTokensOut, promptOf } from '#schema/jobs.ts'
import type { Caller } from '../access.ts'
import { ApiError } from '../errors.ts'

/** How many calls, and how many tokens, a key may have in any 60 seconds. Counted in the database, so that all API processes count together. A call counts with
 *  the tokens that it may have, and once it is answered with those that it has. */

const WINDOW_SECONDS = 60

/** Too much in the last minute: nothing was started. */
export class RateLimited extends ApiError {
  constructor(
    message: string,
    /** When there is room, at most. */
    readonly retryAfterSeconds: number,
  ) {
    super('RATE_LIMITED', message)
  }
}

export type LimitedKey = Extract<Caller, { kind: 'key' }>

/** What calls may have together, in tokens. */
export const tokensOf = (input: InferInput): number => maxPromptTokens(promptOf(input)) + maxTokensOut(input)

/** What a key has left in the present minute. */
export interface KeyRate {
  requests: RateLeft | undefined
  tokens: RateLeft | undefined
}
interface RateLeft {
  limit: number
  remaining: number
  /** Until nothing of the minute is used. */
  resetSeconds: number
}

interface RecentCall {
  tokens: number
  /** Until it counts no more. */
  left: number
}

/** SQL: the calls of key $1 that count. */
const RECENT = `select coalesce(r.tokens_in + r.tokens_out, case when h.open then c.max_tokens else 0 end) as tokens,
     extract(epoch from c.started_at + interval '${WINDOW_SECONDS} seconds' - clock_timestamp())::float as left
   from key_call c left join receipt r on r.id = c.id left join credit_hold h on h.id = c.id
   where c.key_id = $1 and c.started_at > clock_timestamp() - interval '${WINDOW_SECONDS} seconds'`

/** What a key has used of the present minute. */
async function usedBy(sql: Sql, keyId: string): Promise<{ calls: number; tokens: number; resetSeconds: number }> {
  const { rows } = await sql.query(
    `select count(*)::float as calls, coalesce(sum(tokens), 0)::float as tokens, coalesce(max("left"), 0) as "resetSeconds" from (${RECENT}) recent`,
    [keyId],
  )
  return rows[0]
}

const isLimited = ({ requestsPerMinute, tokensPerMinute }: LimitedKey) =>
  requestsPerMinute != null || tokensPerMinute != null

/** What a key has left; undefined for a key without such limits. */
export async function keyRate(sql: Sql, key: LimitedKey): Promise<KeyRate | undefined> {
  if (!isLimited(key)) return undefined
  const { id, requestsPerMinute, tokensPerMinute } = key
  const { calls, tokens, resetSeconds } = await usedBy(sql, id)
  const of = (limit: number | null | undefined, used: number) =>
    limit == null ? undefined : { limit, remaining: Math.max(0, limit - used), resetSeconds }
  return { requests: of(requestsPerMinute, calls), tokens: of(tokensPerMinute, tokens) }
}

/** Checks that a key may start calls with so many tokens now. In a transaction that has locked the key nobody else counts meanwhile.
 *  @throws RateLimited; ApiError when one request is more than a minute may have */
export async function requireRate(sql: Sql, key: LimitedKey, wanted: { calls: number; tokens: number }): Promise<void> {
  if (!isLimited(key)) return
  const requests = { wanted: wanted.calls, limit: key.requestsPerMinute ?? Number.POSITIVE_INFINITY, unit: 'calls' }
  const tokens = { wanted: wanted.tokens, limit: key.tokensPerMinute ?? Number.POSITIVE_INFINITY, unit: 'tokens' }
  const used = await usedBy(sql, key.id)
  if (used.calls + requests.wanted <= requests.limit && used.tokens + tokens.wanted <= tokens.limit) return
  const { rows: calls } = await sql.query<RecentCall>(`${RECENT} order by c.started_at`, [key.id])
  requireRoom(
    calls.map(({ left }) => ({ size: 1, left })),
    requests,
  )
  requireRoom(
    calls.map(({ tokens, left }) => ({ size: tokens, left })),
    tokens,
  )
}

function requireRoom(
  used: readonly { size: number; left: number }[],
  { wanted, limit, unit }: { wanted: number; limit: number; unit: string },
): void {
  if (wanted > limit)
    throw new ApiError(
      'BAD_INPUT',
      `This request has up to ${wanted} ${unit}; your key may have ${limit} in a minute. Ask for less, or use another key.`,
    )
  let total = used.reduce((sum, { size }) => sum + size, 0)
  let seconds = 0
  for (const { size, left } of used) {
    if (total + wanted <= limit) break
    total -= size
    seconds = Math.max(1, Math.ceil(left))
  }
  if (seconds > 0)
    throw new RateLimited(
      `Your key may have ${limit} ${unit} in a minute; with this request it would have more. Try again in ${seconds} s.`,
      seconds,
    )
}

/** Counts a call against its key, in the transaction that creates its job: calls of one key follow each other there. @throws RateLimited, ApiError */
export async function countForKey(sql: Sql, job: string, key: LimitedKey, input: InferInput): Promise<void> {
  const tokens = tokensOf(input)
  if (isLimited(key)) {
    await sql.query('select 1 from api_key where id = $1 for update', [key.id])
    await requireRate(sql, key, { calls: 1, tokens })
  }
  await sql.query(
    'insert into key_call (id, key_id, started_at, max_tokens) values ($1, $2, clock_timestamp(), $3) on conflict (id) do nothing',
    [job, key.id, tokens],
  )
}
