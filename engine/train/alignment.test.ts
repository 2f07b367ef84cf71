import { describe, expect, test } from 'vitest'
import type { Weights } from '#engine/formats/weights.ts'
import { onnxRuntime, reshape, slice, softmax } from '#engine/graph/index.ts'
import { smallConfig } from '#engine/model/config.ts'
import { tokenLogits } from '#engine/model/heads.ts'
import { adapterInputs, feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import { adapterShapes, loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import type { Objective } from './objective.ts'
import {
  groupRelativeAdvantages,
  grpo,
  leaveOneOutAdvantages,
  type PolicyExample,
  policyExample,
  rloo,
} from './policy.ts'
import { type PolicyPlan, PolicyRun, type SampledCompletion } from './policyRun.ts'
import { dpo, type PreferencePair, withReference } from './preference.ts'
import { type RewardPair, reward, rewardModel } from './reward.ts'
import { completionRow, type TokenRow } from './rows.ts'
import { TrainingRun } from './run.ts'
import { supervised } from './supervised.ts'
import { Trainer } from './trainer.ts'

const config = smallConfig({
  vocab_size: 16,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  initializer_range: 0.3,
})
const weights = initialWeights(config, 1)
const lora = loraConfig({ rank: 4 })
const runner = onnxRuntime({ device: 'cpu', threads: 1 })

const trainerOf = <E>(objective: Objective<E>, options: { adapter?: Weights; seed?: number } = {}) =>
  new Trainer<E>({ config, weights, lora, objective, seed: 1, microBatch: 4, runner, ...options })

/** An adapter that has an effect, so that policy and reference differ. */
const adapter: Weights = new Map(
  Array.from(adapterShapes(config, lora), ([name, shape]) => [
    name,
    { shape, data: new Random(name).fillNormal(new Float32Array(shape[0] * shape[1]), 0.2) },
  ]),
)

const draw = (random: Random, length: number) => Array.from({ length }, () => random.integer(16))
const softplus = (x: number) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0)
const learnedSum = (values: Float32Array, { mask }: TokenRow) =>
  values.reduce((total, value, t) => total + (mask[t + 1] ? value : 0), 0)
const meanOf = (values: readonly number[], weight: readonly number[]) =>
  values.reduce((sum, value, i) => sum + value * must(weight[i]), 0) / weight.reduce((a, b) => a + b)

describe('losses agree with their formulas written out in plain numbers', () => {
  const random = new Random(4)
  const policyScorer = new SequenceScorer({ config, weights, lora, adapter, runner })
  const referenceScorer = new SequenceScorer({ config, weights, runner })
  const pairs: PreferencePair[] = Array.from({ length: 5 }, (_, i) => ({
    chosen: completionRow(draw(random, 3), draw(random, 2 + i)),
    rejected: completionRow(draw(random, 3), draw(random, 6 - i)),
    weight: 0.5 + i,
    noise: i / 12,
  }))

  test.each(['sigmoid', 'ipo'] as const)('dpo %s', async (loss) => {
    const beta = 0.3
    const referenced = await withReference(pairs, referenceScorer)
    const rows = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
    const policy = (await policyScorer.logProbabilities(rows.map(({ ids }) => ids))).map((values, i) =>
      learnedSum(values, must(rows[i])),
    )
    const expected = referenced.map(({ chosen, rejected, reference, noise }, k) => {
      const [gainChosen, gainRejected] = [
        must(policy[2 * k]) - reference.chosen,
        must(policy[2 * k + 1]) - reference.rejected,
      ]
      if (loss === 'sigmoid') {
        const z = beta * (gainChosen - gainRejected)
        return (1 - must(noise)) * softplus(-z) + must(noise) * softplus(z)
      }
      const z = gainChosen / (chosen.ids.length - 3) - gainRejected / (rejected.ids.length - 3)
      return (1 - must(noise)) * (z - 1 / (2 * beta)) ** 2 + must(noise) * (z + 1 / (2 * beta)) ** 2
    })
    const found = await trainerOf(dpo({ beta, loss }), { adapter }).evaluate(referenced)
    expect(found.loss).toBeCloseTo(
      meanOf(
        expected,
        pairs.map(({ weight }) => must(weight)),
      ),
      4,
    )
  })

  test('reward', async () => {
    const model = rewardModel(config, weights, 3)
    const judged: RewardPair[] = pairs.map(({ chosen, rejected, weight, noise }, i) => ({
      chosen: chosen.ids,
      rejected: rejected.ids,
      weight,
      noise,
      margin: i / 10,
    }))
    const scores = await new SequenceScorer({ ...model, runner }).scores(
      judged.flatMap(({ chosen, rejected }) => [chosen, rejected]),
    )
    const expected = judged.map(({ margin, noise }, k) => {
      const [a, b] = [scores[2 * k], scores[2 * k + 1]]
      const z = must(a) - must(b) - must(margin)
      return (1 - must(noise)) * softplus(-z) + must(noise) * softplus(z) + 0.1 * (must(a) + must(b)) ** 2
    })
    const trainer = new Trainer({ ...model, objective: reward({ centring: 0.1 }), seed: 1, microBatch: 2, runner })
    expect((await trainer.evaluate(judged)).loss).toBeCloseTo(
      meanOf(
        expected,
        judged.map(({ weight }) => must(weight)),
      ),
      4,
    )
  })

  test.each([
    ['grpo', 'sequences'],
    ['grpo', 'tokens'],
    ['rloo', 'sequences'],
  ] as const)('%s over %s', async (kind, average) => {
    const klWeight = 0.2
    const clip = { low: 0.1, high: 0.3 }
    const prompts = [draw(random, 2), draw(random, 4), draw(random, 1)]
    const completions = prompts.map((_, i) => draw(random, 3 + 2 * i))
    const rows = prompts.map((prompt, i) => [...prompt, ...must(completions[i])])
    const tail = async (scorer: SequenceScorer) =>
      (await scorer.logProbabilities(rows)).map((values, i) => Array.from(values.slice(must(prompts[i]).length - 1)))
    const [policy, reference] = [await tail(policyScorer), await tail(referenceScorer)]
    const old = policy.map((values) => values.map((value) => value + random.normal(0, 0.2)))
    const advantages = [1.5, -0.7, 0.3]
    const weight = [1, 0.5, 2]
    const examples = prompts.map((prompt, i) =>
      policyExample({
        prompt,
        completion: must(completions[i]),
        logProbabilities: must(old[i]),
        reference: reference[i],
        advantage: must(advantages[i]),
        weight: weight[i],
      }),
    )
    const gain = (ratio: number, advantage: number) =>
      Math.min(ratio * advantage, Math.min(Math.max(ratio, 1 - clip.low), 1 + clip.high) * advantage)
    const k3 = (now: number, ref: number) => Math.exp(ref - now) - (ref - now) - 1
    const tokens = policy.map((row, i) =>
      row.map(
        (now, t) =>
          -gain(Math.exp(now - must(must(old[i])[t])), must(advantages[i])) +
          klWeight * k3(now, must(must(reference[i])[t])),
      ),
    )
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
    const expected =
      kind === 'rloo'
        ? meanOf(
            policy.map(
              (row, i) =>
                -gain(Math.exp(sum(row) - sum(must(old[i]))), must(advantages[i])) +
                klWeight * sum(row.map((now, t) => k3(now, must(must(reference[i])[t])))),
            ),
            weight,
          )
        : average === 'sequences'
          ? meanOf(
              tokens.map((row) => sum(row) / row.length),
              weight,
            )
          : sum(tokens.map((row, i) => sum(row) * must(weight[i]))) /
            sum(tokens.map((row, i) => row.length * must(weight[i])))
    const objective = kind === 'rloo' ? rloo({ clip, klWeight }) : grpo({ clip, klWeight, average })
    expect((await trainerOf(objective, { adapter }).evaluate(examples)).loss).toBeCloseTo(expected, 4)
  })
})

test('DPO makes the policy prefer the chosen answers, on unseen pairs', async () => {
  const make = (seed: number, count: number): PreferencePair[] => {
    const random = new Random(seed)
    return Array.from({ length: count }, () => {
      const prompt = draw(random, 3)
      const low = Array.from({ length: 4 }, () => random.integer(8))
      const high = Array.from({ length: 4 }, () => 8 + random.integer(8))
      return { chosen: completionRow(prompt, high), rejected: completionRow(prompt, low) }
    })
  }
  const reference = new SequenceScorer({ config, weights, runner })
  const [seen, unseen] = [await withReference(make(1, 32), reference), await withReference(make(2, 16), reference)]
  const trainer = trainerOf(dpo())
  expect((await trainer.evaluate(unseen)).loss).toBeCloseTo(Math.LN2, 5)
  const run = new TrainingRun(trainer, { examples: seen, batchSize: 8, epochs: 6, learningRate: 1e-2 })
  for await (const _ of run.start());
  expect((await trainer.evaluate(unseen)).metrics.accuracy).toBeGreaterThan(0.9)
})

test('a reward model learns a rule from pairs, a fifth of them mislabelled, and trains its head beside an adapter', async () => {
  const random = new Random(6)
  const worth = (ids: readonly number[]) => ids.filter((id) => id < 8).length
  const text = () => Array.from({ length: 4 + random.integer(6) }, () => random.integer(16))
  const pairs = Array.from({ length: 1024 }, (): RewardPair => {
    let [a, b] = [text(), text()]
    while (Math.abs(worth(a) - worth(b)) < 3) [a, b] = [text(), text()]
    const right = worth(a) > worth(b) !== random.chance(0.2)
    return { chosen: right ? a : b, rejected: right ? b : a, noise: 0.2 }
  })
  const model = rewardModel(config, weights, 1)
  const trainer = new Trainer({
    ...model,
    lora,
    objective: reward({ centring: 0.01 }),
    seed: 1,
    microBatch: 32,
    runner,
  })
  const run = new TrainingRun(trainer, { examples: pairs, batchSize: 32, epochs: 4, learningRate: 1e-2 })
  for await (const _ of run.start());
  const trained = await trainer.parameters()
  expect(trained.has('score.weight')).toBe(true)
  const scorer = new SequenceScorer({
    ...model,
    weights: new Map([...model.weights, ['score.weight', must(trained.get('score.weight'))]]),
    lora,
    adapter: new Map(Array.from(trained).filter(([name]) => name !== 'score.weight')),
    runner,
  })
  const tests = Array.from({ length: 60 }, text)
  const scores = await scorer.scores(tests)
  let [right, all] = [0, 0]
  for (let i = 0; i < tests.length; i++)
    for (let j = 0; j < i; j++) {
      if (Math.abs(worth(must(tests[i])) - worth(must(tests[j]))) < 3) continue
      all++
      if (worth(must(tests[i])) > worth(must(tests[j])) === must(scores[i]) > must(scores[j])) right++
    }
  expect(right / all).toBeGreaterThan(0.85)
})

/** Samples completions of four tokens, from probabilities of a forward pass without a cache. */
async function sampler(): Promise<PolicyPlan<{ ids: number[] }>['sample']> {
  const [batch, length] = [8, 7]
  const nodes = new Map([...weightInputs(config), ...adapterInputs(config, lora)])
  const ids = idInput(config, batch, length)
  const { hidden } = forward(config, { weights: nodes, ids, adapter: { lora, weights: nodes } })
  const probabilities = softmax(tokenLogits(config, nodes, hidden))
  const program = await runner.compile({
    inputs: [ids, ...nodes.values()],
    outputs: { p: reshape(slice(probabilities, 1, 0, length), [batch, length * 16]) },
  })
  const base = feedsOf(weights)
  return async (prompts, parameters, seed) => {
    const random = new Random(seed)
    const rows = prompts.map(({ ids }) => [...ids])
    const sampled: (SampledCompletion & { completion: number[]; logProbabilities: number[] })[] = prompts.map(() => ({
      completion: [],
      logProbabilities: [],
    }))
    for (let step = 0; step < 4; step++) {
      const padded = Int32Array.from(
        { length: batch * length },
        (_, at) => rows[Math.floor(at / length)]?.[at % length] ?? 0,
      )
      const { p } = await program.run({ ids: padded, ...base, ...feedsOf(parameters) })
      rows.forEach((row, index) => {
        const from = (index * length + row.length - 1) * 16
        const chances = p.floats.slice(from, from + 16)
        const token = random.weighted(chances)
        row.push(token)
        must(sampled[index]).completion.push(token)
        must(sampled[index]).logProbabilities.push(Math.log(must(chances[token])))
      })
    }
    return sampled
  }
}

describe.each([
  ['grpo', (klWeight: number) => grpo({ klWeight }), groupRelativeAdvantages],
  ['rloo', (klWeight: number) => rloo({ klWeight }), leaveOneOutAdvantages],
] as const)('%s', (_, objective, advantages) => {
  const plan = async (rounds: number): Promise<PolicyPlan<{ ids: number[] }>> => ({
    prompts: Array.from({ length: 5 }, (_, i) => ({ ids: [i, i + 1, i + 2] })),
    numGenerations: 4,
    promptsPerRound: 2,
    rounds,
    learningRate: 3e-2,
    sample: await sampler(),
    reward: async (sampled) =>
      sampled.map(({ completion }) => Array.from(completion).filter((id) => id >= 8).length / 4),
    advantages,
    reference: new SequenceScorer({ config, weights, runner }),
  })

  test('raises the reward of the policy’s samples', async () => {
    const rewards: number[] = []
    const run = new PolicyRun(trainerOf(objective(0.001)), await plan(25))
    for await (const report of run.start()) {
      rewards.push(report.meanReward)
      if (report.round === 1) expect(report.metrics.ratio).toBeCloseTo(1, 4)
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
    expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 5)) + 0.25)
  })

  test('stopped and resumed it ends with the same bytes', async () => {
    const undisturbed = trainerOf(objective(0.05))
    for await (const _ of new PolicyRun(undisturbed, { ...(await plan(4)), updatesPerRound: 2 }).start());
    const first = new PolicyRun(trainerOf(objective(0.05)), { ...(await plan(4)), updatesPerRound: 2 })
    for await (const { round } of first.start()) if (round === 2) break
    const second = new PolicyRun(trainerOf(objective(0.05)), { ...(await plan(4)), updatesPerRound: 2 })
    second.restore(await first.checkpoint())
    for await (const _ of second.start());
    expect(await second.trainer.state()).toEqual(await undisturbed.state())
  })
})

