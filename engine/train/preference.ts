import {
  add,
  cast,
  extentOf,
  input,
  less,
  mul,
  type Node,
  neg,
  reshape,
  slice,
  softplus,
  sub,
  sum,
} from '#engine/graph/index.ts'
import { tokenLogProbabilities } from '#engine/model/heads.ts'
import { idInput } from '#engine/model/inputs.ts'
import type { SequenceScorer } from '#engine/model/scorer.ts'
import type { Objective } from './objective.ts'
import { checkRow, checkWeight, countLearned, rowFeeds, rowLength, type TokenRow } from './rows.ts'
import { zip } from './zip.ts'

/** How reliable the label of a pair is. */
export interface LabelQuality {
  /** The weight of the pair in the loss, for example the trust in its annotator; default 1. */
  weight?: number
  /** The probability that the label is wrong: at least 0 and below 1/2; default 0. */
  noise?: number
}

export const weightOf = ({ weight = 1 }: LabelQuality): number => weight
export const noiseOf = ({ noise = 0 }: LabelQuality): number => noise

export function checkLabelQuality(label: LabelQuality): void {
  checkWeight(weightOf(label))
  const noise = noiseOf(label)
  if (!(noise >= 0 && noise < 0.5))
    throw new Error(`The label noise of a pair is ${noise}; it must be at least 0 and below 1/2.`)
}

/** Two completions of one prompt, the first preferred. */
export interface PreferencePair extends LabelQuality {
  chosen: TokenRow
  rejected: TokenRow
}

/** A pair with the log-probability of each completion under the reference model, summed over its learned tokens. */
export interface ReferencedPair extends PreferencePair {
  reference: { chosen: number; rejected: number }
}

/** Adds the log-probabilities of the reference model, so that training does not run that model again. */
export async function withReference(
  pairs: readonly PreferencePair[],
  reference: SequenceScorer,
  signal?: AbortSignal,
): Promise<ReferencedPair[]> {
  const rows = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
  const scored = await reference.logProbabilities(
    rows.map(({ ids }) => ids),
    signal,
  )
  const totals = zip(rows, scored).map(([{ mask }, values]) =>
    values.reduce((sum, value, t) => sum + (mask[t + 1] ? value : 0), 0),
  )
  return pairs.map((pair, index) => {
    const [chosen, rejected] = totals.slice(2 * index, 2 * index + 2) as [number, number]
    return { ...pair, reference: { chosen, rejected } }
  })
}

export interface DpoOptions {
  /** Strength of the constraint to stay near the reference model; default 0.1. */
  beta?: number
  /**
   * `sigmoid`: Rafailov et al., "Direct preference optimization" (2023), with each pair's label noise as in Mitchell,
   * "cDPO" (2023). `ipo`: Azar et al., "A general theoretical paradigm" (2024), over log-probabilities per token.
   */
  loss?: 'sigmoid' | 'ipo'
}

/**
 * Direct preference optimisation. z is the log-ratio of policy and reference for the chosen completion minus that for the
 * rejected one, ε the label noise of the pair. The loss is -(1-ε) log σ(βz) - ε log σ(-βz), or for IPO
 * (1-ε) (z - 1/2β)² + ε (z + 1/2β)².
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { SequenceScorer } from '#engine/model/scorer.ts'
 * import { dpo, withReference } from '#engine/train/preference.ts'
 * import { completionRow } from '#engine/train/rows.ts'
 * import { Trainer } from '#engine/train/trainer.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const weights = initialWeights(config, 1)
 * const reference = new SequenceScorer({ config, weights })
 * const prompt = [1, 2, 3]
 * const pair = { chosen: completionRow(prompt, [4, 5]), rejected: completionRow(prompt, [6]) }
 * const examples = await withReference([pair], reference)
 * const trainer = new Trainer({ config, weights, objective: dpo({ beta: 0.1 }), seed: 1 })
 * const { loss } = await trainer.apply(examples, 1e-3)
 * assert.ok(Math.abs(loss - Math.log(2)) < 1e-4) // before the first update policy and reference are equal
 * await Promise.all([trainer.release(), reference.release()])
 * ```
 */
