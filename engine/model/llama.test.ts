import { expect, test } from 'vitest'
import { type Graph, grad, input, mul, type Node, onnxRuntime, reshape, sum, type Tensor } from '#engine/graph/index.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { AdapterStack, adapterRowInputs } from './adapterStack.ts'
import { ModelConfigError, parseConfig, smallConfig } from './config.ts'
import { tokenLogits, tokenLogProbabilities } from './heads.ts'
import { adapterInputs, adapterPerRow, feedsOf, idInput, weightInputs } from './inputs.ts'
import { forward } from './llama.ts'
import { adapterShapes, initialAdapter, loraConfig } from './lora.ts'
import { checkWeights, countParameters, initialWeights } from './parameters.ts'

const config = smallConfig({
  vocab_size: 24,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  initializer_range: 0.3,
})
const weights = initialWeights(config, 1)
const lora = loraConfig({ rank: 2, targetModules: ['q_proj', 'up_proj'] })
const runner = onnxRuntime({ device: 'cpu', threads: 1 })
const base = feedsOf(weights)

async function run<O extends string>(graph: Graph<O>, feeds: Record<string, Tensor | Int32Array | Float32Array>) {
  const program = await runner.compile(graph)
  const results = await program.run(feeds)
  await program.release()
  return results
}

const noisyAdapter = (seed: number) =>
  new Map(
    Array.from(adapterShapes(config, lora), ([name, shape]) => [
      name,
      { shape, data: new Random(`${seed} ${name}`).fillNormal(new Float32Array(shape[0] * shape[1]), 0.3) },
    ]),
  )

const drawIds = (rows: number, length: number, seed = 3) =>
  Int32Array.from(
    { length: rows * length },
    (
      (random) => () =>
        random.integer(config.vocab_size)
    )(new Random(seed)),
  )

async function logitsOf(ids: Int32Array, rows: number) {
  const nodes = weightInputs(config)
  const idNode = idInput(config, rows, ids.length / rows)
  const { hidden } = forward(config, { weights: nodes, ids: idNode })
  const graph = { inputs: [idNode, ...nodes.values()], outputs: { logits: tokenLogits(config, nodes, hidden) } }
  return (await run(graph, { ids, ...base })).logits.floats
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length)
  return Math.max(...Array.from({ length: a.length }, (_, i) => Math.abs(must(a[i]) - must(b[i]))))
}

test('texts packed in one row do not attend to each other', async () => {
  const [first, second] = [drawIds(1, 5, 1), drawIds(1, 7, 2)]
  const nodes = weightInputs(config)
  const ids = idInput(config, 1, 12)
  const positions = input('positions', [1, 12], 'i32', { below: 12 })
  const segments = input('segments', [1, 12], 'i32')
  const { hidden } = forward(config, { weights: nodes, ids, packing: { positions, segments } })
  const { logits } = await run(
    { inputs: [ids, positions, segments, ...nodes.values()], outputs: { logits: tokenLogits(config, nodes, hidden) } },
    {
      ids: Int32Array.of(...first, ...second),
      positions: Int32Array.from([...first.keys(), ...second.keys()]),
      segments: Int32Array.of(...first.map(() => 0), ...second.map(() => 1)),
      ...base,
    },
  )
  expect(worst(logits.floats, [...(await logitsOf(first, 1)), ...(await logitsOf(second, 1))])).toBeLessThan(1e-5)
})

test('padding after a row changes nothing before it', async () => {
  const row = drawIds(1, 6)
  const padded = Int32Array.of(...row, 0, 0, 0)
  const [alone, long] = [await logitsOf(row, 1), await logitsOf(padded, 1)]
  expect(worst(long.subarray(0, alone.length), alone)).toBeLessThan(1e-5)
})

