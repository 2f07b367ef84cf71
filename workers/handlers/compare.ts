import { Random } from '#engine/stats/random.ts'
import { comparison, comparisonKey, getDocument, prompts as promptsDocument, putDocument } from '#schema/documents.ts'
import { chunks } from '../chunks.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import type { JobContext, JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadItems, loadVersion, places } from '../modelLookup.ts'

const BATCH = 50

interface Task {
  prompt: string
  answers: [string, string]
  /** Which answer is known to be better. */
  gold: 0 | 1 | null
  versions: [string | null, string | null]
}

/** Samples pairs of answers, mixes in pairs with a known better answer, and opens them for judgement on chain. */
export const compareHandler =
  (tools: Dependencies): JobHandler<'compare'> =>
  async (job) => {
    const { input } = job
    const at = places(job, tools)
    const facts = await loadVersion(at, input.versionId)
    const other = input.againstVersionId ? await loadVersion(at, input.againstVersionId) : facts
    const { prompts } = await getDocument(job.artifacts, promptsDocument, input.promptsHash)
    const random = new Random(`compare:${input.seed}:${input.versionId}`)
    const goldCount = Math.round((input.tasks * input.goldPercent) / 100)
    const asked = Array.from({ length: input.tasks - goldCount }, (_, place) => prompts[place % prompts.length]!)

    const base = await fetchBaseModel(at, facts)
    const request = (prompt: string, place: number, side: 0 | 1) => ({
      prompt,
      maxTokens: facts.rubric.maxTokens,
      temperature: input.temperature,
      seed: input.seed * 1_000_003 + place * 2 + side,
    })
    const answersOf = async (adapter: string, side: 0 | 1) =>
      (
        await tools.engine.run(
          'generate',
          {
            baseFolder: base,
            adapterFolder: adapter,
            requests: asked.map((prompt, place) => request(prompt, place, side)),
          },
          forwardProgress(job, side * 0.4, side * 0.4 + 0.4, 'answering'),
        )
      ).answers.map((answer) => answer.text)
    const first = await answersOf(await fetchAdapter(at, facts), 0)
    const second = await answersOf(await fetchAdapter(at, other), 1)

    const tasks: Task[] = asked.map((prompt, place) => {
      const swap = random.integer(2) === 1
      const answers: [string, string] = [first[place]!, second[place]!]
      const versions: [string, string] = [facts.version.id, other.version.id]
      return {
        prompt,
        gold: null,
        answers: swap ? [answers[1], answers[0]] : answers,
        versions: swap ? [versions[1], versions[0]] : versions,
      }
    })
    for (const task of await goldTasks(at, facts.rubric.validation, goldCount, random))
      tasks.splice(random.integer(tasks.length + 1), 0, task)

    const firstTaskId = await openFeedbackTasks(job, facts.version, tasks)
    const store = storeAs(job, 'item')
    const key = await putDocument(storeAs(job, 'sealed'), comparisonKey, {
      salt: job.id,
      tasks: await Promise.all(
        tasks.map(async ({ prompt, answers, gold, versions }) => ({
          item: await putDocument(store, comparison, { prompt, answers }),
          gold,
          versions,
        })),
      ),
    })
    return { result: { versionId: facts.version.id, firstTaskId, tasks: tasks.length, key } }
  }

/** Pairs of a sealed item's right answer and another item's answer. */
async function goldTasks(
  at: Parameters<typeof loadItems>[0],
  validation: string,
  count: number,
  random: Random,
): Promise<Task[]> {
  const items = await loadItems(at, validation)
  return Array.from({ length: count }, () => {
    const right = items[random.integer(items.length)]!
    const wrong = items.filter((one) => one.completion !== right.completion)
    const pair: [string, string] = [right.completion, wrong[random.integer(wrong.length)]!.completion]
    const gold = random.integer(2) as 0 | 1
    return { prompt: right.prompt, gold, answers: gold === 0 ? pair : [pair[1], pair[0]], versions: [null, null] }
  })
}

/** Opens the tasks on chain in batches; returns the first one's id. */
async function openFeedbackTasks(
  job: JobContext<'compare'>,
  version: { id: string; modelId: string },
  tasks: Task[],
): Promise<string> {
  const { input, chain } = job
  const pot = BigInt(input.potWei)
  if (pot > 0n)
    await chain.transact(`budget:${job.id}`, {
      contract: 'ModelRegistry',
      functionName: 'spendBudget',
      args: [BigInt(version.modelId), chain.account, 'feedback', pot * BigInt(tasks.length)],
    })
  await chain.transact(`pots:${job.id}`, {
    contract: 'GOpen',
    functionName: 'approve',
    args: [chain.addresses.FeedbackPool, pot * BigInt(tasks.length)],
  })
  const store = storeAs(job, 'item')
  const commitDeadline = (await chain.timeOf(`pots:${job.id}`)) + input.commitSeconds
  let firstTaskId: string | undefined
  for (const [place, batch] of chunks(tasks, BATCH).entries()) {
    job.report(0.85 + (0.1 * place * BATCH) / tasks.length, 'opening tasks')
    const inputs = await Promise.all(
      batch.map(async ({ prompt, answers }) => ({
        versionId: BigInt(version.id),
        domain: input.domain,
        itemHash: (await putDocument(store, comparison, { prompt, answers })) as `0x${string}`,
        pot,
      })),
    )
    const { events } = await chain.transact(`tasks:${job.id}:${place}`, {
      contract: 'FeedbackPool',
      functionName: 'openTasks',
      args: [BigInt(version.modelId), inputs, BigInt(commitDeadline), BigInt(commitDeadline + input.revealSeconds)],
    })
    for (const event of events)
      if (event.contract === 'FeedbackPool' && event.name === 'TaskOpened') firstTaskId ??= event.args.taskId.toString()
  }
  if (firstTaskId === undefined)
    throw new Error('openTasks was mined without its events: do the ABIs fit the deployment?')
  return firstTaskId
}
