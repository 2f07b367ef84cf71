import { keccak256, stringToBytes } from 'viem'
import { fee as feeOf } from '#rules/fee.ts'
import { databaseTime } from '#schema/database.ts'
import { documentBytes } from '#schema/documents.ts'
import type { AnswerEntry } from '#schema/journal/answers.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { row, rowOf, rowsOf } from '#schema/rows.ts'
import { type Dependencies, forwardProgress } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadVersion, sourcesOf } from '../modelLookup.ts'

/** Answers a call. The answer is in the journal before it leaves. The fee (at the quoted price), the release of the rest of the hold, and the signed receipt are stored in the
 *  transaction that ends the job, so that a crash can neither lose nor repeat a charge. */
export const inferHandler =
  (dependencies: Dependencies): JobHandler<'infer'> =>
  async (job) => {
    const { input, db } = job
    const sources = sourcesOf(job, dependencies)
    const endpoint = await rowOf(db, Endpoint, input.endpointId)
    if (!endpoint)
      throw new JobError(
        'UNKNOWN_ENDPOINT',
        `There is no endpoint ${input.endpointId}. Query \`endpoints\` for the existing endpoints.`,
      )
    const hold = await rowOf(db, CreditHold, job.id)
    if (!hold?.open)
      throw new JobError(
        'NO_CREDIT_HELD',
        'No credit is reserved for this call. Use the mutation infer, which reserves it.',
      )
    const facts = await loadVersion(sources, endpoint.versionId)
    if (facts.version.status !== 'Promoted')
      throw new JobError(
        'NOT_PROMOTED',
        `Version ${facts.version.id} does not serve: it is ${facts.version.status}. The host must point endpoint ${endpoint.id} at a promoted version.`,
      )

    const { answers } = await dependencies.engine.run(
      'generate',
      {
        baseFolder: await fetchBaseModel(sources, facts),
        adapterFolder: await fetchAdapter(sources, facts),
        requests: [
          {
            prompt: input.prompt,
            maxTokens: input.maxTokens,
            temperature: input.temperature,
            topP: input.topP,
            repetitionPenalty: input.repetitionPenalty,
            stop: input.stop,
            schema: input.responseSchema === undefined ? undefined : JSON.parse(input.responseSchema),
            topLogProbabilities: input.topLogprobs,
            seed: input.seed,
          },
        ],
        stream: true,
      },
      forwardProgress(job, 0, 0.9, 'answering'),
    )
    const [answer] = answers
    if (!answer) throw new Error('The engine returned no answer.')
    const fee = feeOf(hold, answer.tokensIn, answer.tokensOut)
    const consumer = input.consumer.toLowerCase()
    const statement = {
      id: job.id,
      endpointId: endpoint.id,
      versionId: facts.version.id,
      consumer,
      promptHash: keccak256(stringToBytes(input.prompt)),
      answerHash: keccak256(stringToBytes(answer.text)),
      tokensIn: answer.tokensIn,
      tokensOut: answer.tokensOut,
      fee: fee.toString(),
    }
    const hash = keccak256(documentBytes(statement))
    const receipt = {
      endpointId: endpoint.id,
      versionId: facts.version.id,
      consumer,
      prompt: input.prompt,
      answer: answer.text,
      tokensIn: answer.tokensIn,
      tokensOut: answer.tokensOut,
      priceIn: hold.priceIn,
      priceOut: hold.priceOut,
      fee,
      hash,
      signature: await job.chain.sign(hash),
      answeredAt: await databaseTime(job.db), // epochs are closed by this time
    }
    const result = {
      receiptId: job.id,
      answer: answer.text,
      tokensIn: answer.tokensIn,
      tokensOut: answer.tokensOut,
      fee: fee.toString(),
      finish: answer.finish,
      ...(answer.tokens && { tokens: answer.tokens }),
    }
    await dependencies.journal.append(await entryOf(job, { result, receipt, maximum: hold.maximum }))
    return {
      result,
      rows: [row(Receipt, { id: job.id, jobId: job.id, epoch: null, ...receipt })],
      next: [{ kind: 'attribute', key: `attribute:${job.id}`, input: { receiptId: job.id } }],
      async afterRows(sql) {
        const closed = await sql.query('update credit_hold set open = false, fee = $2 where id = $1 and open', [
          job.id,
          fee.toString(),
        ])
        if (closed.rowCount !== 1)
          throw new JobError(
            'NO_CREDIT_HELD',
            'The credit reserved for this call was released in the meantime. Request the answer again.',
          )
        await sql.query('update signed_voucher set used = used + $2 where id = $1', [
          `${endpoint.id}-${consumer}`,
          fee.toString(),
        ])
      },
    }
  }

/** What the journal keeps of the call. */
async function entryOf(
  job: JobContext<'infer'>,
  answered: Pick<AnswerEntry, 'result' | 'receipt' | 'maximum'>,
): Promise<AnswerEntry> {
  const [[run], [voucher]] = await Promise.all([
    rowsOf(job.db, JobRun, 'id = $1', [job.id]),
    rowsOf(job.db, SignedVoucher, 'id = $1', [`${answered.receipt.endpointId}-${answered.receipt.consumer}`]),
  ])
  if (!run) throw new Error(`Job ${job.id} is not in the database.`)
  const { id, attempt, input, idempotencyKey, requestedBy, createdAt } = run
  return {
    job: { id, attempt, input, idempotencyKey, requestedBy, createdAt },
    ...answered,
    voucher: voucher
      ? {
          cumulative: voucher.cumulative,
          deadline: voucher.deadline,
          signature: voucher.signature,
          used: voucher.used,
          signedAt: voucher.signedAt,
        }
      : null,
  }
}
