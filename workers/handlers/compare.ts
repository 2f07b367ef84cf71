import { maxUint256 } from 'viem'
import { comparisonKeyDocument, getDocument } from '#schema/documents.ts'
import type { Dependencies } from '../dependencies.ts'
import type { JobContext, JobHandler } from '../job.ts'
import { spendMandate } from '../mandateBudget.ts'
import { loadVersion, sourcesOf } from '../modelLookup.ts'
import { transactInBatches } from '../transactInBatches.ts'
import { makeTasks } from './compareTasks.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

/** The largest round: what one transaction opens. */
const MAX_TASKS_OF_ROUND = 300

/** Samples pairs of answers of a version, and opens all of them for judgement on chain. */
export const compareHandler =
  (dependencies: Dependencies): JobHandler<'compare'> =>
  async (job) => {
    const { version } = await loadVersion(sourcesOf(job, dependencies), job.input.versionId)
    const key = await makeTasks(job, dependencies)
    const { tasks } = await getDocument(job.artifacts, comparisonKeyDocument, key)
    const items = tasks.map(({ item }) => item)
    const firstTaskId = await openFeedbackRounds(job, version, items, goldCommitment(key))
    return { result: { versionId: version.id, firstTaskId, tasks: tasks.length, key } }
  }

/** Opens the tasks on chain as one round, or as several when there are more than a transaction can open; returns the id of the first. */
async function openFeedbackRounds(
  job: JobContext<'compare'>,
  version: { id: string; modelId: string },
  items: readonly string[],
  gold: `0x${string}`,
): Promise<string> {
  const { input, chain } = job
  const pot = BigInt(input.potWei)
  if (pot > 0n)
    await spendMandate(job, { modelId: version.modelId, purpose: 'feedback', amount: pot * BigInt(items.length) })
  // The pool takes from its caller alone. An exact amount would replace that of a comparison at the same time.
  await chain.transact(`pots:${job.id}`, {
    contract: 'GOpen',
    functionName: 'approve',
    args: [chain.addresses.FeedbackPool, maxUint256],
  })
  const commitDeadline = (await chain.timeOf(`pots:${job.id}`)) + input.commitSeconds
  let firstTaskId: string | undefined
  const receipts = await transactInBatches(chain, {
    items,
    maxItems: MAX_TASKS_OF_ROUND,
    key: (batch, start) => `tasks:${job.id}:${start}+${batch.length}`,
    onBatch: (start) => job.report(0.85 + (0.1 * start) / items.length, 'opening tasks'),
    send(key, batch) {
      const inputs = batch.map((itemHash) => ({
        ...{ versionId: BigInt(version.id), domain: input.domain, itemHash: itemHash as `0x${string}`, pot },
      }))
      return chain.transact(key, {
        contract: 'FeedbackPool',
        functionName: 'openRound',
        args: [
          BigInt(version.modelId),
          inputs,
          BigInt(commitDeadline),
          BigInt(commitDeadline + input.revealSeconds),
          input.seats,
          gold,
        ],
      })
    },
  })
  for (const event of receipts.flatMap(({ events }) => events))
    if (event.contract === 'FeedbackPool' && event.name === 'TaskOpened') firstTaskId ??= event.args.taskId.toString()
  if (firstTaskId === undefined)
    throw new Error('openRound was mined without its events. Check that the ABIs fit the deployment.')
  return firstTaskId
}
