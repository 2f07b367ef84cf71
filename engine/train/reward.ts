import type { Weights } from '#engine/formats/weights.ts'
import { add, cast, input, less, mul, reshape, sub } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { sequenceScores } from '#engine/model/heads.ts'
import { idInput } from '#engine/model/inputs.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import type { Objective } from './objective.ts'
import {
  checkLabelQuality,
  type LabelQuality,
  labelQualityFeeds,
  noisyLogistic,
  pairRows,
  splitPairs,
  total,
  weightOf,
} from './preference.ts'

/** Two whole texts (prompt and answer), the first judged better. */
export interface RewardPair extends LabelQuality {
  chosen: ArrayLike<number>
  rejected: ArrayLike<number>
  /** By how much the first should score higher at least, as Llama 2 asks where judges were sure; 0 by default. */
  margin?: number
}

export interface RewardOptions {
  /** Draws the two scores of a pair towards a sum of 0 (Eisenstein et al., 2023): scores stay comparable. Default 0. */
  centring?: number
}

/**
 * The model of Bradley & Terry (1952) over scores r: -log σ(r₁ - r₂ - margin), softened by the pair's label noise, plus
 * centring · (r₁ + r₂)².
 */
export function reward({ centring = 0 }: RewardOptions = {}): Objective<RewardPair> {
  return {
    name: `reward ${centring}`,
    rows: 2,
    lengthOf: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
    totalOf: weightOf,
    check(pair) {
      checkLabelQuality(pair)
      if (pair.chosen.length === 0 || pair.rejected.length === 0) throw new Error('A pair has an empty text.')
      if (!Number.isFinite(pair.margin ?? 0)) throw new Error(`A pair's margin is ${pair.margin}; it must be finite.`)
    },
    build({ config, batch, length, weights, forward }) {
      if (config.head !== 'score')
        throw new Error('A reward objective needs a model with a score head; make one with rewardModel().')
      const ids = idInput(config, 2 * batch, length)
      const last = input('last', [2 * batch], 'i32', { below: length })
      const [weight, noise] = [input('weight', [batch, 1]), input('noise', [batch, 1])]
      const margin = input('margin', [batch, 1])
      const scores = reshape(sequenceScores(weights, forward(ids).hidden, last), [2 * batch, 1])
      const [chosen, rejected] = splitPairs(scores)
      const sum = add(chosen, rejected)
      const loss = noisyLogistic(sub(sub(chosen, rejected), margin), noise)
      return {
        inputs: [ids, last, weight, noise, margin],
        loss: total(weight, centring > 0 ? add(loss, mul(centring, mul(sum, sum))) : loss),
        metrics: {
          accuracy: total(weight, cast(less(rejected, chosen), 'f32')),
          gap: total(weight, sub(chosen, rejected)),
          meanScore: total(weight, mul(sum, 0.5)),
        },
      }
    },
    feeds(pairs, batch, length) {
      const texts = pairRows(
        pairs,
        batch,
        ({ chosen }) => chosen,
        ({ rejected }) => rejected,
      )
      const ids = new Int32Array(2 * batch * length)
      texts.forEach((text, row) => {
        ids.set(Array.from(text ?? []), row * length)
      })
      return {
        ids,
        last: Int32Array.from(texts, (text) => Math.max(0, (text?.length ?? 0) - 1)),
        margin: Float32Array.from({ length: batch }, (_, row) => pairs[row]?.margin ?? 0),
        ...labelQualityFeeds(pairs, batch),
      }
    },
  }
}

/** A language model with its next-token head exchanged for a fresh score head. */
export function rewardModel(
  config: ModelConfig,
  weights: Weights,
  seed: number | string,
): { config: ModelConfig; weights: Weights } {
  const scoring: ModelConfig = { ...config, head: 'score' }
  const kept = new Map(weights)
  kept.delete('lm_head.weight')
  kept.set('score.weight', initialWeights(scoring, seed).get('score.weight')!)
  return { config: scoring, weights: kept }
}