test('each row of a batch may use another adapter, with the same results as one at a time', async () => {
  const adapters = [noisyAdapter(1), noisyAdapter(2), noisyAdapter(3)]
  const which = Int32Array.of(2, 0, 2, 1)
  const ids = drawIds(4, 5)
  const nodes = weightInputs(config)
  const many = adapterRowInputs(config, lora, 4)
  const idNode = idInput(config, 4, 5)
  const { hidden } = forward(config, { weights: nodes, ids: idNode, adapter: many })
  const stack = new AdapterStack(config, lora, 4)
  for (const [row, adapter] of which.entries()) stack.set(row, adapters[adapter])
  const inputs = [idNode, ...many.weights.values(), ...nodes.values()]
  const { hidden: together } = await run({ inputs, outputs: { hidden } }, { ids, ...stack.tensors, ...base })

  const one = adapterInputs(config, lora)
  const single = idInput(config, 1, 5)
  const alone = forward(config, { weights: nodes, ids: single, adapter: { lora, weights: one } })
  const program = await runner.compile({
    inputs: [single, ...one.values(), ...nodes.values()],
    outputs: { hidden: alone.hidden },
  })
  for (const [row, adapter] of which.entries()) {
    const { hidden: expected } = await program.run({
      ids: ids.subarray(row * 5, row * 5 + 5),
      ...feedsOf(must(adapters[adapter])),
      ...base,
    })
    const size = expected.floats.length
    expect(worst(together.floats.subarray(row * size, row * size + size), expected.floats)).toBeLessThan(1e-5)
  }
})

test('gradients of an adapter that is copied for each row equal those of each row alone, and sum to the gradient of the batch', async () => {
  const [B, T] = [3, 5]
  const nodes = weightInputs(config)
  const shared = adapterInputs(config, lora)
  const rows = adapterPerRow(shared, B)
  const ids = idInput(config, B, T)
  const targets = idInput(config, B, T, 'targets')
  const lossOf = (adapter: ReadonlyMap<string, typeof ids>) => {
    const { hidden } = forward(config, { weights: nodes, ids, adapter: { lora, weights: adapter } })
    return sum(tokenLogProbabilities(config, nodes, hidden, targets))
  }
  const names = [...shared.keys()]
  const perRow = grad(
    lossOf(rows),
    names.map((name) => must(rows.get(name))),
  )
  const whole = grad(lossOf(shared), [...shared.values()])
  const results = await run(
    {
      inputs: [ids, targets, ...shared.values(), ...nodes.values()],
      outputs: Object.fromEntries(
        names.flatMap((name, index) => [
          [`sum ${name}`, reshape(sum(must(perRow[index]), [0]), must(whole[index]).shape)],
          [`whole ${name}`, must(whole[index])],
        ]),
      ),
    },
    { ids: drawIds(B, T), targets: drawIds(B, T, 8), ...feedsOf(noisyAdapter(4)), ...base },
  )
  for (const name of names)
    expect(worst(must(results[`sum ${name}`]).floats, must(results[`whole ${name}`]).floats)).toBeLessThan(2e-4)
})