test.each([
  ['rloo', rloo()],
  ['dpo', dpo()],
] as const)('%s: the gradient of the supervised loss is added with its weight', async (_, objective) => {
  const random = new Random(8)
  const [prompt, completion] = [draw(random, 3), draw(random, 4)]
  const row = completionRow(prompt, completion)
  const own =
    objective.rows === 1
      ? [policyExample({ prompt, completion, logProbabilities: [-1, -1, -1, -1], advantage: 1 })]
      : await withReference(
          [{ chosen: row, rejected: completionRow(prompt, draw(random, 2)) }],
          new SequenceScorer({ config, weights, runner }),
        )
  const mixed = Array.from({ length: 5 }, (_, i) => completionRow(draw(random, 2), draw(random, 2 + i)))
  const optimiser = { maxGradientNorm: Number.POSITIVE_INFINITY }
  const shared = { config, weights, lora, adapter, seed: 1, microBatch: 4, runner, optimiser }
  const gradientOf = async <E>(trainer: Trainer<E>, examples: readonly E[], beside: readonly TokenRow[] = []) => {
    const { metrics } = await trainer.apply(examples, 1e-3, undefined, beside)
    const { firstMoments } = await trainer.state()
    return { metrics, values: Array.from(firstMoments.values()).flatMap(({ data }) => Array.from(data)) }
  }
  const options = { ...shared, objective: objective as Objective<unknown> }
  const alone = await gradientOf(new Trainer(options), own)
  const { values: learned } = await gradientOf(new Trainer({ ...shared, objective: supervised }), mixed)
  const both = await gradientOf(new Trainer({ ...options, supervisedWeight: 3 }), own, mixed)
  both.values.forEach((value, i) => {
    expect(value).toBeCloseTo(must(alone.values[i]) + 3 * must(learned[i]), 5)
  })
  expect(Math.max(...learned.map(Math.abs))).toBeGreaterThan(1e-3)
  const { loss } = await new Trainer({ ...shared, objective: supervised }).evaluate(mixed)
  expect(both.metrics.supervised).toBeCloseTo(loss, 5)
  expect(alone.metrics.supervised).toBeUndefined()
  // Without a weight the examples are not read.
  expect((await gradientOf(new Trainer(options), own, mixed)).values).toEqual(alone.values)
})

