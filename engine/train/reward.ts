import { type Weights, weightNamed } from '#engine/formats/weights.ts'
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

/** Two complete texts (prompt and answer); the chosen one was preferred. */
export interface RewardPair extends LabelQuality {
  chosen: ArrayLike<number>
  rejected: ArrayLike<number>
  /** The least score difference to reach, as in Llama 2 for pairs whose annotators were sure; default 0. */
  margin?: number
}

export interface RewardOptions {
  /** Weight of (r₁ + r₂)² in the loss, which keeps scores near 0 and comparable (Eisenstein et al., 2023). Default 0. */
  centring?: number
}

/**
 * The loss of a reward model with scores r, by the model of Bradley & Terry (1952): -log σ(r₁ - r₂ - margin), mixed with
 * its opposite by the label noise of the pair, plus centring · (r₁ + r₂)².
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { reward, rewardModel } from '#engine/train/reward.ts'
 * import { Trainer } from '#engine/train/trainer.ts'
 *
 * const base = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const { config, weights } = rewardModel(base, initialWeights(base, 1), 1)
 * const trainer = new Trainer({ config, weights, objective: reward(), seed: 1 })
 * const pairs = [{ chosen: [1, 2, 3], rejected: [1, 2, 4] }]
 * const before = await trainer.evaluate(pairs)
 * for (let step = 0; step < 5; step++) await trainer.apply(pairs, 1e-2)
 * assert.ok((await trainer.evaluate(pairs)).loss < before.loss)
 * await trainer.release()
 * ```
 */
export function reward({ centring = 0 }: RewardOptions = {}): Objective<RewardPair> {
  return {
    name: `reward ${centring}`,
    rows: 2,
    lengthOf: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
    totalOf: weightOf,
    check(pair) {
      checkLabelQuality(pair)
      if (pair.chosen.length === 0 || pair.rejected.length === 0) throw new Error('One text of a pair is empty.')
      if (!Number.isFinite(pair.margin ?? 0))
        throw new Error(`The margin of a pair is ${pair.margin}; it must be finite.`)
    },
    build({ config, batch, length, weights, forward }) {
      if (config.head !== 'score')
        throw new Error('The reward objective needs a model with a score head; create one with rewardModel().')
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

/** A language model whose next-token head is replaced by a new score head. */
export function rewardModel(
  config: ModelConfig,
  weights: Weights,
  seed: number | string,
): { config: ModelConfig; weights: Weights } {
  const scoring: ModelConfig = { ...config, head: 'score' }
  const kept = new Map(weights)
  kept.delete('lm_head.weight')
  kept.set('score.weight', weightNamed(initialWeights(scoring, seed), 'score.weight'))
  return { config: scoring, weights: kept }
}
