import { add, cast, input, less, mul, type Node, neg, reshape, slice, softplus, sub, sum } from '#engine/graph/index.ts'
import { tokenLogProbabilities } from '#engine/model/heads.ts'
import { idInput } from '#engine/model/inputs.ts'
import type { SequenceScorer } from '#engine/model/scorer.ts'
import type { Objective } from './objective.ts'
import { checkRow, checkWeight, countLearned, rowFeeds, rowLength, type TokenRow } from './rows.ts'

/** What every kind of pairwise judgement carries about its annotator. */
export interface LabelQuality {
  /** How far the annotator is trusted; 1 by default. */
  weight?: number
  /** The probability that the annotator named the wrong side, from 0 to below 1/2; 0 by default. */
  noise?: number
}

export const weightOf = ({ weight = 1 }: LabelQuality): number => weight
export const noiseOf = ({ noise = 0 }: LabelQuality): number => noise

export function checkLabelQuality(judgement: LabelQuality): void {
  checkWeight(weightOf(judgement))
  const noise = noiseOf(judgement)
  if (!(noise >= 0 && noise < 0.5)) throw new Error(`A pair's label noise is ${noise}; it lies from 0 to below 1/2.`)
}

/** Two completions of one prompt, the first preferred. */
export interface PreferencePair extends LabelQuality {
  chosen: TokenRow
  rejected: TokenRow
}

/** A pair with the reference model's log-probability of each completion, summed over its learned tokens. */
export interface ReferencedPair extends PreferencePair {
  reference: { chosen: number; rejected: number }
}

/** Reads the reference model once, so that training never runs it again. */
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
  const totals = scored.map((values, index) =>
    values.reduce((weightedSum, value, t) => weightedSum + (rows[index]!.mask[t + 1] ? value : 0), 0),
  )
  return pairs.map((pair, index) => ({
    ...pair,
    reference: { chosen: totals[2 * index]!, rejected: totals[2 * index + 1]! },
  }))
}

export interface DpoOptions {
  /** How closely the policy is held to the reference; higher holds tighter. Default 0.1. */
  beta?: number
  /**
   * `sigmoid`: Rafailov et al., "Direct preference optimization" (2023), with each pair's label noise as in Mitchell,
   * "cDPO" (2023). `ipo`: Azar et al., "A general theoretical paradigm" (2024), over log-probabilities per token.
   */
  loss?: 'sigmoid' | 'ipo'
}

/**
 * Direct preference optimisation. With z the policy's gain over the reference on chosen less that on rejected, and ε
 * the pair's noise: -(1-ε) log σ(βz) - ε log σ(-βz), or for IPO (1-ε) (z - 1/2β)² + ε (z + 1/2β)².
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
        throw new Error("A pair's reference log-probabilities are not finite; were they read from the same tokens?")
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
        ({ chosen }) => chosen,
        ({ rejected }) => rejected,
      )
      const references = pairRows(
        pairs,
        batch,
        (pair) => pair.reference.chosen,
        (pair) => pair.reference.rejected,
      )
      // IPO compares means per token, the sigmoid sums.
      const share = rows.map((row) => (row && kind === 'ipo' ? 1 / countLearned(row) : 1))
      return {
        ...rowFeeds(
          rows.map((row) => row ?? EMPTY_ROW),
          2 * batch,
          length,
          (row) => share[row]!,
        ),
        reference: Float32Array.from(references, (value, row) => (value ?? 0) * share[row]!),
        ...labelQualityFeeds(pairs, batch),
      }
    },
  }
}

const EMPTY_ROW: TokenRow = { ids: [], mask: [] }

/** Chosen rows first, rejected rows from `batch` on; undefined pads. */
export const pairRows = <P, T>(pairs: readonly P[], batch: number, first: (pair: P) => T, second: (pair: P) => T) =>
  Array.from({ length: 2 * batch }, (_, row): T | undefined => {
    const pair = pairs[row % batch]
    return pair && (row < batch ? first : second)(pair)
  })

/** Feeds of `weight` and `noise`: pairs that pad the batch weigh nothing. */
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
  const batch = rows.shape[0]! / 2
  return [slice(rows, 0, 0, batch), slice(rows, 0, batch, 2 * batch)]
}

/** The weighted sum over pairs, a scalar. */
export const total = (weight: Node, values: Node): Node => reshape(sum(mul(weight, values)), [])

/** -(1-ε) log σ(z) - ε log σ(-z): the log-loss of a label that is wrong with probability ε. */
export const noisyLogistic = (z: Node, noise: Node): Node =>
  add(mul(sub(1, noise), softplus(neg(z))), mul(noise, softplus(z)))

function noisySquare(z: Node, goal: number, noise: Node): Node {
  const [kept, flipped] = [sub(z, goal), add(z, goal)]
  return add(mul(sub(1, noise), mul(kept, kept)), mul(noise, mul(flipped, flipped)))
}