test('groups: equal rewards give no advantage, and advantages of a group sum to 0', () => {
  expect(groupRelativeAdvantages([2, 2, 2])).toEqual([0, 0, 0])
  expect(leaveOneOutAdvantages([2, 2, 2])).toEqual([0, 0, 0])
  expect(leaveOneOutAdvantages([1, 0])).toEqual([1, -1])
  expect(groupRelativeAdvantages([3, 1, 4, 1, 5]).reduce((a, b) => a + b, 0)).toBeCloseTo(0, 10)
  expect(() => leaveOneOutAdvantages([1])).toThrow('at least two completions')
})

test('invalid pairs and samples are refused', async () => {
  const row = completionRow([1, 2], [3])
  const pair = { chosen: row, rejected: row, reference: { chosen: -1, rejected: -1 } }
  const tuned = trainerOf(dpo())
  await expect(tuned.apply([{ ...pair, noise: 0.5 }], 1)).rejects.toThrow('label noise of a pair is 0.5')
  await expect(tuned.apply([{ ...pair, weight: Number.NaN }], 1)).rejects.toThrow('weight of an example is NaN')
  await expect(tuned.apply([{ ...pair, reference: { chosen: Number.NaN, rejected: 0 } }], 1)).rejects.toThrow(
    'not finite',
  )
  await expect(tuned.apply([], 1)).rejects.toThrow('at least one example')
  await expect(trainerOf(reward()).apply([{ chosen: [1], rejected: [2] }], 1)).rejects.toThrow('rewardModel()')
  const sampled = { prompt: [1], completion: [2, 3], logProbabilities: [-1, -2], advantage: 1 }
  expect(() => policyExample({ ...sampled, logProbabilities: [-1] })).toThrow('1 log-probabilities for 2')
  const policy = trainerOf<PolicyExample>(grpo({ klWeight: 0.1 }))
  await expect(policy.apply([policyExample(sampled)], 1)).rejects.toThrow('no log-probabilities of the reference model')
})
