import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Caller, callerAccount, requireAccount, requireKey } from '#graphql/access.ts'
import { requireRate, tokensOf } from '#graphql/commands/keyRate.ts'
import { liveCalls, requireRoom } from '#graphql/commands/liveCalls.ts'
import { payFor } from '#graphql/commands/spendCap.ts'
import type { Services } from '#graphql/context.ts'
import { isAddressText } from '#schema/address.ts'
import { cancelJob, enqueue, jobId } from '#schema/enqueue.ts'
import { checkJobInput, type InferInput } from '#schema/jobs.ts'
import { badRequest } from './errors.ts'
import type { ServedEndpoint } from './models.ts'
import type { Payment } from './payment/payment.ts'

/** What a client asks for, without who asks and who pays. */
export type CallInput = Omit<Partial<InferInput>, 'consumer' | 'channelId' | 'open' | 'endpointId' | 'seed'>

/** Who asks, and how: from the headers of a request. */
export interface CallTerms {
  caller: Caller
  consumer: string
  channelId?: string
  /** The voucher that came with the call. */
  payment?: Payment
  open: boolean
  /** Of the client; with one, its calls go on when it disconnects, so that it can come back for the answers. */
  idempotencyKey?: string
}

/** Who pays in open mode when nobody is named: only free endpoints answer. */
export const NOBODY = `0x${'0'.repeat(40)}`

/** @throws GatewayError or ApiError when the headers are wrong. */
export function readTerms(caller: Caller, headers: IncomingHttpHeaders, payment?: Payment): CallTerms {
  if (payment)
    return {
      caller: { kind: 'payer', account: payment.consumer },
      consumer: payment.consumer,
      channelId: payment.channelId,
      payment,
      ...manner(headers),
    }
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
    ...manner(headers),
  }
}

const manner = (headers: IncomingHttpHeaders) => ({
  open: textOf(headers['x-open']) === 'true',
  idempotencyKey: textOf(headers['idempotency-key']),
})

const textOf = (header: string | string[] | undefined): string | undefined => [header].flat()[0] || undefined

/** The seed of a request that names none: one key gives one seed, so that a repeated request is the same. */
export function seedOf(key: string): number {
  let seed = 0
  for (const unit of key) seed = (Math.imul(seed, 31) + (unit.codePointAt(0) ?? 0)) & 0x7fffffff
  return seed
}

/** The input of a call's job. @throws InputError */
export const inferInput = (
  terms: Pick<CallTerms, 'consumer' | 'channelId' | 'open'>,
  { id }: Pick<ServedEndpoint, 'id'>,
  given: CallInput,
  seed: number,
): InferInput => checkJobInput('infer', { ...given, endpointId: id, seed, ...terms })

/** Starts a call for each input, and returns the ids of their jobs, which are those of their receipts. When one is refused, none is made.
 *  @throws ApiError, EnqueueError or InputError that says what is missing. */
export async function startCalls(
  services: Services,
  { caller, consumer, channelId, payment, open, idempotencyKey }: CallTerms,
  endpoint: Pick<ServedEndpoint, 'id'>,
  inputs: readonly CallInput[],
  givenSeed: number | undefined,
): Promise<string[]> {
  const key = idempotencyKey ?? randomUUID()
  const seed = givenSeed ?? seedOf(key)
  const requestedBy = callerAccount(caller)
  const calls = inputs.map((given, place) => ({
    key: place === 0 ? key : `${key}#${place}`,
    input: inferInput({ consumer, channelId, open }, endpoint, given, (seed + place) % 2 ** 31),
  }))
  if (calls.length > 1) await requireRoomForAll(services, { caller, consumer, requestedBy }, calls)
  const started: string[] = []
  try {
    for (const { key, input } of calls) {
      const job = await enqueue(services, 'infer', input, {
        key,
        requestedBy,
        async also(sql, made) {
          if (started.length === 0) await payment?.take(sql)
          await payFor(sql, made, input, { caller, deployment: services.deployment })
          if (payment)
            await sql.query('update credit_hold set resource_url = $2 where id = $1', [made.id, payment.resourceUrl])
        },
      })
      started.push(job.id)
    }
    return started
  } catch (error) {
    if (idempotencyKey === undefined) await cancelCalls(services, started)
    throw error
  }
}

/** Several calls are refused before the first of them starts. Those that a request with the same key has started need no room. */
async function requireRoomForAll(
  { db }: Pick<Services, 'db'>,
  { caller, consumer, requestedBy }: Pick<CallTerms, 'caller' | 'consumer'> & { requestedBy: string | null },
  calls: readonly { key: string; input: InferInput }[],
) {
  const ids = calls.map(({ key }) => jobId('infer', { key, requestedBy }))
  const { rows } = await db.query<{ id: string }>('select id from job_run where id = any($1)', [ids])
  const made = new Set(rows.map(({ id }) => id))
  const wanted = calls.filter((_, place) => !made.has(ids[place] as string))
  requireRoom(await liveCalls(db, consumer), wanted.length)
  if (caller.kind !== 'key' || wanted.length === 0) return
  const tokens = wanted.reduce((sum, { input }) => sum + tokensOf(input), 0)
  await requireRate(db, caller, { calls: wanted.length, tokens })
}

/** Cancels what has not ended. */
export async function cancelCalls(services: Pick<Services, 'db'>, ids: readonly string[]): Promise<void> {
  for (const id of ids) await cancelJob(services, id)
}
