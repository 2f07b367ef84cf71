import type { FeedbackSettlement } from '#rules/feedback.ts'
import type { GoldAnswer } from '#rules/gold.ts'
import { NEWCOMER, type ReputationCounts, rateReputation, updateReputation } from '#rules/reputation.ts'
import { evidenceDocument, putDocument } from '#schema/documents.ts'
import { FeedbackRound, FeedbackTask } from '#schema/onchain/feedback.ts'
import { rowsOf } from '#schema/rows.ts'
import { type ChainDependencies, storeAs } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { sendUnlessDone } from '../sendUnlessDone.ts'
import { transactInBatches } from '../transactInBatches.ts'
import { MissingGoldError } from './settleFeedbackGold.ts'
import { type ComputedRound, computeRound } from './settleFeedbackRound.ts'

const MAX_TASKS = 10
const MAX_REPUTATIONS = 500

/** Settles the rounds in which a version was judged and whose reveals are over, each alone (rule 5, amendment 5a): it opens their gold tasks, pays agreement
 *  with skilled peers, fines failed gold tasks and missing reveals, updates reputations, and stores the weighted preferences for training. */
export const settleFeedbackHandler =
  (_dependencies: ChainDependencies): JobHandler<'settleFeedback'> =>
  async (job) => {
    const { versionId } = job.input
    const due = await dueRounds(job, versionId)
    const epochLength = await job.chain.read('RewardDistributor', 'epochLength', [])
    const epochOf = (round: FeedbackRound) => BigInt(round.openedBlock) / epochLength
    const evidenceHashes: string[] = []
    const totals = { tasks: 0, judgements: 0, pairs: 0, paid: 0n, fined: 0n }
    const settled: string[] = []
    let missing: MissingGoldError | undefined
    for (const [nth, round] of due.entries()) {
      const computed = await computeRound(job, round, epochOf).catch((error) => {
        if (!(error instanceof MissingGoldError)) throw error
        missing = error // it keeps no other round from its settlement
      })
      if (!computed) continue
      const { tasks, settlements, evidence, goldKey, judgements } = computed
      const evidenceHash = (await putDocument(storeAs(job, 'evidence'), evidenceDocument, evidence)) as `0x${string}`
      if (goldKey !== null && round.goldSecret === null) await openGold(job, round.id, goldKey as `0x${string}`)
      job.report(0.2 + (0.8 * nth) / due.length, `settling round ${round.id}`)
      await writeSettlements(job, round, computed, evidenceHash)
      await writeReputations(job, computed.answers, epochOf(round), evidenceHash)
      settled.push(round.id)
      evidenceHashes.push(evidenceHash)
      totals.tasks += tasks.length
      totals.judgements += judgements
      totals.pairs += evidence.pairs.length
      totals.paid += settlements.reduce((sum, one) => sum + one.reward, 0n)
      totals.fined += settlements.reduce((sum, one) => sum + one.penalty, 0n)
    }
    if (missing && settled.length === 0) throw missing
    return {
      result: {
        ...totals,
        versionId,
        rounds: settled,
        ...(missing && { held: missing.message }),
        paid: totals.paid.toString(),
        fined: totals.fined.toString(),
        evidenceHashes,
      },
    }
  }

async function dueRounds(job: JobContext<'settleFeedback'>, versionId: string): Promise<FeedbackRound[]> {
  const tasks = await rowsOf(job.db, FeedbackTask, 'version_id = $1 and not settled', [versionId])
  const rounds = await rowsOf(job.db, FeedbackRound, 'id = any($1)', [[...new Set(tasks.map((one) => one.roundId))]], {
    orderBy: 'id::numeric',
  })
  const [next] = [...rounds].sort((a, b) => a.revealDeadline.getTime() - b.revealDeadline.getTime())
  if (!next)
    throw new JobError(
      'NOTHING_TO_SETTLE',
      `Version ${versionId} has no open comparisons. Open comparisons first (mutation compare).`,
    )
  const now = await job.chain.now()
  const due = rounds.filter((round) => round.revealDeadline.getTime() / 1000 < now)
  if (due.length === 0)
    throw new JobError(
      'STILL_OPEN',
      `Round ${next.id} accepts reveals until ${next.revealDeadline.toISOString()} (chain time). Settle after that.`,
    )
  return due
}

/** Anybody who sees the key may open the gold of a round. */
const openGold = ({ chain }: JobContext<'settleFeedback'>, roundId: string, key: `0x${string}`) =>
  sendUnlessDone(
    () =>
      chain.transact(
        `gold:${roundId}`,
        { contract: 'FeedbackPool', functionName: 'openGold', args: [BigInt(roundId), key] },
        { again: true },
      ),
    async () => (await chain.read('FeedbackPool', 'getRound', [BigInt(roundId)])).goldOpened,
  )

async function writeSettlements(
  job: JobContext<'settleFeedback'>,
  round: FeedbackRound,
  { tasks, settlements }: ComputedRound,
  evidenceHash: `0x${string}`,
) {
  const ofTask = new Map<string, FeedbackSettlement[]>()
  for (const one of settlements) ofTask.set(one.taskId, [...(ofTask.get(one.taskId) ?? []), one])
  await transactInBatches(job.chain, {
    items: tasks.filter(({ settled }) => !settled),
    maxItems: MAX_TASKS,
    key: (batch) => `settle:${evidenceHash}:${batch[0]?.id}+${batch.length}`,
    onBatch: () => job.alive(),
    send(key, batch) {
      const rows = batch.flatMap((task) => ofTask.get(task.id) ?? [])
      return job.chain.transact(
        key,
        {
          contract: 'FeedbackPool',
          functionName: 'settle',
          args: [
            BigInt(round.id),
            batch.map((task) => BigInt(task.id)),
            rows.map(({ taskId, validator, score, reward, penalty }) => ({
              taskId: BigInt(taskId),
              validator: validator as `0x${string}`,
              score: Number(score),
              reward,
              penalty,
            })),
            evidenceHash,
          ],
        },
        { again: true },
      )
    },
  })
}

/** Writes the reputations of everybody with a record in the domain: those of the absent fade, too (amendment 6a). */
async function writeReputations(
  job: JobContext<'settleFeedback'>,
  golds: ComputedRound['answers'],
  epoch: bigint,
  evidenceHash: string,
) {
  for (const domain of new Set(golds.map((one) => one.domain))) {
    const records = new Map<string, ReputationCounts>()
    for (const answer of golds.filter((one) => one.domain === domain))
      records.set(answer.validator, countAnswer(records.get(answer.validator) ?? NEWCOMER, answer))
    const entries = [...records]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([validator, one]) => ({
        validator,
        ...rateReputation(updateReputation(one, { epoch, successes: 0n, failures: 0n })),
      }))
    await transactInBatches(job.chain, {
      items: entries,
      maxItems: MAX_REPUTATIONS,
      key: (batch, start) => `reputation:${evidenceHash}:${domain}:${start}+${batch.length}`,
      send: (key, batch) =>
        job.chain.transact(key, {
          contract: 'FeedbackPool',
          functionName: 'updateReputation',
          args: [
            batch.map((one) => one.validator as `0x${string}`),
            domain,
            batch.map((one) => Number(one.value)),
            batch.map((one) => one.tier),
          ],
        }),
    })
  }
}

const countAnswer = (before: ReputationCounts, { right, epoch }: GoldAnswer): ReputationCounts =>
  updateReputation(before, { epoch, successes: right ? 1n : 0n, failures: right ? 0n : 1n })
