import { parseEther } from 'viem'
import { commitJudgement, revealJudgement, stakeAsValidator, type TaskJudgement, upload, wrap } from '#client/index.ts'
import { bigintMax } from '#rules/bps.ts'
import { documentBytes } from '#schema/documents.ts'
import { exampleAccount } from '../accounts.ts'
import { drawItems } from '../skill/items.ts'
import { goldItems, sealItems } from '../skill/rubric.ts'
import type { Fields } from '../skill/triage.ts'
import { judgeComparison as judgeOne, type SimulatedValidator, VALIDATORS } from '../validators.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'

const STAKE = parseEther('10')
const DEADLINES = { commitSeconds: 3600, revealSeconds: 3600 }

interface Task {
  id: bigint
  prompt: string
  answers: [string, string]
  revealFrom: bigint
  revealUntil: bigint
}

/** Validators compare answers of a version: they commit, reveal, and are paid or fined by the rules. The rules do not know who is careless and
 *  who colludes. */
export async function judgeStage(context: StoryContext, versionId: string): Promise<StageResult> {
  const { as, api, chain, store, seed, say, recipe } = context
  // Seats are drawn by the stakes before a round is opened.
  for (const { nth } of VALIDATORS) {
    await wrap(as('validator', nth), STAKE)
    await stakeAsValidator(as('validator', nth), STAKE)
  }
  const messages = drawItems(seed, 'judged', recipe.compare.prompts)
  const promptsHash = await uploadPrompts(
    context,
    messages.map((one) => one.prompt),
  )
  const { domain, tasks: count, goldPercent, temperature, prompts, gold } = recipe.compare
  const goldPool = await store.put(documentBytes(sealItems(seed, goldItems(seed, prompts, gold)).document))
  await api.runJob(
    'compare',
    {
      versionId,
      promptsHash,
      domain,
      tasks: count,
      goldPercent,
      goldPool,
      temperature,
      seats: VALIDATORS.length,
      ...DEADLINES,
      seed,
    },
    `compare:${versionId}`,
  )
  const tasks = await loadOpenTasks(context, versionId)
  const truths = new Map<string, Fields>(messages.map(({ prompt, truth }) => [prompt, truth]))
  // The block whose hash draws the seats, and one after it.
  for (let blocks = 0; blocks < 2; blocks++) await chain.advanceTo((await chain.now()) + 1n)
  for (const validator of VALIDATORS)
    await commitJudgement(as('validator', validator.nth), judgementsOf(seed, validator, tasks, truths))
  say(`${VALIDATORS.length} validators committed to ${tasks.length} comparisons`)
  await chain.advanceTo(tasks.reduce((latest, task) => bigintMax(latest, task.revealFrom), 0n) + 1n)
  const taskIds = tasks.map(({ id }) => id)
  for (const { nth } of VALIDATORS) await revealJudgement(as('validator', nth), taskIds)
  await chain.advanceTo(tasks.reduce((latest, task) => bigintMax(latest, task.revealUntil), 0n) + 1n)
  const settled = await api.runJob<{ pairs: number; paid: string; fined: string; judgements: number }>(
    'settleFeedback',
    { versionId },
    `settle:${versionId}`,
  )
  return review(context, settled)
}

export const uploadPrompts = ({ as }: StoryContext, prompts: string[]) =>
  upload(as('platform'), 'prompts', JSON.stringify({ prompts }))

/** The open comparisons of a version, with their prompts and answers. */
export async function loadOpenTasks({ api }: StoryContext, versionId: string): Promise<Task[]> {
  interface Row {
    id: string
    itemHash: string
    commitDeadline: string
    revealDeadline: string
  }
  const { feedbackTasks } = await api.query<{ feedbackTasks: { nodes: Row[] } }>(
    `query ($id: ID!) { feedbackTasks(where: { versionId: { eq: $id }, settled: { eq: false } }, first: 1000) { nodes { id itemHash commitDeadline revealDeadline } } }`,
    { id: versionId },
  )
  const rows = feedbackTasks.nodes.sort((a, b) => Number(a.id) - Number(b.id))
  const tasks: Task[] = []
  for (const row of rows) {
    const { artifact } = await api.query<{ artifact: { text: string } }>(
      'query ($id: ID!) { artifact(id: $id) { text } }',
      { id: row.itemHash },
    )
    const seconds = (time: string) => BigInt(Math.floor(Date.parse(time) / 1000))
    tasks.push({
      id: BigInt(row.id),
      ...JSON.parse(artifact.text),
      revealFrom: seconds(row.commitDeadline),
      revealUntil: seconds(row.revealDeadline),
    })
  }
  return tasks
}

/** What a validator says about each task. */
const judgementsOf = (seed: number, validator: SimulatedValidator, tasks: Task[], truths: Map<string, Fields>) =>
  tasks.map(({ id, prompt, answers }): TaskJudgement => {
    const truth = truths.get(prompt)
    if (!truth) throw new Error(`Task ${id} is about an unknown message.`)
    return { taskId: id, ...judgeOne(seed, validator, { prompt, truth, answers }) }
  })

async function review(
  { api }: StoryContext,
  settled: { pairs: number; paid: string; fined: string; judgements: number },
): Promise<StageResult> {
  const { validators } = await api.query<{ validators: { nodes: { id: string; earned: string; lost: string }[] } }>(
    '{ validators(first: 100) { nodes { id earned lost } } }',
  )
  const of = (temper: string) =>
    VALIDATORS.filter((one) => one.behaviour === temper).map((one) =>
      validators.nodes.find((row) => row.id === exampleAccount('validator', one.nth).address.toLowerCase()),
    )
  const earned = (temper: string) =>
    of(temper).reduce((sum, row) => sum + BigInt(row?.earned ?? 0), 0n) / BigInt(of(temper).length)
  const lost = (temper: string) => of(temper).reduce((sum, row) => sum + BigInt(row?.lost ?? 0), 0n)
  const checks = new Checks()
  checks.that('the careless earn less than half of the careful', earned('careless') * 2n < earned('careful'))
  checks.that('the colluding earn less than half of the careful', earned('colluding') * 2n < earned('careful'))
  checks.that('the careless or the colluding are fined', lost('careless') + lost('colluding') > 0n)
  checks.that('the careful are not fined', lost('careful') === 0n)
  return {
    name: 'judge',
    ok: checks.failed.length === 0,
    facts: {
      ...settled,
      careful: earned('careful').toString(),
      careless: earned('careless').toString(),
      colluding: earned('colluding').toString(),
      finesOfColluding: lost('colluding').toString(),
      finesOfCareless: lost('careless').toString(),
      failed: checks.failed.join('; '),
    },
  }
}
