import { Random } from '#engine/stats/random.ts'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import {
  comparisonDocument,
  comparisonKeyDocument,
  getDocument,
  promptsDocument,
  putDocument,
} from '#schema/documents.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { rowsOf } from '#schema/rows.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import { clearestGold, drawGoldItems, GOLD_TRIES, type GoldPair } from '../goldDraw.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { spendMandate } from '../mandateBudget.ts'
import {
  fetchAdapter,
  fetchBaseModel,
  loadItems,
  loadVersion,
  type Sources,
  sourcesOf,
  type VersionDetails,
} from '../modelLookup.ts'
import { transactInBatches } from '../transactInBatches.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

/** The largest round: what one transaction opens. */
const MAX_TASKS_OF_ROUND = 300

interface Task {
  prompt: string
  answers: [string, string]
  versions: [string, string]
  /** Which answer is known to be better, and the right answer by which it is known. */
  gold: 0 | 1 | null
  truth: string | null
}

/** Samples pairs of answers, some of which have a known better answer (gold), and opens all of them for judgement on chain. Which are gold, their order and the
 *  seeds of sampling follow from a secret of the operator: whoever has the job's input, the prompts and the versions cannot find them (amendment 5b). */
export const compareHandler =
  (dependencies: Dependencies): JobHandler<'compare'> =>
  async (job) => {
    const { input, chain } = job
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, input.versionId)
    const other = input.againstVersionId ? await loadVersion(sources, input.againstVersionId) : facts
    const secret = (part: string) => chain.secret(`compare/${part}/${canonicalJson({ ...input } as CanonicalValue)}`)
    const { prompts } = await getDocument(job.artifacts, promptsDocument, input.promptsHash)
    const goldCount = Math.round((input.tasks * input.goldPercent) / 100)
    const items = goldCount === 0 ? [] : await goldItems(job, sources, facts, prompts, new Random(secret('gold')))

    const base = await fetchBaseModel(sources, facts)
    const answersOf = async (of: VersionDetails, side: 0 | 1, asked: readonly string[], from: number) =>
      (
        await dependencies.engine.run(
          'generate',
          {
            baseFolder: base,
            adapterFolder: await fetchAdapter(sources, of),
            requests: asked.map((prompt, index) => ({
              prompt,
              maxTokens: facts.rubric.maxTokens,
              temperature: input.temperature,
              seed: `${secret('sampling')}/${from}/${side}/${index}`,
            })),
          },
          forwardProgress(job, from + side * 0.2, from + side * 0.2 + 0.2, 'answering'),
        )
      ).answers.map((answer) => answer.text)
    const bothAnswer = async (asked: readonly string[], from: number) => ({
      first: await answersOf(facts, 0, asked, from),
      second: await answersOf(other, 1, asked, from),
    })

    const tried = items.slice(0, 2 * goldCount)
    const gold =
      goldCount === 0
        ? []
        : clearestGold(
            tried,
            await bothAnswer(
              tried.flatMap(({ prompt }) => Array.from({ length: GOLD_TRIES }, () => prompt)),
              0,
            ),
            facts.rubric.metrics,
            goldCount,
          )
    const plain = plainPrompts(job, prompts, gold, new Random(secret('prompts')))
    const { first, second } = await bothAnswer(plain, 0.4)
    const versions: [string, string] = [facts.version.id, other.version.id]
    const pairs: Task[] = [
      ...gold.map(({ item, answers, better }): Task => {
        return { prompt: item.prompt, answers, versions, gold: better, truth: item.completion }
      }),
      ...plain.map((prompt, index): Task => {
        return { prompt, answers: pairOf(first[index], second[index]), versions, gold: null, truth: null }
      }),
    ]
    const sides = new Random(secret('sides'))
    const tasks = new Random(secret('order')).shuffle(pairs.map((task) => (sides.chance(0.5) ? swapped(task) : task)))

    const store = storeAs(job, 'item')
    const key = await putDocument(storeAs(job, 'sealed'), comparisonKeyDocument, {
      salt: secret('key'),
      tasks: await Promise.all(
        tasks.map(async ({ prompt, answers, ...known }) => ({
          item: await putDocument(store, comparisonDocument, { prompt, answers }),
          ...known,
        })),
      ),
    })
    const firstTaskId = await openFeedbackRounds(job, facts.version, tasks, goldCommitment(key))
    return { result: { versionId: facts.version.id, firstTaskId, tasks: tasks.length, key } }
  }

