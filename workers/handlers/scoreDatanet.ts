import { expiryOf } from '#rules/commitments.ts'
import { verdictCode } from '#rules/quality.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { rowOf } from '#schema/rows.ts'
import { withScreeningRules } from '#screening/recorded.ts'
import { assessDatanet } from '../assessDatanet.ts'
import { RevertError } from '../chainErrors.ts'
import { firstOpenCommitment } from '../commitOrder.ts'
import type { ChainDependencies } from '../dependencies.ts'
import { JobError, type JobHandler, PendingError } from '../job.ts'
import { loadMandatedModel, sourcesOf } from '../modelLookup.ts'
import { requireLicences } from '../requireLicences.ts'
import { transactInBatches } from '../transactInBatches.ts'

const MAX_BATCH = 50

/** Judges the contributions of a datanet and writes the missing verdicts to the chain, in the order of the commitments. What was committed after a commitment
 *  that may still be revealed waits (amendment 4b). */
export const scoreDatanetHandler =
  (dependencies: ChainDependencies): JobHandler<'scoreDatanet'> =>
  async (job) => {
    const datanet = await rowOf(job.db, Datanet, job.input.datanetId)
    if (!datanet)
      throw new JobError(
        'UNKNOWN_DATANET',
        `There is no datanet ${job.input.datanetId}. Query \`datanets\` for the existing datanets.`,
      )
    const { specification } = await loadMandatedModel(sourcesOf(job, dependencies), datanet.modelId)
    await requireLicences(job.db, specification, [datanet.id])
    const assessed = await assessDatanet(sourcesOf(job, dependencies), datanet, (done) =>
      job.report(done * 0.7, 'judging'),
    )
    const open = await firstOpenCommitment(job)
    const unscored = assessed.filter(({ contribution }) => contribution.status === 'Submitted')
    const missing = unscored
      .filter(({ committed }) => open === undefined || committed < open)
      .map(({ assessment }) => assessment)
    await transactInBatches(job.chain, {
      items: missing,
      maxItems: MAX_BATCH,
      key: (batch) => `score:${datanet.id}:${batch.map((one) => one.id).join(',')}`,
      onBatch: (start) => job.report(0.7 + (0.3 * start) / missing.length, 'writing verdicts'),
      send: (key, batch) =>
        job.chain
          .transact(
            key,
            {
              contract: 'DatanetRegistry',
              functionName: 'score',
              args: [
                batch.map((one) => BigInt(one.id)),
                batch.map((one) => Number(one.quality)),
                batch.map((one) => Number(one.uniqueness)),
                batch.map((one) => verdictCode(one.verdict)),
                batch.map((one) => withScreeningRules(one.reason)),
              ],
            },
            { again: true },
          )
          .catch(waitForIndex),
    })
    if (open !== undefined && missing.length < unscored.length)
      throw new PendingError(
        `${unscored.length - missing.length} contributions wait: an earlier commitment may be revealed until block ${expiryOf(open)} is final. The others are scored.`,
      )
    // No count of each verdict: it would tell how many met sealed items (amendment 14).
    const accepted = missing.filter(({ verdict }) => verdict === 'accepted').length
    return { result: { datanetId: datanet.id, scored: missing.length, accepted, rejected: missing.length - accepted } }
  }

/** The scoring of another datanet of the model may refuse the same contribution that nobody can read. */
function waitForIndex(error: unknown): never {
  if (error instanceof RevertError && error.errorName === 'AlreadyScored')
    throw new PendingError('Another job has scored one of them: the others wait until the index has its verdict.', {
      cause: error,
    })
  throw error
}
