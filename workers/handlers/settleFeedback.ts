import { dawidSkene, trainingPreference } from '#rules/dawidSkene.ts'
import { type FeedbackSettlement, settleRound } from '#rules/feedback.ts'
import { EMPTY_RECORD, type GoldRecord, recordGold } from '#rules/gold.ts'
import { NEWCOMER, type ReputationCounts, rateReputation, updateReputation } from '#rules/reputation.ts'
import {
  comparisonDocument,
  comparisonKeyDocument,
  type Evidence,
  evidenceDocument,
  getDocument,
  putDocument,
} from '#schema/documents.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { rowsOf } from '#schema/rows.ts'
import { type ChainDependencies, storeAs } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { transactInBatches } from '../transactInBatches.ts'

const MAX_TASKS = 5
const MAX_REPUTATIONS = 500
const ORDER = { orderBy: 'task_id::numeric, validator' }

/** Settles the revealed judgements of a version (rule 5): it pays agreement with skilled peers, fines failed gold tasks and missing
 *  reveals, updates reputations, and stores the weighted preferences for training. */
export const settleFeedbackHandler =
  (_dependencies: ChainDependencies): JobHandler<'settleFeedback'> =>
  async (job) => {
    const { versionId } = job.input
    const tasks = await rowsOf(job.db, FeedbackTask, 'version_id = $1 and not settled', [versionId], {
      orderBy: 'id::numeric',
    })
    if (tasks.length === 0)
      throw new JobError(
        'NOTHING_TO_SETTLE',
        `Version ${versionId} has no open comparisons. Open comparisons first (mutation compare).`,
      )
    const now = await job.chain.now()
    const open = tasks.find((task) => task.revealDeadline.getTime() / 1000 >= now)
    if (open)
      throw new JobError(
        'STILL_OPEN',
        `Task ${open.id} accepts reveals until ${open.revealDeadline.toISOString()} (chain time). Settle after that.`,
      )
    const keys = await keysOf(job)
    const judgements = await rowsOf(job.db, Judgement, 'task_id = any($1)', [tasks.map((task) => task.id)], ORDER)
    const reveals = judgements.filter((one) => one.choice !== null)
    const earlier = goldJudgements(
      await rowsOf(job.db, FeedbackTask, 'settled'),
      await rowsOf(job.db, Judgement, 'choice is not null', [], ORDER),
      keys,
    )
    const gold = new Map(
      tasks.flatMap(({ id, itemHash }) => {
        const better = keys.get(itemHash)?.gold ?? null
        return better === null ? [] : [[id, better as 0 | 1] as const]
      }),
    )

    const { settlements, validators } = settleRound({
      tasks: tasks.map(({ id, pot }) => ({ taskId: id, pot, gold: gold.get(id) })),
      commits: judgements.map(({ taskId, validator }) => ({ taskId, validator })),
      reveals: reveals.map(({ taskId, validator, choice, confidence }) => ({
        taskId,
        validator,
        choice: choice ?? 2,
        confidence: confidence ?? 50,
      })),
      stakes: new Map((await rowsOf(job.db, Validator)).map((one) => [one.id, one.stake])),
      records: recordsOf(earlier),
    })
    const decided = reveals.filter((one) => one.choice === 0 || one.choice === 1)
    const belief = dawidSkene(
      decided.map(({ taskId, validator, choice }) => ({ pairId: taskId, validator, choice: choice as 0 | 1 })),
      gold,
    )
    const reliability = new Map(belief.validators.map((one) => [one.validator, one.reliability]))
    const posterior = new Map(belief.pairs.map((one) => [one.pairId, one]))

    const pairs: Evidence['pairs'] = []
    for (const task of tasks) {
      const pair = posterior.get(task.id)
      if (!pair || gold.has(task.id)) continue
      const { prompt, answers } = await getDocument(job.artifacts, comparisonDocument, task.itemHash)
      const { chosen, weight, noise } = trainingPreference(pair)
      pairs.push({
        taskId: task.id,
        prompt,
        chosen: answers[chosen],
        rejected: answers[chosen === 1 ? 0 : 1],
        weight: Number(weight),
        noise: Number(noise),
      })
    }
    const evidenceHash = (await putDocument(storeAs(job, 'evidence'), evidenceDocument, {
      versionId,
      keys: [...new Set(tasks.flatMap((task) => keys.get(task.itemHash)?.document ?? []))],
      validators: validators.map((one) => ({
        validator: one.validator,
        agreement: one.agreement.toString(),
        skill: one.skill.toString(),
        score: one.score.toString(),
        penalty: one.penalty.toString(),
        reliability: (reliability.get(one.validator) ?? 0n).toString(),
        reason: one.reason,
      })),
      pairs,
    })) as `0x${string}`

    await writeSettlements(job, tasks, settlements, evidenceHash)
    await writeReputations(job, [...earlier, ...goldJudgements(tasks, reveals, keys)], evidenceHash)
    const paid = settlements.reduce((sum, one) => sum + one.reward, 0n)
    const fined = settlements.reduce((sum, one) => sum + one.penalty, 0n)
    return {
      result: {
        versionId,
        tasks: tasks.length,
        judgements: reveals.length,
        pairs: pairs.length,
        paid: paid.toString(),
        fined: fined.toString(),
        evidenceHash,
      },
    }
  }

