import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Caller, callerAccount, requireAccount, requireKey } from '#graphql/access.ts'
import { payFor } from '#graphql/commands/spendCap.ts'
import type { Services } from '#graphql/context.ts'
import { isAddressText } from '#schema/address.ts'
import { cancelJob, enqueue } from '#schema/enqueue.ts'
import { checkJobInput, type InferInput } from '#schema/jobs.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import { badRequest, GatewayError } from './errors.ts'
import type { ServedEndpoint } from './models.ts'

/** What a client asks for, without who asks and who pays. */
export type CallInput = Omit<Partial<InferInput>, 'consumer' | 'channelId' | 'open' | 'endpointId' | 'seed'>

/** Who asks, and how: from the headers of a request. */
export interface CallTerms {
  caller: Caller
  consumer: string
  channelId?: string
  open: boolean
  /** Of the client; with one, its calls go on when it disconnects, so that it can come back for the answers. */
  idempotencyKey?: string
}

/** Who pays in open mode when nobody is named: only free endpoints answer. */
const NOBODY = `0x${'0'.repeat(40)}`

/** Calls of one consumer that wait or run at the same time. */
export const MAX_LIVE_CALLS = 256

/** @throws GatewayError or ApiError when the headers are wrong. */
export function readTerms(caller: Caller, headers: IncomingHttpHeaders): CallTerms {
  requireKey(caller, 'infer')
  const named = textOf(headers['x-consumer'])
  if (named !== undefined && !isAddressText(named))
    throw badRequest('The header x-consumer is not an address: 0x and 40 hex digits.', 'x-consumer')
  const consumer = (named ?? callerAccount(caller) ?? NOBODY).toLowerCase()
  requireAccount(caller, consumer, 'infer')
  return {
    caller,
    consumer,
    channelId: textOf(headers['x-channel']),
    open: textOf(headers['x-open']) === 'true',
    idempotencyKey: textOf(headers['idempotency-key']),
  }
}

const textOf = (header: string | string[] | undefined): string | undefined => [header].flat()[0] || undefined

/** The seed of a request that names none: one key gives one seed, so that a repeated request is the same. */
export function seedOf(key: string): number {
  let seed = 0
  for (const unit of key) seed = (Math.imul(seed, 31) + (unit.codePointAt(0) ?? 0)) & 0x7fffffff
  return seed
}

/** How many calls a consumer has under way. */
export async function liveCalls({ db }: Pick<Services, 'db'>, consumer: string): Promise<number> {
  const { rows } = await db.query<{ count: bigint }>(
    `select count(*) as count from job_run where kind = 'infer' and ${IS_LIVE} and lower(input->>'consumer') = $1`,
    [consumer],
  )
  return Number(rows[0]?.count ?? 0)
}

/** Starts a call for each input, and returns the ids of their jobs, which are those of their receipts. When one is refused, none is made.
 *  @throws ApiError, EnqueueError or InputError that says what is missing. */
export async function startCalls(
  services: Services,
  { caller, consumer, channelId, open, idempotencyKey }: CallTerms,
  endpoint: Pick<ServedEndpoint, 'id'>,
  inputs: readonly CallInput[],
  givenSeed: number | undefined,
): Promise<string[]> {
  const key = idempotencyKey ?? randomUUID()
  const seed = givenSeed ?? seedOf(key)
  const started: string[] = []
  try {
    for (const [place, given] of inputs.entries()) {
      const input = checkJobInput('infer', {
        ...given,
        endpointId: endpoint.id,
        seed: (seed + place) % 2 ** 31,
        ...{ consumer, channelId, open },
      })
      const job = await enqueue(services, 'infer', input, {
        key: place === 0 ? key : `${key}#${place}`,
        requestedBy: callerAccount(caller),
        also: (sql, made) => payFor(sql, made, input, { caller, deployment: services.deployment }),
      })
      started.push(job.id)
    }
    return started
  } catch (error) {
    if (idempotencyKey === undefined) await cancelCalls(services, started)
    throw error
  }
}

/** Cancels what has not ended. */
export async function cancelCalls(services: Pick<Services, 'db'>, ids: readonly string[]): Promise<void> {
  for (const id of ids) await cancelJob(services, id)
}

/** @throws GatewayError when the consumer has too many calls under way. */
export function requireRoom(live: number, wanted: number): void {
  if (live + wanted <= MAX_LIVE_CALLS) return
  throw new GatewayError(
    429,
    `${live} calls of this consumer wait or run; at most ${MAX_LIVE_CALLS} may. Wait until one has ended.`,
    { type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfterSeconds: 1 },
  )
}
