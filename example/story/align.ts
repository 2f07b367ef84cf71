import { callEndpoint } from '#client/index.ts'
import { Random } from '#math/random.ts'
import { drawItems } from '../skill/items.ts'
import { type AnswerPair, winRate } from '../utility.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { type Evaluated, metricOf, type ScoreInterval, type StewardResults } from './steward.ts'

const TEMPERATURE = 0.7
const MAX_TOKENS = 56
/** Calls at the same time. */
const AT_ONCE = 8

/** The answers to fresh prompts, which no training has seen, of the version behind a free endpoint. Each is sampled with a seed of its own: answers of one seed
 *  draw the same numbers, so that one unlikely token would stand in all of them. */
export async function tryOut({ as, seed, recipe }: StoryContext, endpointId: bigint, round: 1 | 2): Promise<string[]> {
  const visitor = as('consumer', 3)
  const answers: string[] = []
  const fresh = drawItems(seed, 'fresh', recipe.winRatePrompts)
  for (let from = 0; from < fresh.length; from += AT_ONCE) {
    const calls = fresh.slice(from, from + AT_ONCE).map(({ prompt }, place) =>
      callEndpoint(visitor, {
        ...{ endpointId, prompt, maxTokens: MAX_TOKENS, temperature: TEMPERATURE },
        seed: new Random(`${seed}/try/${round}/${from + place}`).integer(2 ** 31),
        key: `try:${round}:${from + place}`,
      }),
    )
    answers.push(...(await Promise.all(calls)).map(({ answer }) => answer))
  }
  return answers
}

export interface Aligned {
  aligned: ScoreInterval
  winRateBefore: number
  winRateAfter: number
  stage: StageResult
}

/** Looks at the version that the steward has aligned on the weighted reveals. The measure is the validators' hidden utility of answers to fresh prompts, `before` the
 *  alignment and `after` it; `own`: pairs of answers of the version before. */
export function alignStage(
  { seed, recipe }: StoryContext,
  done: StewardResults,
  { own, before, after }: { own: AnswerPair[]; before: string[]; after: string[] },
): Aligned {
  const [made] = done<{ versionId: string }>('align')
  const found = done<Evaluated>('evaluate').find(({ versionId }) => versionId === made?.versionId)
  if (!made || !found) throw new Error('The steward has aligned no version.')
  const fresh = drawItems(seed, 'fresh', recipe.winRatePrompts)
  const winRateBefore = winRate(own).rate
  const { rate, margin } = winRate(
    fresh.map(({ truth }, nth) => ({ truth, before: before[nth] ?? '', after: after[nth] ?? '' })),
  )
  const aligned = metricOf(found.metrics)
  const stage = stageOf(
    'align',
    {
      method: String(recipe.policy?.align?.settings.method),
      versionId: made.versionId,
      ...{ before: winRateBefore, after: rate, afterLower: rate - margin, afterUpper: rate + margin },
      ...{ metric: aligned.score, metricLower: aligned.lower, metricUpper: aligned.upper },
      winRate: found.metrics.find(({ name }) => name === 'winRate')?.score ?? 0,
    },
    {
      // A version wins over itself in one half of the cases.
      'the win rate is above one half, outside the interval': fresh.length === 0 || rate - margin > 0.5,
      'the aligned version meets the targets, is in no metric significantly worse than the live one, and serves':
        done<Evaluated>('promote').some(({ versionId, promoted }) => promoted && versionId === made.versionId),
    },
  )
  return { aligned, winRateBefore, winRateAfter: rate, stage }
}
