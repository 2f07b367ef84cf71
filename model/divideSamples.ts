import { keccak256, stringToBytes } from 'viem'
import { commitOrder } from '#rules/commitments.ts'
import { QualityIndex } from '#rules/quality.ts'
import { canonicalSample, type PromptCompletion } from '#rules/sample.ts'
import { normalForm } from '#rules/shingles.ts'
import { PermanentError } from '#schema/errors.ts'

/** Of the samples, for the rubric and for validation, each: enough to tell a good version from a lucky one, while most are left to learn from. */
const HELD_OUT = 0.15
const MAX_HELD_OUT = 200
const LEAST_SAMPLES = 6

export interface DividedSamples {
  items: PromptCompletion[]
  validation: PromptCompletion[]
  seedData: PromptCompletion[]
  /** How many are in none of them. */
  left: number
}

/** Divides samples by the hash of their prompts, so that the same samples are always divided alike. What is too like an item is left out.
 *  @throws PermanentError when there are too few. */
export function divideSamples(samples: readonly PromptCompletion[]): DividedSamples {
  const byPrompt = new Map(samples.map((sample) => [normalForm(sample.prompt), sample]))
  if (byPrompt.size < LEAST_SAMPLES)
    throw new PermanentError(
      `There are ${byPrompt.size} samples with different prompts; a model needs at least ${LEAST_SAMPLES}: to judge, to validate and to learn.`,
    )
  const order = [...byPrompt].map(([form, sample]) => [keccak256(stringToBytes(form)), sample] as const)
  const drawn = order.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sample]) => sample)
  const held = Math.min(MAX_HELD_OUT, Math.max(1, Math.floor(drawn.length * HELD_OUT)))
  const [items, validation] = [drawn.slice(0, held), drawn.slice(held, 2 * held)]
  const seedData = acceptable(drawn.slice(2 * held), [...items, ...validation])
  return { items, validation, seedData, left: samples.length - 2 * held - seedData.length }
}

/** What the scorer would accept of the samples. What it refuses weighs in its judgement of the others, so the rest is judged again without it. */
function acceptable(samples: readonly PromptCompletion[], sealed: readonly PromptCompletion[]): PromptCompletion[] {
  const index = new QualityIndex({ sealed })
  const kept = samples.filter((sample, nth) => {
    const entry = { id: String(nth), committed: commitOrder(0n, 0n), text: canonicalSample(sample) }
    return index.add(entry).verdict === 'accepted'
  })
  return kept.length === samples.length ? kept : acceptable(kept, sealed)
}
