import { keccak256, stringToBytes } from 'viem'
import { Random } from '#math/random.ts'
import { QualityIndex } from '#rules/quality.ts'
import { contentHash, type PromptCompletion } from '#rules/sample.ts'
import { sealedItemHash } from '#rules/sealedItem.ts'
import { itemHashesOf } from '#schema/evaluationLog.ts'
import type { Attack } from '../attack.ts'
import { drawSamples, SAMPLE_KINDS } from '../samples.ts'

/** What an outsider learns of a sealed set that was drawn from a public benchmark. */

const BENCHMARK = 200
const SEALED = 20
/** Four for each item. */
const DECOYS = 80

/** A public benchmark, the items that are sealed of it, and decoys from the same source. */
function publicBenchmark(seed: number) {
  const kind = SAMPLE_KINDS[seed % SAMPLE_KINDS.length] ?? 'prose'
  const benchmark = drawSamples(kind, seed, BENCHMARK)
  const shuffled = new Random(`sealed/${seed}`).shuffle([...benchmark])
  return { benchmark, items: shuffled.slice(0, SEALED), decoys: shuffled.slice(SEALED, SEALED + DECOYS) }
}

/** The samples that are refused although the public rules would take them: everybody can compute those. */
function refusedInSecret(samples: readonly PromptCompletion[], sealed: readonly PromptCompletion[]) {
  const [secret, open] = [new QualityIndex({ sealed }), new QualityIndex()]
  return samples.filter((sample, at) => {
    const entry = { id: String(at), committed: BigInt(at), text: JSON.stringify(sample) }
    return secret.add(entry).verdict === 'contaminated' && open.add(entry).verdict === 'accepted'
  })
}

const shareOf = (found: readonly PromptCompletion[], items: readonly PromptCompletion[]) =>
  found.length === 0 ? 0 : found.filter((one) => items.includes(one)).length / found.length

/** Somebody submits the benchmark, and takes what is refused without a public reason for sealed. Each refusal costs a scoring fee; to submit several in one sample
 *  saves none, because a sample that is taken costs nothing. */
const submitsBenchmark: Attack = {
  name: 'a public benchmark is submitted',
  measure: 'part of what is refused as ineligible that is an item, with four decoys for each',
  limit: 0.25,
  play(seed) {
    const { benchmark, items, decoys } = publicBenchmark(seed)
    return {
      before: shareOf(refusedInSecret(benchmark, items), items),
      after: shareOf(refusedInSecret(benchmark, [...items, ...decoys]), items),
    }
  },
}

/** Somebody compares the hashes of the benchmark with those in the log of an evaluation, under every salt that could be guessed. */
const hashesBenchmark: Attack = {
  name: 'a public benchmark is hashed',
  measure: 'part of the sealed items that the log of an evaluation confirms',
  limit: 0,
  play(seed) {
    const { benchmark, items } = publicBenchmark(seed)
    const salt = keccak256(stringToBytes(`salt/${seed}`))
    const logged = new Set(itemHashesOf({ salt, items }))
    const confirmed = (hashes: ReadonlySet<string>) =>
      items.filter((item) => guesses(item, benchmark.length).some((guess) => hashes.has(guess))).length / SEALED
    return { before: confirmed(new Set(items.map((item) => contentHash(item)))), after: confirmed(logged) }
  },
}

/** The hash without a salt, and those with a small number as the salt. */
const guesses = (item: PromptCompletion, salts: number): string[] => [
  contentHash(item),
  ...Array.from({ length: salts }, (_, n) => sealedItemHash(`0x${n.toString(16).padStart(64, '0')}`, item)),
]

export const probing: readonly Attack[] = [submitsBenchmark, hashesBenchmark]
