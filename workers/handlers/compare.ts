import { Random } from '#engine/stats/random.ts'
import {
  comparisonDocument,
  comparisonKeyDocument,
  getDocument,
  promptsDocument,
  putDocument,
} from '#schema/documents.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { spendMandate } from '../mandateBudget.ts'
import { fetchAdapter, fetchBaseModel, loadItems, loadVersion, sourcesOf } from '../modelLookup.ts'
import { transactInBatches } from '../transactInBatches.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

/** The largest round: what one transaction opens. */
const MAX_TASKS_OF_ROUND = 300

interface Task {
  prompt: string
  answers: [string, string]
  /** Which answer is known to be better. */
  gold: 0 | 1 | null
  versions: [string | null, string | null]
}

/** Samples pairs of answers, adds gold tasks (pairs with a known better answer) at random positions, and opens all of them for judgement
 *  on chain. */
export const compareHandler =
  (dependencies: Dependencies): JobHandler<'compare'> =>
  async (job) => {
    const { input } = job
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, input.versionId)
    const other = input.againstVersionId ? await loadVersion(sources, input.againstVersionId) : facts
    const { prompts } = await getDocument(job.artifacts, promptsDocument, input.promptsHash)
    const random = new Random(`compare:${input.seed}:${input.versionId}`)
    const goldCount = Math.round((input.tasks * input.goldPercent) / 100)
    const promptAt = (index: number) => {
      const prompt = prompts[index % prompts.length]
      if (prompt === undefined)
        throw new JobError('NO_PROMPTS', `The document ${input.promptsHash} has no prompts. Upload one that has.`)
      return prompt
    }
    const sampled = Array.from({ length: input.tasks - goldCount }, (_, index) => promptAt(index))

    const base = await fetchBaseModel(sources, facts)
    const request = (prompt: string, index: number, side: 0 | 1) => ({
      prompt,
      maxTokens: facts.rubric.maxTokens,
      temperature: input.temperature,
      seed: input.seed * 1_000_003 + index * 2 + side,
    })
    const answersOf = async (adapter: string, side: 0 | 1) =>
      (
        await dependencies.engine.run(
          'generate',
          {
            baseFolder: base,
            adapterFolder: adapter,
            requests: sampled.map((prompt, index) => request(prompt, index, side)),
          },
          forwardProgress(job, side * 0.4, side * 0.4 + 0.4, 'answering'),
        )
      ).answers.map((answer) => answer.text)
    const first = await answersOf(await fetchAdapter(sources, facts), 0)
    const second = await answersOf(await fetchAdapter(sources, other), 1)

    const tasks: Task[] = sampled.map((prompt, index) => {
      const swap = random.integer(2) === 1
      const answers = [first[index], second[index]]
      if (!isPair(answers)) throw new Error('The engine returned fewer answers than prompts.')
      const versions: [string, string] = [facts.version.id, other.version.id]
      return {
        prompt,
        gold: null,
        answers: swap ? [answers[1], answers[0]] : answers,
        versions: swap ? [versions[1], versions[0]] : versions,
      }
    })
    for (const task of await goldTasks(sources, facts.rubric.validation, goldCount, random))
      tasks.splice(random.integer(tasks.length + 1), 0, task)

    const store = storeAs(job, 'item')
    const key = await putDocument(storeAs(job, 'sealed'), comparisonKeyDocument, {
      salt: job.id,
      tasks: await Promise.all(
        tasks.map(async ({ prompt, answers, gold, versions }) => ({
          item: await putDocument(store, comparisonDocument, { prompt, answers }),
          gold,
          versions,
        })),
      ),
    })
    const firstTaskId = await openFeedbackRounds(job, facts.version, tasks, goldCommitment(key))
    return { result: { versionId: facts.version.id, firstTaskId, tasks: tasks.length, key } }
  }

const isPair = (values: (string | undefined)[]): values is [string, string] =>
  values.length === 2 && values.every((value) => value !== undefined)

/** Gold tasks: pairs of the right answer to a sealed item and the answer to another item. */
async function goldTasks(
  sources: Parameters<typeof loadItems>[0],
  validation: string,
  count: number,
  random: Random,
): Promise<Task[]> {
  const items = await loadItems(sources, validation)
  return Array.from({ length: count }, () => {
    const right = random.choice(items)
    const others = items.filter((one) => one.completion !== right.completion)
    if (others.length === 0)
      throw new JobError(
        'NO_GOLD',
        'All validation items of the rubric have the same completion, so that none can be the wrong answer. Set goldPercent to 0.',
      )
    const wrong = random.choice(others)
    const pair: [string, string] = [right.completion, wrong.completion]
    const gold = random.integer(2) as 0 | 1
    return { prompt: right.prompt, gold, answers: gold === 0 ? pair : [pair[1], pair[0]], versions: [null, null] }
  })
}

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
