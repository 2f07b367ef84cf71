import {
  add,
  cast,
  equal,
  exp,
  input,
  less,
  maximum,
  minimum,
  mul,
  type Node,
  neg,
  not,
  reshape,
  sub,
  sum,
  where,
} from '#engine/graph/index.ts'
import { tokenLogProbabilities } from '#engine/model/heads.ts'
import { idInput } from '#engine/model/inputs.ts'
import { meanOf, sampleVariance, sumOf } from '#math/summary.ts'
import type { Objective } from './objective.ts'
import {
  checkRow,
  checkWeight,
  completionRow,
  copyLearned,
  countLearned,
  rowFeeds,
  rowLength,
  type TokenRow,
} from './rows.ts'

/** A completion that the policy sampled, with its advantage over the other completions of the same prompt. */
export interface PolicyExample extends TokenRow {
  advantage: number
  /** Log-probability of every token after the first under the policy that sampled it. */
  oldLogProbabilities: Float32Array
  /** The same under the reference model; required when `klWeight` is greater than 0. */
  reference?: Float32Array
  weight?: number
}

const weightOf = ({ weight = 1 }: PolicyExample): number => weight

/**
 * An example from a prompt and a completion. The log-probabilities are those of the completion's tokens.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { policyExample } from '#engine/train/policy.ts'
 *
 * const example = policyExample({ prompt: [1, 2], completion: [3], logProbabilities: [-0.5], advantage: 1 })
 * assert.deepEqual(example.mask, [0, 0, 1])
 * assert.deepEqual([...example.oldLogProbabilities], [0, -0.5])
 * ```
 */
export function policyExample(sampled: {
  prompt: ArrayLike<number>
  completion: ArrayLike<number>
  logProbabilities: ArrayLike<number>
  reference?: ArrayLike<number>
  advantage: number
  weight?: number
}): PolicyExample {
  const { prompt, completion, logProbabilities, reference, advantage, weight } = sampled
  if (logProbabilities.length !== completion.length)
    throw new Error(`There are ${logProbabilities.length} log-probabilities for ${completion.length} sampled tokens.`)
  const afterPrompt = (values: ArrayLike<number>): Float32Array => {
    const row = new Float32Array(prompt.length + completion.length - 1)
    row.set(Array.from(values), prompt.length - 1)
    return row
  }
  return {
    ...completionRow(prompt, completion),
    advantage,
    oldLogProbabilities: afterPrompt(logProbabilities),
    ...(reference && { reference: afterPrompt(reference) }),
    ...(weight !== undefined && { weight }),
  }
}

export interface PolicyOptions {
  /** Clipping of the probability ratio to 1 - low … 1 + high: a larger change in one round brings no further gain. */
  clip?: { low: number; high: number }
  /** Weight of the KL divergence from the reference, by Schulman's estimator k3 = e^d - d - 1 with d = log p_ref / p. */
  klWeight?: number
}

const CLIP = { low: 0.2, high: 0.2 }

/**
 * Group relative policy optimisation (Shao et al., "DeepSeekMath", 2024): the ratio of every token is clipped separately.
 * `average` says what has equal weight: sequences, as in the paper, or all tokens (Yu et al., "DAPO", 2025).
 */
export const grpo = ({
  clip = CLIP,
  klWeight = 0,
  average = 'sequences',
}: PolicyOptions & { average?: 'sequences' | 'tokens' } = {}): Objective<PolicyExample> =>
  policyObjective(`grpo ${average}`, { clip, klWeight, perToken: true, average })

/**
 * REINFORCE leave-one-out (Ahmadian et al., "Back to basics", 2024): a completion is one action, so the ratio is that of
 * complete sequences. `leaveOneOutAdvantages` computes the advantages.
 */
export const rloo = ({ clip = CLIP, klWeight = 0 }: PolicyOptions = {}): Objective<PolicyExample> =>
  policyObjective('rloo', { clip, klWeight, perToken: false, average: 'sequences' })

interface Form extends Required<PolicyOptions> {
  perToken: boolean
  average: 'sequences' | 'tokens'
}

