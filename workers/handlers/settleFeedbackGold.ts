import { encodeAbiParameters, type Hex, keccak256 } from 'viem'
import type { GoldAnswer } from '#rules/gold.ts'
import { comparisonKeyDocument, getDocument } from '#schema/documents.ts'
import { GoldKey } from '#schema/offchain/gold.ts'
import { FeedbackRound, FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { type JobContext, JobError } from '../job.ts'

type Job = JobContext<'settleFeedback'>

/** A round's commitment to its gold tasks: the hash of the name of the document that lists them, which is the secret. */
export const goldCommitment = (key: string): Hex => keccak256(encodeAbiParameters([{ type: 'bytes32' }], [key as Hex]))

/** The gold tasks of a round are not known here. */
export class MissingGoldError extends JobError {
  override name = 'MissingGoldError'
}

/** The name of the document with a round's gold tasks: what the chain has opened, or what a comparison of this operator stored; null when
 *  the round has none, or when the contract no longer waits for a secret that is lost.
 *  @throws MissingGoldError while it waits. */
export async function goldKeyOf(job: Job, round: FeedbackRound): Promise<string | null> {
  if (round.goldSecret !== null || round.goldCommitment === null) return round.goldSecret
  const stored = await rowOf(job.db, GoldKey, round.goldCommitment)
  if (stored) return stored.key
  const until =
    round.revealDeadline.getTime() / 1000 + Number(await job.chain.read('FeedbackPool', 'SETTLEMENT_WINDOW', []))
  if ((await job.chain.now()) > until) return null
  throw new MissingGoldError(
    'GOLD_KEY_MISSING',
    `No comparison of this database stored the gold tasks of round ${round.id}. Settle it where it was opened, or restore that database; from ${new Date(until * 1000).toISOString()} (chain time) it is settled without gold.`,
  )
}

/** The known better answers of a round's gold tasks, by task id. */
export async function goldOf(
  job: Job,
  key: string | null,
  tasks: readonly FeedbackTask[],
): Promise<Map<string, 0 | 1>> {
  if (key === null) return new Map()
  const { tasks: items } = await getDocument(job.artifacts, comparisonKeyDocument, key)
  const better = new Map(items.map(({ item, gold }) => [item, gold]))
  return new Map(
    tasks.flatMap(({ id, itemHash }) => {
      const choice = better.get(itemHash) ?? null
      return choice === null ? [] : [[id, choice as 0 | 1] as const]
    }),
  )
}

/** The answers to the gold tasks of the rounds before `round` whose gold is open, oldest first, each with its domain. */
export async function earlierGold(
  job: Job,
  round: FeedbackRound,
  epochOf: (round: FeedbackRound) => bigint,
): Promise<{ answers: (GoldAnswer & { domain: string })[]; keys: string[] }> {
  const rounds = await rowsOf(job.db, FeedbackRound, 'gold_secret is not null and id::numeric < $1', [round.id], {
    orderBy: 'id::numeric',
  })
  const answers: (GoldAnswer & { domain: string })[] = []
  for (const one of rounds) answers.push(...(await goldAnswers(job, one, epochOf(one))))
  return { answers, keys: rounds.flatMap(({ goldSecret }) => goldSecret ?? []) }
}

async function goldAnswers(
  job: Job,
  round: FeedbackRound,
  epoch: bigint,
): Promise<(GoldAnswer & { domain: string })[]> {
  const tasks = await rowsOf(job.db, FeedbackTask, 'round_id = $1', [round.id], { orderBy: 'id::numeric' })
  const gold = await goldOf(job, round.goldSecret, tasks)
  const judgements = await rowsOf(job.db, Judgement, 'task_id = any($1)', [[...gold.keys()]], {
    orderBy: 'task_id::numeric, validator',
  })
  const domains = new Map(tasks.map(({ id, domain }) => [id, domain]))
  return judgements.map(({ taskId, validator, choice, confidence }) => ({
    taskId,
    validator,
    domain: domains.get(taskId) ?? '',
    right: choice === gold.get(taskId),
    confidence: choice === null ? 100 : (confidence ?? 100),
    epoch,
  }))
}
