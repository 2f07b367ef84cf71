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
import { checkRow, checkWeight, completionRow, countLearned, rowFeeds, rowLength, type TokenRow } from './rows.ts'

/** A completion the policy sampled, with how much better it was than its peers. */
export interface PolicyExample extends TokenRow {
  advantage: number
  /** Log-probability of every token after the first under the policy that sampled it. */
  oldLogProbabilities: Float32Array
  /** The same under the reference model; needed when `klWeight` is above 0. */
  reference?: Float32Array
  weight?: number
}

const weightOf = ({ weight = 1 }: PolicyExample): number => weight

/** An example from a prompt and a completion, with log-probabilities of the completion's tokens alone. */
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
    throw new Error(`${logProbabilities.length} log-probabilities were given for ${completion.length} sampled tokens.`)
  const placed = (values: ArrayLike<number>): Float32Array => {
    const row = new Float32Array(prompt.length + completion.length - 1)
    row.set(Array.from(values), prompt.length - 1)
    return row
  }
  return {
    ...completionRow(prompt, completion),
    advantage,
    oldLogProbabilities: placed(logProbabilities),
    ...(reference && { reference: placed(reference) }),
    ...(weight !== undefined && { weight }),
  }
}

export interface PolicyOptions {
  /** How far a probability may move in one round before its gain stops counting: ratios 1 - low to 1 + high. */
  clip?: { low: number; high: number }
  /** Weight of the divergence from the reference, by Schulman's estimator k3 = e^d - d - 1 with d = log p_ref / p. */
  klWeight?: number
}

const CLIP = { low: 0.2, high: 0.2 }

/**
 * Group relative policy optimisation (Shao et al., "DeepSeekMath", 2024): every token's ratio is clipped on its own.
 * `average` says what counts equally: sequences, as in the paper, or all tokens (Yu et al., "DAPO", 2025).
 */
export const grpo = ({
  clip = CLIP,
  klWeight = 0,
  average = 'sequences',
}: PolicyOptions & { average?: 'sequences' | 'tokens' } = {}): Objective<PolicyExample> =>
  policyObjective(`grpo ${average}`, { clip, klWeight, perToken: true, average })

/**
 * REINFORCE leave-one-out (Ahmadian et al., "Back to basics", 2024): a completion is one action, so the ratio is that
 * of whole sequences. Advantages come from `leaveOneOut`.
 */
export const rloo = ({ clip = CLIP, klWeight = 0 }: PolicyOptions = {}): Objective<PolicyExample> =>
  policyObjective('rloo', { clip, klWeight, perToken: false, average: 'sequences' })

interface Form extends Required<PolicyOptions> {
  perToken: boolean
  average: 'sequences' | 'tokens'
}

function policyObjective(kind: string, form: Form): Objective<PolicyExample> {
  const { clip, klWeight, perToken, average } = form
  /** What each learned token of an example weighs. */
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
      if (!Number.isFinite(example.advantage)) throw new Error(`An advantage is ${example.advantage}, not finite.`)
      const { oldLogProbabilities: old, reference } = example
      if (klWeight > 0 && !reference)
        throw new Error(
          'A divergence from the reference is asked for, but an example has no reference log-probabilities.',
        )
      for (const values of [old, reference])
        if (values && values.length !== rowLength(example))
          throw new Error(
            `${values.length} log-probabilities were given for ${rowLength(example)} tokens after the first.`,
          )
    },
    build({ config, batch, length, weights, forward }) {
      const [ids, targets] = [idInput(config, batch, length), idInput(config, batch, length, 'targets')]
      const coefficients = input('coefficients', [batch, length])
      const [old, reference] = [input('old', [batch, length]), input('reference', [batch, length])]
      const [advantage, weight] = [input('advantage', [batch, 1]), input('weight', [batch, 1])]
      const logProbabilities = tokenLogProbabilities(config, weights, forward(ids).hidden, targets)
      const counted = not(equal(coefficients, 0))
      // Where nothing counts all three log-probabilities are 0: no ratio overflows, no 0 · ∞ arises.
      const current = where(counted, logProbabilities, 0) // (B,T)
      const change = sub(current, old)
      const ratio = exp(perToken ? change : sum(change, [1])) // (B,T) or (B,1)
      const each = perToken ? coefficients : weight
      const bounded = minimum(maximum(ratio, 1 - clip.low), 1 + clip.high)
      const gain = minimum(mul(ratio, advantage), mul(bounded, advantage))
      const distance = sub(reference, current)
      const divergence = sub(sub(exp(distance), distance), 1) // (B,T)
      // A sequence's divergence is the sum of its tokens'; per token it is averaged like the gains.
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
        for (let t = 0; t + 1 < example.ids.length; t++) {
          if (!example.mask[t + 1] || weightOf(example) === 0) continue
          old[row * length + t] = example.oldLogProbabilities[t]!
          reference[row * length + t] = (example.reference ?? example.oldLogProbabilities)[t]!
        }
      })
      return {
        ...rowFeeds(examples, batch, length, (row) => tokenWeight(examples[row]!)),
        old,
        reference,
        advantage: Float32Array.from({ length: batch }, (_, row) => examples[row]?.advantage ?? 0),
        weight: Float32Array.from({ length: batch }, (_, row) => (examples[row] ? weightOf(examples[row]) : 0)),
      }
    },
  }
}

/** GRPO's advantage: a reward's distance from its group's mean in standard deviations (n - 1), 1e-4 added to these. */
export function groupRelativeAdvantages(rewards: readonly number[]): number[] {
  const mean = meanOf(rewards)
  const deviation = rewards.length > 1 ? Math.sqrt(sampleVariance(rewards)) : 0
  return rewards.map((reward) => (reward - mean) / (deviation + 1e-4))
}

/** RLOO's advantage: a reward less the mean of the others in its group. */
export function leaveOneOutAdvantages(rewards: readonly number[]): number[] {
  const sum = sumOf(rewards)
  if (rewards.length < 2) throw new Error('Leaving one out needs groups of at least two completions.')
  return rewards.map((reward) => reward - (sum - reward) / (rewards.length - 1))
}