function policyObjective(kind: string, form: Form): Objective<PolicyExample> {
  const { clip, klWeight, perToken, average } = form
  /** The weight of each learned token of an example. */
  const tokenWeight = (example: PolicyExample): number =>
    weightOf(example) / (average === 'tokens' ? 1 : countLearned(example))
  return {
    name: `${kind} ${clip.low} ${clip.high} ${klWeight}`,
    rows: 1,
    lengthOf: rowLength,
    totalOf: (example) => weightOf(example) * (average === 'tokens' ? countLearned(example) : 1),
    check(example) {
      checkRow(example)
      checkWeight(weightOf(example))
      if (!Number.isFinite(example.advantage))
        throw new Error(`An advantage is ${example.advantage}; it must be finite.`)
      const { oldLogProbabilities: old, reference } = example
      if (klWeight > 0 && !reference)
        throw new Error('klWeight is greater than 0, but an example has no log-probabilities of the reference model.')
      for (const values of [old, reference])
        if (values && values.length !== rowLength(example))
          throw new Error(
            `There are ${values.length} log-probabilities for ${rowLength(example)} tokens after the first.`,
          )
    },
    build({ config, batch, length, weights, forward }) {
      const [ids, targets] = [idInput(config, batch, length), idInput(config, batch, length, 'targets')]
      const coefficients = input('coefficients', [batch, length])
      const [old, reference] = [input('old', [batch, length]), input('reference', [batch, length])]
      const [advantage, weight] = [input('advantage', [batch, 1]), input('weight', [batch, 1])]
      const logProbabilities = tokenLogProbabilities(config, weights, forward(ids).hidden, targets)
      const counted = not(equal(coefficients, 0))
      // Where no token is learned all three log-probabilities are 0, so that no ratio overflows and no 0 · ∞ occurs.
      const current = where(counted, logProbabilities, 0) // (B,T)
      const change = sub(current, old)
      const ratio = exp(perToken ? change : sum(change, [1])) // (B,T) or (B,1)
      const each = perToken ? coefficients : weight
      const bounded = minimum(maximum(ratio, 1 - clip.low), 1 + clip.high)
      const gain = minimum(mul(ratio, advantage), mul(bounded, advantage))
      const distance = sub(reference, current)
      const divergence = sub(sub(exp(distance), distance), 1) // (B,T)
      // The divergence of a sequence is the sum over its tokens; per token it is averaged like the gains.
      const kl = perToken ? divergence : sum(divergence, [1])
      const surrogate = neg(gain)
      const total = (values: Node): Node => reshape(sum(mul(each, values)), [])
      return {
        inputs: [ids, targets, coefficients, old, reference, advantage, weight],
        loss: total(klWeight > 0 ? add(surrogate, mul(klWeight, kl)) : surrogate),
        metrics: {
          kl: total(kl),
          clipped: total(cast(less(gain, mul(ratio, advantage)), 'f32')),
          ratio: total(ratio),
        },
      }
    },
    feeds(examples, batch, length) {
      const [old, reference] = [new Float32Array(batch * length), new Float32Array(batch * length)]
      examples.forEach((example, row) => {
        if (weightOf(example) === 0) return
        copyLearned(example, example.oldLogProbabilities, old, row * length)
        copyLearned(example, example.reference ?? example.oldLogProbabilities, reference, row * length)
      })
      return {
        ...rowFeeds(examples, batch, length, tokenWeight),
        old,
        reference,
        advantage: Float32Array.from({ length: batch }, (_, row) => examples[row]?.advantage ?? 0),
        weight: Float32Array.from({ length: batch }, (_, row) => (examples[row] ? weightOf(examples[row]) : 0)),
      }
    },
  }
}

/**
 * GRPO's advantage of each completion: its reward minus the mean of the group, divided by the group's standard deviation
 * (n - 1) plus 1e-4.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { groupRelativeAdvantages } from '#engine/train/policy.ts'
 *
 * const [worse = 0, better = 0] = groupRelativeAdvantages([0, 1])
 * assert.ok(Math.abs(better - 0.707) < 1e-3)
 * assert.equal(worse, -better)
 * ```
 */
export function groupRelativeAdvantages(rewards: readonly number[]): number[] {
  const mean = meanOf(rewards)
  const deviation = rewards.length > 1 ? Math.sqrt(sampleVariance(rewards)) : 0
  return rewards.map((reward) => (reward - mean) / (deviation + 1e-4))
}

/** RLOO's advantage of each completion: its reward minus the mean reward of the other completions in its group. */
export function leaveOneOutAdvantages(rewards: readonly number[]): number[] {
  const sum = sumOf(rewards)
  if (rewards.length < 2) throw new Error('Leave-one-out advantages need at least two completions of a prompt.')
  return rewards.map((reward) => reward - (sum - reward) / (rewards.length - 1))
}
