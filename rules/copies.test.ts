import { expect, test } from 'vitest'
import { QualityIndex } from './quality.ts'
import type { PromptCompletion } from './sample.ts'
import { COPY_ATTACKS } from './test/copyAttacks.ts'
import { drawOriginals } from './test/originals.ts'

/** The sum of the uniqueness of the original and of its copies, in ppm of what the original has alone. */
function earned(original: PromptCompletion, copies: readonly PromptCompletion[], others: readonly PromptCompletion[]) {
  const index = new QualityIndex()
  const judged = [...others, original, ...copies].map((sample, at) =>
    index.add({ id: `${at}`, committed: BigInt(at), text: JSON.stringify(sample) }),
  )
  const of = (some: typeof judged) =>
    some.reduce((sum, one) => sum + (one.verdict === 'accepted' ? Number(one.uniqueness) : 0), 0)
  const alone = of(judged.slice(others.length, others.length + 1))
  return { alone, ratio: of(judged.slice(others.length)) / alone }
}

test.each(Object.entries(COPY_ATTACKS))('twenty copies earn what one earns: %s', (_, attack) => {
  const samples = drawOriginals(40)
  const others = samples.slice(10)
  for (const original of samples.slice(0, 10)) {
    const { alone, ratio } = earned(original, attack(original, 19, others), others)
    expect(alone).toBe(1_000_000)
    expect(ratio).toBeLessThanOrEqual(1.1)
  }
})
