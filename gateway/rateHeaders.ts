import { keyRate } from '#graphql/commands/keyRate.ts'
import { liveCalls, MAX_LIVE_CALLS } from '#graphql/commands/liveCalls.ts'
import type { Sql } from '#schema/database.ts'
import type { CallTerms } from './calls.ts'

/** OpenAI’s `x-ratelimit-*`: what the key has left in the present minute. Of a key without a limit of requests, how many calls of its consumer may be under way. */
export async function rateHeaders(sql: Sql, { caller, consumer }: Pick<CallTerms, 'caller' | 'consumer'>) {
  const rate = caller.kind === 'key' ? await keyRate(sql, caller) : undefined
  const requests = rate?.requests ?? {
    limit: MAX_LIVE_CALLS,
    remaining: Math.max(0, MAX_LIVE_CALLS - (await liveCalls(sql, consumer))),
    resetSeconds: 1,
  }
  return Object.fromEntries(
    Object.entries({ requests, tokens: rate?.tokens }).flatMap(([unit, left]) =>
      left === undefined
        ? []
        : [
            [`x-ratelimit-limit-${unit}`, String(left.limit)],
            [`x-ratelimit-remaining-${unit}`, String(left.remaining)],
            [`x-ratelimit-reset-${unit}`, `${Math.ceil(left.resetSeconds)}s`],
          ],
    ),
  )
}
