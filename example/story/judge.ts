import { parseEther } from 'viem'
import {
  graphql,
  judgeTasks,
  listJudgingTasks,
  readComparison,
  stakeAsValidator,
  type TaskJudgement,
  wrap,
} from '#client/index.ts'
import { exampleAccount } from '../accounts.ts'
import { drawItems } from '../skill/items.ts'
import type { AnswerPair } from '../utility.ts'
import { judgeComparison, truthsOf, VALIDATORS } from '../validators.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { leaveToSteward, type StewardResults } from './steward.ts'

const STAKE = parseEther('10')

/** Validators compare answers of the live version: they commit, reveal, and are paid or fined by the rules, which do not know who is careless and who
 *  colludes. The steward opens the round before, and settles it and aligns the version afterwards.
 *  @returns the compared answers, too. */
export async function judgeStage(
  context: StoryContext,
  modelId: bigint,
): Promise<{ done: StewardResults; pairs: AnswerPair[]; stage: StageResult }> {
  const { as, clock, seed, say, recipe } = context
  const validators = VALIDATORS.map((validator) => ({ validator, client: as('validator', validator.nth) }))
  // Seats are drawn by the stakes before a round is opened.
  for (const { client } of validators) {
    await wrap(client, STAKE)
    await stakeAsValidator(client, STAKE)
  }
  await leaveToSteward(context, modelId)
  // The block whose hash draws the seats, and one after it.
  for (let blocks = 0; blocks < 2; blocks++) await clock.mine()
  const tasks = await clock.until(async () => {
    const open = await listJudgingTasks(as('validator'))
    return open.length > 0 && open.every(({ drawn }) => drawn) ? open : undefined
  })
  const truths = truthsOf(drawItems(seed, 'judged', recipe.judged.prompts))
  const comparisons: Parameters<typeof judgeComparison>[2][] = []
  for (const { itemHash } of tasks) {
    const compared = await readComparison(as('validator'), itemHash)
    const truth = truths.get(compared.prompt)
    if (!truth) throw new Error(`A comparison is about an unknown message: ${compared.prompt}`)
    comparisons.push({ ...compared, truth })
  }
  for (const { client, validator } of validators)
    await judgeTasks(
      client,
      comparisons.map((one, nth): TaskJudgement => {
        return { taskId: tasks[nth]?.taskId ?? 0n, ...judgeComparison(seed, validator, one) }
      }),
    )
  say(`${VALIDATORS.length} validators committed to ${tasks.length} comparisons`)
  const after = (times: Date[]) => clock.advanceTo(BigInt(Math.max(...times.map(Number)) / 1000) + 1n)
  await after(tasks.map(({ commitUntil }) => commitUntil))
  for (const { client } of validators) await judgeTasks(client, [])
  await after(tasks.map(({ revealUntil }) => revealUntil))
  const done = await leaveToSteward(context, modelId)
  const pairs = comparisons.map(({ truth, answers: [before, after] }) => ({ truth, before, after }))
  return { done, pairs, stage: await review(context, done) }
}

const EARNINGS = graphql('{ validators(first: 100) { nodes { id earned lost } } }')

async function review({ as }: StoryContext, done: StewardResults): Promise<StageResult> {
  const [settled] = done<{ pairs: number; paid: string; fined: string; judgements: number }>('settle')
  const { nodes } = (await as('challenger').ask(EARNINGS)).validators
  const of = (behaviour: string) => {
    const some = VALIDATORS.filter((one) => one.behaviour === behaviour)
    const rows = some.map(({ nth }) =>
      nodes.find(({ id }) => id === exampleAccount('validator', nth).address.toLowerCase()),
    )
    const sum = (amount: 'earned' | 'lost') => rows.reduce((all, row) => all + BigInt(row?.[amount] ?? 0), 0n)
    return { earned: sum('earned') / BigInt(some.length), lost: sum('lost') }
  }
  const [careful, careless, colluding] = [of('careful'), of('careless'), of('colluding')]
  return stageOf(
    'judge',
    {
      ...settled,
      careful: careful.earned.toString(),
      careless: careless.earned.toString(),
      colluding: colluding.earned.toString(),
      finesOfColluding: colluding.lost.toString(),
      finesOfCareless: careless.lost.toString(),
    },
    {
      'the careless earn less than half of the careful': careless.earned * 2n < careful.earned,
      'the colluding earn less than half of the careful': colluding.earned * 2n < careful.earned,
      'the careless or the colluding are fined': careless.lost + colluding.lost > 0n,
      'the careful are not fined': careful.lost === 0n,
    },
  )
}