export function dpo({ beta = 0.1, loss: kind = 'sigmoid' }: DpoOptions = {}): Objective<ReferencedPair> {
  return {
    name: `dpo ${kind} ${beta}`,
    rows: 2,
    lengthOf: ({ chosen, rejected }) => Math.max(rowLength(chosen), rowLength(rejected)),
    totalOf: weightOf,
    check(pair) {
      checkLabelQuality(pair)
      checkRow(pair.chosen)
      checkRow(pair.rejected)
      if (!Number.isFinite(pair.reference.chosen) || !Number.isFinite(pair.reference.rejected))
        throw new Error('The reference log-probabilities of a pair are not finite; compute them with withReference().')
    },
    build({ config, batch, length, weights, forward }) {
      const [ids, targets] = [idInput(config, 2 * batch, length), idInput(config, 2 * batch, length, 'targets')]
      const coefficients = input('coefficients', [2 * batch, length])
      const [reference, weight, noise] = [
        input('reference', [2 * batch, 1]),
        input('weight', [batch, 1]),
        input('noise', [batch, 1]),
      ]
      const logProbabilities = tokenLogProbabilities(config, weights, forward(ids).hidden, targets)
      const rows = sum(mul(logProbabilities, coefficients), [1]) // (2B,1)
      const [chosen, rejected] = splitPairs(sub(rows, reference))
      const z = sub(chosen, rejected) // (B,1)
      return {
        inputs: [ids, targets, coefficients, reference, weight, noise],
        loss: total(
          weight,
          kind === 'sigmoid' ? noisyLogistic(mul(z, beta), noise) : noisySquare(z, 0.5 / beta, noise),
        ),
        metrics: {
          accuracy: total(weight, cast(less(rejected, chosen), 'f32')),
          margin: total(weight, mul(z, beta)),
          chosenReward: total(weight, mul(chosen, beta)),
          rejectedReward: total(weight, mul(rejected, beta)),
        },
      }
    },
    feeds(pairs, batch, length) {
      const rows = pairRows(
        pairs,
        batch,
        ({ chosen, reference }) => ({ ...chosen, reference: reference.chosen }),
        ({ rejected, reference }) => ({ ...rejected, reference: reference.rejected }),
      ).map((row) => row ?? { ids: [], mask: [], reference: 0 })
      // IPO compares means over tokens, the sigmoid loss sums. A row of padding has no tokens.
      const scaleOf = (row: TokenRow): number => (kind === 'ipo' && row.ids.length > 0 ? 1 / countLearned(row) : 1)
      return {
        ...rowFeeds(rows, 2 * batch, length, scaleOf),
        reference: Float32Array.from(rows, (row) => row.reference * scaleOf(row)),
        ...labelQualityFeeds(pairs, batch),
      }
    },
  }
}

/** The chosen side of all pairs, then the rejected side from index `batch` on; undefined for padding. */
export const pairRows = <P, T>(pairs: readonly P[], batch: number, first: (pair: P) => T, second: (pair: P) => T) =>
  Array.from({ length: 2 * batch }, (_, row): T | undefined => {
    const pair = pairs[row % batch]
    return pair && (row < batch ? first : second)(pair)
  })

/** Feeds of `weight` and `noise`; padding has weight 0. */
export function labelQualityFeeds(pairs: readonly LabelQuality[], batch: number) {
  const [weight, noise] = [new Float32Array(batch), new Float32Array(batch)]
  pairs.forEach((pair, row) => {
    weight[row] = weightOf(pair)
    noise[row] = noiseOf(pair)
  })
  return { weight, noise }
}

/** (2B,1) -> chosen and rejected, (B,1) each. */
export function splitPairs(rows: Node): [chosen: Node, rejected: Node] {
  const batch = extentOf(rows.shape, 0) / 2
  return [slice(rows, 0, 0, batch), slice(rows, 0, batch, 2 * batch)]
}

/** The weighted sum over pairs, a scalar. */
export const total = (weight: Node, values: Node): Node => reshape(sum(mul(weight, values)), [])

/** -(1-ε) log σ(z) - ε log σ(-z): the logistic loss of a label that is wrong with probability ε. */
export const noisyLogistic = (z: Node, noise: Node): Node =>
  add(mul(sub(1, noise), softplus(neg(z))), mul(noise, softplus(z)))

function noisySquare(z: Node, goal: number, noise: Node): Node {
  const [kept, flipped] = [sub(z, goal), add(z, goal)]
  return add(mul(sub(1, noise), mul(kept, kept)), mul(noise, mul(flipped, flipped)))
}
