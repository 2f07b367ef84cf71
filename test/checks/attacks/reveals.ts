import { Random } from '#math/random.ts'
import { COMMITMENT_BLOCKS, commitOrder, firstOpen } from '#rules/commitments.ts'
import { QualityIndex } from '#rules/quality.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import type { Attack } from './attack.ts'
import { drawSamples } from './samples.ts'

/** A sample, and the blocks of its commitment and of its reveal. */
interface Revealed {
  sample: PromptCompletion
  committed: bigint
  revealed: bigint
}

/** The uniqueness that each sample gets on chain when a scorer runs in every block, as parts of 1. A score is final. */
function scoreEachBlock(samples: readonly Revealed[], waits: boolean): number[] {
  const scores = new Map<number, number>()
  const end = samples.reduce((last, { revealed }) => (revealed > last ? revealed : last), 0n) + COMMITMENT_BLOCKS
  const orders = samples.map(({ committed }, at) => commitOrder(committed, BigInt(at)))
  for (let block = 1n; block <= end; block++) {
    const shown = [...samples.keys()].filter((at) => (samples[at]?.revealed ?? end) <= block)
    const hidden = [...samples.keys()].filter((at) => !shown.includes(at) && (samples[at]?.committed ?? end) <= block)
    if (shown.every((at) => scores.has(at))) continue
    const open = waits
      ? firstOpen(
          hidden.flatMap((at) => orders[at] ?? []),
          block,
        )
      : undefined
    const index = new QualityIndex()
    for (const at of shown.sort((a, b) => Number((orders[a] ?? 0n) - (orders[b] ?? 0n)))) {
      const committed = orders[at] ?? 0n
      const text = JSON.stringify(samples[at]?.sample)
      const { verdict, uniqueness } = index.add({ id: `${at}`, committed, text })
      if (scores.has(at) || (open !== undefined && committed > open)) continue
      scores.set(at, verdict === 'accepted' ? Number(uniqueness) / 1e6 : 0)
    }
  }
  return samples.map((_, at) => scores.get(at) ?? 0)
}

function originalOf(seed: number): PromptCompletion {
  const [sample] = drawSamples('prose', seed, 1)
  if (!sample) throw new Error('No sample was drawn.')
  return sample
}

/** Somebody sees a sample before its reveal, for example in the artifact store, commits to the same content later, and reveals first. */
export const lateTwin: Attack = {
  name: 'late twin',
  measure: 'part of an original that a later twin earns, revealed first',
  limit: 0,
  play(seed) {
    const random = new Random(`late twin/${seed}`)
    const sample = originalOf(seed)
    const reveal = BigInt(40 + random.integer(200))
    const twin = BigInt(2 + random.integer(20))
    const samples = [
      { sample, committed: 1n, revealed: reveal },
      { sample, committed: twin, revealed: twin + 1n },
    ]
    const earned = (waits: boolean) => scoreEachBlock(samples, waits)[1] ?? 0
    return { before: earned(false), after: earned(true) }
  },
}

/** Somebody chooses when to reveal its samples, which share parts with each other. */
export const revealOrder: Attack = {
  name: 'reveal order',
  measure: 'most that a choice of reveals changes in the sum of the scores',
  limit: 0,
  play(seed) {
    const random = new Random(`reveal order/${seed}`)
    const [first, second] = drawSamples('prose', seed, 2)
    if (!first || !second) throw new Error('No sample was drawn.')
    const both = { prompt: `${first.prompt} ${second.prompt}`, completion: `${first.completion} ${second.completion}` }
    const sums = (waits: boolean) =>
      Array.from({ length: 4 }, () => {
        const samples = [first, both, second].map((sample, at) => ({
          sample,
          committed: BigInt(at + 1),
          revealed: BigInt(5 + random.integer(40)),
        }))
        return scoreEachBlock(samples, waits).reduce((sum, score) => sum + score, 0)
      })
    const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values)
    return { before: spread(sums(false)), after: spread(sums(true)) }
  },
}