/** The items of the pool that may be gold here. @throws JobError when there is no pool. */
async function goldItems(
  job: JobContext<'compare'>,
  sources: Sources,
  { rubric }: VersionDetails,
  prompts: readonly string[],
  random: Random,
): Promise<PromptCompletion[]> {
  const { goldPool } = job.input
  if (goldPool === undefined)
    throw new JobError(
      'NO_GOLD_POOL',
      'Gold needs a pool: upload one and name it in goldPool, or set goldPercent to 0.',
    )
  const sealed = [...(await loadItems(sources, rubric.test)), ...(await loadItems(sources, rubric.validation))]
  const pool = await loadItems(sources, goldPool)
  return drawGoldItems({ pool, prompts, used: await usedGold(job, goldPool), sealed }, random)
}

/** The prompts of the pool's items that earlier comparisons have used. */
async function usedGold({ db, artifacts }: JobContext<'compare'>, goldPool: string): Promise<string[]> {
  const runs = await rowsOf(
    db,
    JobRun,
    `kind = 'compare' and status = 'Succeeded' and lower(input->>'goldPool') = lower($1)`,
    [goldPool],
  )
  const used: string[] = []
  for (const { result } of runs) {
    const { tasks } = await getDocument(artifacts, comparisonKeyDocument, String(result?.key))
    for (const { item, gold } of tasks)
      if (gold !== null) used.push((await getDocument(artifacts, comparisonDocument, item)).prompt)
  }
  return used
}

/** The prompts of the tasks that are not gold. With gold each prompt is compared once, so that no prompt tells by its number that it is none.
 *  @throws JobError when there are too few. */
function plainPrompts(
  { input }: JobContext<'compare'>,
  prompts: readonly string[],
  gold: readonly GoldPair[],
  random: Random,
): string[] {
  const count = input.tasks - gold.length
  const known = new Set(gold.map(({ item }) => item.prompt))
  const different = random.shuffle([...new Set(prompts)].filter((prompt) => !known.has(prompt)))
  if (different.length < (gold.length > 0 ? count : 1))
    throw new JobError(
      'TOO_FEW_PROMPTS',
      `The document ${input.promptsHash} has too few prompts: ${input.tasks} comparisons with gold need ${input.tasks} different ones, those of the gold items included.`,
    )
  return Array.from({ length: count }, (_, index) => different[index % different.length] ?? '')
}

function pairOf(first: string | undefined, second: string | undefined): [string, string] {
  if (first === undefined || second === undefined) throw new Error('The engine returned fewer answers than prompts.')
  return [first, second]
}

const swapped = ({ answers, versions, gold, ...task }: Task): Task => ({
  ...task,
  answers: [answers[1], answers[0]],
  versions: [versions[1], versions[0]],
  gold: gold === null ? null : gold === 0 ? 1 : 0,
})

/** Opens the tasks on chain as one round, or as several when there are more than a transaction can open; returns the id of the first. */
async function openFeedbackRounds(
  job: JobContext<'compare'>,
  version: { id: string; modelId: string },
  tasks: Task[],
  gold: `0x${string}`,
): Promise<string> {
  const { input, chain } = job
  const pot = BigInt(input.potWei)
  if (pot > 0n)
    await spendMandate(job, { modelId: version.modelId, purpose: 'feedback', amount: pot * BigInt(tasks.length) })
  await chain.transact(`pots:${job.id}`, {
    contract: 'GOpen',
    functionName: 'approve',
    args: [chain.addresses.FeedbackPool, pot * BigInt(tasks.length)],
  })
  const store = storeAs(job, 'item')
  const commitDeadline = (await chain.timeOf(`pots:${job.id}`)) + input.commitSeconds
  let firstTaskId: string | undefined
  const receipts = await transactInBatches(chain, {
    items: tasks,
    maxItems: MAX_TASKS_OF_ROUND,
    key: (batch, start) => `tasks:${job.id}:${start}+${batch.length}`,
    onBatch: (start) => job.report(0.85 + (0.1 * start) / tasks.length, 'opening tasks'),
    async send(key, batch) {
      const inputs = await Promise.all(
        batch.map(async ({ prompt, answers }) => ({
          versionId: BigInt(version.id),
          domain: input.domain,
          itemHash: (await putDocument(store, comparisonDocument, { prompt, answers })) as `0x${string}`,
          pot,
        })),
      )
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