/** For each item that was compared so far: its known better answer, if any, and the sealed document that contains it. */
async function keysOf(job: JobContext<'settleFeedback'>) {
  const runs = await rowsOf(job.db, JobRun, `kind = 'compare' and status = 'Succeeded'`, [], { orderBy: 'created_at' })
  const keys = new Map<string, { gold: number | null; document: string }>()
  for (const run of runs) {
    const document = String(run.result?.key)
    for (const task of (await getDocument(job.artifacts, comparisonKeyDocument, document)).tasks)
      keys.set(task.item, { gold: task.gold, document })
  }
  return keys
}

const recordsOf = (golds: GoldJudgement[]): Map<string, GoldRecord> => {
  const records = new Map<string, GoldRecord>()
  for (const { validator, right, confidence } of golds)
    records.set(validator, recordGold(records.get(validator) ?? EMPTY_RECORD, right, confidence))
  return records
}

interface GoldJudgement {
  validator: string
  domain: string
  right: boolean
  confidence: number
}

/** The revealed judgements of the gold tasks among `tasks`, oldest first. */
function goldJudgements(
  tasks: FeedbackTask[],
  reveals: Judgement[],
  keys: Awaited<ReturnType<typeof keysOf>>,
): GoldJudgement[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  return reveals.flatMap(({ taskId, validator, choice, confidence }) => {
    const task = byId.get(taskId)
    const gold = task && keys.get(task.itemHash)?.gold
    return task && gold != null
      ? [{ validator, domain: task.domain, right: choice === gold, confidence: confidence ?? 50 }]
      : []
  })
}

async function writeSettlements(
  job: JobContext<'settleFeedback'>,
  tasks: FeedbackTask[],
  settlements: FeedbackSettlement[],
  evidenceHash: `0x${string}`,
) {
  const ofTask = new Map<string, FeedbackSettlement[]>()
  for (const one of settlements) ofTask.set(one.taskId, [...(ofTask.get(one.taskId) ?? []), one])
  await transactInBatches(job.chain, {
    items: tasks,
    maxItems: MAX_TASKS,
    key: (batch, start) => `settle:${evidenceHash}:${start}+${batch.length}`,
    onBatch: (start) => job.report(0.3 + (0.5 * start) / tasks.length, 'settling on chain'),
    send(key, batch) {
      const rows = batch.flatMap((task) => ofTask.get(task.id) ?? [])
      return job.chain.transact(key, {
        contract: 'FeedbackPool',
        functionName: 'settle',
        args: [
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
      })
    },
  })
}

async function writeReputations(job: JobContext<'settleFeedback'>, golds: GoldJudgement[], evidenceHash: string) {
  for (const domain of new Set(golds.map((one) => one.domain))) {
    const records = new Map<string, ReputationCounts>()
    for (const { validator, right } of golds.filter((one) => one.domain === domain)) {
      const before = records.get(validator) ?? NEWCOMER
      const news = { epoch: before.epoch, successes: right ? 1n : 0n, failures: right ? 0n : 1n }
      records.set(validator, updateReputation(before, news))
    }
    const entries = [...records]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([validator, one]) => ({ validator, ...rateReputation(one) }))
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
