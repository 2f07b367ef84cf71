import { randomBytes } from 'node:crypto'
import { hashTypedData, toHex } from 'viem'
import { contentSalt, receiptData, saltedTextHash, totalHash } from '#rules/receipt.ts'
import { databaseTime, type Sql } from '#schema/database.ts'
import { promptOf } from '#schema/jobs.ts'
import type { AnswerEntry, AnswerJournal } from '#schema/journal/answers.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { type CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { row, rowOf, saveRows } from '#schema/rows.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { delayCancellation, type JobContext, JobError } from './job.ts'

/** An answer whose fee is not charged yet. */
export interface Answer {
  versionId: string
  text: string
  tokensIn: number
  tokensOut: number
  fee: bigint
  /** What clients see as the result of the job. */
  result: Record<string, unknown>
}

interface Recorder {
  job: JobContext<'infer'>
  journal: Pick<AnswerJournal, 'append'>
  hold: CreditHold
}

/** The time for storing an answer whose job was told to end when it was there, or was cancelled since. */
const ENDED_MS = 10_000

/** A worker that is frozen while it stores an answer loses its transaction, and with it the lock on the channel's voucher. */
const MAX_IDLE = '60s'

/** Charges the fee, and stores the answer with its signed receipt: in the transaction of `sql`, which ends the job, so that a crash can neither lose nor
 *  repeat a charge. The receipt says what the channel's calls have cost with this one, so answers of one channel are stored one after the other. The
 *  answer is in the journal before the commit lets it leave. */
export async function recordAnswer(sql: Sql, { job, journal, hold }: Recorder, answer: Answer): Promise<void> {
  await closeHold(sql, job.id, answer.fee)
  const { channelId } = hold
  const cumulative = channelId === null ? 0n : await chargeChannel(sql, channelId, answer.fee)
  const { input } = job
  const prompt = promptOf(input)
  const facts = {
    endpointId: input.endpointId,
    versionId: answer.versionId,
    channelId,
    consumer: input.consumer.toLowerCase(),
    tokensIn: answer.tokensIn,
    tokensOut: answer.tokensOut,
    fee: answer.fee,
  }
  const salt = toHex(randomBytes(32))
  const content = contentSalt(salt)
  const hashes = {
    requestHash: saltedTextHash(content, prompt),
    responseHash: saltedTextHash(content, answer.text),
    totalHash: totalHash(salt, cumulative),
  }
  const statement = { ...facts, ...hashes, id: job.id }
  const { chainId, addresses } = job.chain
  const receipt = {
    ...facts,
    ...hashes,
    prompt,
    answer: answer.text,
    priceIn: hold.priceIn,
    priceOut: hold.priceOut,
    cumulative,
    isOpen: input.open,
    hash: hashTypedData(receiptData({ chainId, contract: addresses.InferenceMarket }, statement)),
    salt,
    signature: await job.chain.signReceipt(statement),
    x402Receipt:
      hold.resourceUrl === null ? null : { ...(await job.chain.signX402Receipt(hold.resourceUrl, statement.consumer)) },
    answeredAt: await databaseTime(sql),
  }
  const entry = {
    job: await requestOf(sql, job.id),
    result: answer.result,
    receipt,
    maximum: hold.maximum,
    voucher: channelId === null ? null : await voucherOf(sql, channelId),
  }
  // A store that does not answer must not keep a worker from stopping: the job is answered again, and the later answer counts. A cancellation comes too
  // late for an answer that is there: its consumer may have read it.
  const { signal } = job
  await untilAborted(
    journal.append(entry),
    signal.aborted ? AbortSignal.timeout(ENDED_MS) : delayCancellation(signal, ENDED_MS),
  )
  await saveRows(sql, [row(Receipt, { id: job.id, jobId: job.id, epoch: null, ...receipt, textsRemovedAt: null })])
}

async function closeHold(sql: Sql, id: string, fee: bigint): Promise<void> {
  const closed = await sql.query('update credit_hold set open = false, fee = $2 where id = $1 and open', [id, fee])
  if (closed.rowCount !== 1)
    throw new JobError(
      'NO_CREDIT_HELD',
      'The credit reserved for this call was released in the meantime. Request the answer again.',
    )
}

/** Adds a fee to what the channel's calls have cost, and returns the sum. In an old copy of the database it may be less than what the host has redeemed
 *  since: new calls come after that. */
async function chargeChannel(sql: Sql, channelId: string, fee: bigint): Promise<bigint> {
  const { rows } = await sql.query<{ used: bigint }>(
    `update signed_voucher set used = $2 + greatest(used,
       coalesce((select redeemed from payment_channel where id = $1 and to_block is null), 0))
     where id = $1 returning used, set_config('idle_in_transaction_session_timeout', '${MAX_IDLE}', true)`,
    [channelId, fee],
  )
  if (!rows[0])
    throw new JobError(
      'NO_VOUCHER',
      `Channel ${channelId} has no voucher any more. Submit its newest one (mutation submitVoucher), and request the answer again.`,
    )
  return rows[0].used
}

async function requestOf(sql: Sql, jobId: string): Promise<AnswerEntry['job']> {
  const run = await rowOf(sql, JobRun, jobId)
  if (!run) throw new Error(`Job ${jobId} is not in the database.`)
  const { id, attempt, input, idempotencyKey, requestedBy, createdAt } = run
  return { id, attempt, input, idempotencyKey, requestedBy, createdAt }
}

async function voucherOf(sql: Sql, channelId: string): Promise<AnswerEntry['voucher']> {
  const voucher = await rowOf(sql, SignedVoucher, channelId)
  return voucher ? { ceiling: voucher.ceiling, signature: voucher.signature, signedAt: voucher.signedAt } : null
}
