import { type RubricMetric, scoreOf } from '#engine/tasks/rubric.ts'
import type { Random } from '#math/random.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import { SealedOverlap } from '#rules/sealedOverlap.ts'
import { normalForm } from '#rules/shingles.ts'
import { JobError } from './job.ts'

/** Gold (amendment 5b): comparisons with a known better answer. Both answers are a model's own, and the prompt is one of those that are compared anyway, so
 *  that nothing but the answers' content tells them from the others. */

/** Answers that each version gives to the prompt of a gold item. */
export const GOLD_TRIES = 4

/** A comparison whose better answer is known, in the order of the two versions. */
export interface GoldPair {
  item: PromptCompletion
  answers: [string, string]
  better: 0 | 1
}

/** The items that may become gold, in the order of a secret draw: those whose prompts are among the compared ones, and that hold no test or
 *  validation item. */
export function drawGoldItems(
  {
    pool,
    prompts,
    sealed,
  }: {
    pool: readonly PromptCompletion[]
    prompts: readonly string[]
    sealed: readonly PromptCompletion[]
  },
  random: Random,
): PromptCompletion[] {
  const [compared, overlap] = [new Set(prompts), new SealedOverlap(sealed)]
  const seen = new Set<string>()
  const usable = pool.filter((item) => {
    const form = normalForm(item.prompt)
    if (!compared.has(item.prompt) || seen.has(form) || overlap.isIn(item)) return false
    seen.add(form)
    return true
  })
  return random.shuffle(usable)
}

/** The `count` clearest gold pairs that the answers give, at most one for each item: by every metric one answer is at least as good, and by the sum of the
 *  metrics it is better. `first` and `second`: the answers of the two versions, `GOLD_TRIES` for each item.
 *  @throws JobError when there is none. */
export function clearestGold(
  items: readonly PromptCompletion[],
  answers: { first: readonly string[]; second: readonly string[] },
  metrics: readonly RubricMetric[],
  count: number,
): GoldPair[] {
  const measured = metrics.filter(({ kind }) => kind !== 'perplexity' && kind !== 'choice')
  const found = items.flatMap((item, nth) => {
    const of = (all: readonly string[]) =>
      all.slice(nth * GOLD_TRIES, (nth + 1) * GOLD_TRIES).map((text) => ({
        text,
        scores: measured.map((metric) => scoreOf(metric, text, item.completion)),
      }))
    const second = of(answers.second)
    const pairs = of(answers.first).flatMap((one) => second.flatMap((other) => comparedPair(item, one, other)))
    return pairs.sort((a, b) => b.gap - a.gap).slice(0, 1)
  })
  if (found.length === 0)
    throw new JobError(
      'NO_GOLD',
      'No item of the gold pool can be used: its prompts must be among the compared ones, must not have been gold before, and the versions must answer them differently well. Add items to the pool, or set goldPercent to 0.',
    )
  return found
    .sort((a, b) => b.gap - a.gap)
    .slice(0, count)
    .map(({ gap: _, ...pair }) => pair)
}

interface ScoredAnswer {
  text: string
  scores: number[]
}

function comparedPair(item: PromptCompletion, one: ScoredAnswer, other: ScoredAnswer): (GoldPair & { gap: number })[] {
  const gains = one.scores.map((score, at) => score - (other.scores[at] ?? 0))
  const gap = gains.reduce((sum, gain) => sum + gain, 0)
  const isClear = gains.every((gain) => gain >= 0) || gains.every((gain) => gain <= 0)
  if (gap === 0 || !isClear) return []
  return [{ item, answers: [one.text, other.text], better: gap > 0 ? 0 : 1, gap: Math.abs(gap) }]
}