test('the gradient of the whole model agrees with finite differences in every weight tensor', async () => {
  const biased = { ...config, attention_bias: { qkv: true, output: true }, mlp_bias: true, tie_word_embeddings: false }
  const tensors = initialWeights(biased, 5)
  const nodes = weightInputs(biased)
  const [B, T] = [2, 6]
  const [ids, targets] = [idInput(biased, B, T), idInput(biased, B, T, 'targets')]
  const { hidden } = forward(biased, { weights: nodes, ids })
  const logProbabilities = tokenLogProbabilities(biased, nodes, hidden, targets)
  const uneven = input('uneven', [B, T])
  const loss = sum(mul(logProbabilities, uneven))
  const names = [...nodes.keys()]
  const gradients = grad(loss, [...nodes.values()])
  const program = await runner.compile({
    inputs: [ids, targets, uneven, ...nodes.values()],
    outputs: Object.fromEntries<Node>([
      ['loss', loss],
      ...names.map((name, index): [string, Node] => [`d ${name}`, must(gradients[index])]),
    ]),
  })
  const feeds = {
    ids: drawIds(B, T),
    targets: drawIds(B, T, 8),
    uneven: Float32Array.from({ length: B * T }, (_, i) => ((i * 5) % 7) / 12),
    ...feedsOf(tensors),
  }
  const results = await program.run(feeds)
  for (const name of names) {
    const gradient = must(results[`d ${name}`]).floats
    const steepest = gradient.reduce(
      (best, value, at) => (Math.abs(value) > Math.abs(must(gradient[best])) ? at : best),
      0,
    )
    const lossAt = async (shift: number) => {
      const moved = Float32Array.from(must(tensors.get(name)).data)
      moved[steepest] = must(moved[steepest]) + shift
      return must((await program.run({ ...feeds, [name]: moved })).loss).value
    }
    const h = 4e-3
    const near = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h)
    const far = ((await lossAt(2 * h)) - (await lossAt(-2 * h))) / (4 * h)
    const slope = (4 * near - far) / 3
    expect(Math.abs(slope - must(gradient[steepest])), name).toBeLessThan(1e-2 * (Math.abs(slope) + 0.05))
  }
})

test('the same seed gives the same weights, and a new adapter has no effect', () => {
  expect(initialWeights(config, 1)).toEqual(weights)
  expect(initialWeights(config, 2)).not.toEqual(weights)
  const adapter = initialAdapter(config, lora, 1)
  for (const [name, { data }] of adapter)
    expect(
      data.some((value) => value !== 0),
      name,
    ).toBe(name.endsWith('lora_A.weight'))
  expect(countParameters(adapter)).toBe(2 * (2 * 16 + 2 * 16 + 2 * 16 + 2 * 48))
})

test('weights of another model are refused by name', () => {
  const lacking = new Map(weights)
  lacking.delete('model.norm.weight')
  expect(() => checkWeights(config, lacking)).toThrow('The weights have no model.norm.weight [16]')
  expect(() => checkWeights({ ...config, hidden_size: 8 }, weights)).toThrow('has shape [24,16]')
  const surplus = new Map(weights).set('extra', { shape: [1], data: new Float32Array(1) })
  expect(() => checkWeights(config, surplus)).toThrow('extra is not a weight of this model')
})

const plain = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 10,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
}

test.each([
  [{ hidden_act: 'gelu' }, 'hidden_act = "gelu" is not supported'],
  [{ attention_dropout: 0.1 }, 'attention_dropout = 0.1 is not supported'],
  [{ rope_scaling: { rope_type: 'yarn', factor: 2 } }, 'rope_scaling of type "yarn" is not supported'],
  [{ rope_scaling: { type: 'linear' } }, 'rope_scaling.factor is missing'],
  [{ num_local_experts: 8 }, 'num_local_experts = 8 is not supported'],
  [{ quantization_config: { bits: 4 } }, 'quantization_config = {"bits":4} is not supported'],
  [{ vocab_size: undefined }, 'vocab_size is missing'],
  [{ num_attention_heads: 3 }, 'head_dim = 2.6666666666666665 is not supported'],
  [{ num_key_value_heads: 3 }, 'num_attention_heads = 2 is not a multiple of num_key_value_heads = 3'],
  [{ architectures: ['GemmaForCausalLM'] }, 'architectures = ["GemmaForCausalLM"]'],
  [{ model_type: 'gemma' }, 'model_type = "gemma" is not supported'],
  [{ sliding_window: 4 }, 'sliding_window = 4 is not supported for llama'],
])('an unsupported configuration is refused, naming the field: %j', (change, message) => {
  expect(parseConfig(plain).head_dim).toBe(4)
  expect(() => parseConfig({ ...plain, ...change })).toThrow(ModelConfigError)
  expect(() => parseConfig({ ...plain, ...change })).toThrow(message)
})
