import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { parseConfig } from '#engine/model/config.ts'
import { must } from '#test/must.ts'
import type { Objective } from './objective.ts'
import {
  groupRelativeAdvantages,
  grpo,
  leaveOneOutAdvantages,
  type PolicyExample,
  type PolicyOptions,
  rloo,
} from './policy.ts'
import { dpo, type ReferencedPair } from './preference.ts'
import { reward } from './reward.ts'
import type { TokenRow } from './rows.ts'
import { supervised } from './supervised.ts'
import { Trainer } from './trainer.ts'

// Losses and gradients of TRL's trainers and PyTorch's AdamW, through whole models: test/oracles/losses.py.

interface Gradients {
  loss: number
  gradients: Record<string, { norm: number; places: number[]; values: number[] }>
}
interface Pairs extends Gradients {
  rows: [TokenRow, TokenRow, TokenRow, TokenRow]
  reference: number[]
  beta: number
}
interface Policies extends Gradients {
  rows: TokenRow[]
  old: number[][]
  reference: number[][]
  rewards: number[]
  advantages: number[]
  beta: number
}
interface Golden {
  sft: Gradients & { rows: TokenRow[]; weights: number[] }
  'sft of trl': Gradients & { rows: TokenRow[] }
  adamw: {
    rows: TokenRow[]
    options: { learningRate: number; weightDecay: number; maxGradientNorm: number; beta1: number; beta2: number }
    losses: number[]
    norms: number[]
    weights: Record<string, number[]>
  }
  dpo: Pairs
  ipo: Pairs
  cdpo: Pairs & { noise: number[]; weights: number[] }
  reward: Gradients & { rows: TokenRow[]; margin: number[]; centring: number }
  'grpo sequences': Policies
  'grpo tokens': Policies
  rloo: Policies
}

const FOLDER = join(import.meta.dirname, '../../test/oracles/golden')
const golden = JSON.parse(readFileSync(join(FOLDER, 'losses.golden.json'), 'utf8')) as Golden
const runner = onnxRuntime({ device: 'cpu', threads: 1 })

async function trainerOn<E>(model: string, objective: Objective<E>, optimiser = {}) {
  const { config, weights } = await readCheckpoint(join(FOLDER, model))
  return new Trainer({ config: parseConfig(config), weights, objective, seed: 1, microBatch: 3, runner, optimiser })
}

/** Reads gradients from the first moment after one step with learning rate 0. */
async function expectGradients<E>(model: string, objective: Objective<E>, examples: readonly E[], expected: Gradients) {
  const trainer = await trainerOn(model, objective, { maxGradientNorm: Number.POSITIVE_INFINITY, beta1: 0.5 })
  const { loss, metrics } = await trainer.apply(examples, 0)
  expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-4 * Math.abs(expected.loss))
  const { firstMoments } = await trainer.state()
  for (const [name, { norm, places, values }] of Object.entries(expected.gradients)) {
    const gradient = must(firstMoments.get(name)).data.map((value) => value / 0.5)
    expect(Math.abs(Math.hypot(...gradient) - norm), name).toBeLessThan(1e-4 * norm)
    for (const [index, place] of places.entries())
      expect(Math.abs(must(gradient[place]) - must(values[index])), name).toBeLessThan(1e-4 * norm)
  }
  await trainer.release()
  return metrics
}

test('supervised fine-tuning as TRL computes it', async () => {
  await expectGradients('llama', supervised, golden['sft of trl'].rows, golden['sft of trl'])
})

test('supervised loss and gradient with a weight for every example', async () => {
  const { rows, weights } = golden.sft
  const examples = rows.map((row, index) => ({ ...row, weight: weights[index] }))
  await expectGradients('llama', supervised, examples, golden.sft)
})

test('twenty clipped AdamW steps follow those of PyTorch', async () => {
  const { rows, options, losses, norms, weights } = golden.adamw
  const trainer = await trainerOn('llama', supervised, options)
  for (const [step, expected] of losses.entries()) {
    const { loss, gradientNorm } = await trainer.apply(rows, options.learningRate)
    expect(Math.abs(loss / expected - 1), `step ${step}`).toBeLessThan(1e-4)
    expect(Math.abs(gradientNorm / must(norms[step]) - 1), `step ${step}`).toBeLessThan(1e-4)
  }
  const trained = await trainer.parameters()
  for (const [name, values] of Object.entries(weights))
    for (const [index, value] of values.entries())
      expect(Math.abs(must(must(trained.get(name)).data[index]) - value), name).toBeLessThan(1e-4)
})

const pairsOf = ({ rows, reference }: Pairs): ReferencedPair[] =>
  [0, 1].map((k) => ({
    chosen: must(rows[k]),
    rejected: must(rows[k + 2]),
    reference: { chosen: must(reference[k]), rejected: must(reference[k + 2]) },
  }))

test('DPO and IPO as TRL computes them', async () => {
  const metrics = await expectGradients('llama', dpo({ beta: golden.dpo.beta }), pairsOf(golden.dpo), golden.dpo)
  expect(metrics.margin).toBeCloseTo(must(metrics.chosenReward) - must(metrics.rejectedReward), 4)
  await expectGradients('llama', dpo({ beta: golden.ipo.beta, loss: 'ipo' }), pairsOf(golden.ipo), golden.ipo)
})

test('DPO with a label noise and a weight of each pair', async () => {
  const { noise, weights, beta } = golden.cdpo
  const pairs = pairsOf(golden.cdpo).map((pair, k) => ({ ...pair, noise: noise[k], weight: weights[k] }))
  await expectGradients('llama', dpo({ beta }), pairs, golden.cdpo)
})

test('reward model with margins and centring as TRL computes them', async () => {
  const { rows, margin, centring } = golden.reward
  const pairs = [0, 1].map((k) => ({ chosen: must(rows[k]).ids, rejected: must(rows[k + 2]).ids, margin: margin[k] }))
  await expectGradients('reward', reward({ centring }), pairs, golden.reward)
})

const policiesOf = ({ rows, old, reference, advantages }: Policies): PolicyExample[] =>
  rows.map((row, k) => ({
    ...row,
    oldLogProbabilities: Float32Array.from(must(old[k])),
    reference: Float32Array.from(must(reference[k])),
    advantage: must(advantages[k]),
  }))

test.each([
  ['grpo sequences', (options: PolicyOptions) => grpo(options)],
  ['grpo tokens', (options: PolicyOptions) => grpo({ ...options, average: 'tokens' })],
  ['rloo', rloo],
] as const)('%s as TRL computes it', async (name, objective) => {
  const found = golden[name]
  const advantages = name === 'rloo' ? leaveOneOutAdvantages(found.rewards) : groupRelativeAdvantages(found.rewards)
  for (const [k, value] of advantages.entries()) expect(value).toBeCloseTo(must(found.advantages[k]), 5)
  await expectGradients(
    'llama',
    objective({ clip: { low: 0.2, high: 0.28 }, klWeight: found.beta }),
    policiesOf(found),
    found,
  )
})
