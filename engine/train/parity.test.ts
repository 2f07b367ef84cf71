import { expect, test } from 'vitest'
import { type GraphRunner, onnxRuntime, toOnnx } from '#engine/graph/index.ts'
import { tfjsRunner } from '#engine/graph/test/tfjs.ts'
import { smallConfig } from '#engine/model/config.ts'
import { loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { must } from '#test/must.ts'
import { completionRow } from './rows.ts'
import { gradientGraph } from './step.ts'
import { supervised } from './supervised.ts'
import { selectTrainable } from './trainableParameters.ts'
import { Trainer } from './trainer.ts'

const config = smallConfig({
  vocab_size: 24,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  initializer_range: 0.3,
})
const examples = Array.from({ length: 4 }, (_, i) => completionRow([i, i + 1], [i + 2, i + 3, i + 4, i + 5]))

test.each([
  ['every weight', undefined],
  ['an adapter', loraConfig({ rank: 2 })],
])('three steps of training %s follow one loss curve on ONNX Runtime and on TensorFlow.js', async (_, lora) => {
  const curve = async (runner: GraphRunner) => {
    const weights = initialWeights(config, 1)
    const trainer = new Trainer({ config, weights, lora, objective: supervised, seed: 1, microBatch: 2, runner })
    const steps = []
    for (let step = 0; step < 3; step++) steps.push(await trainer.apply(examples, 1e-2))
    return { steps, parameters: await trainer.parameters() }
  }
  const [a, b] = [await curve(onnxRuntime({ device: 'cpu' })), await curve(await tfjsRunner('wasm'))]
  for (const [step, { loss, gradientNorm }] of a.steps.entries()) {
    expect(Math.abs(must(b.steps[step]).loss - loss)).toBeLessThan(5e-5)
    expect(Math.abs(must(b.steps[step]).gradientNorm / gradientNorm - 1)).toBeLessThan(1e-3)
  }
})

test('trap, operators fall back: the training step as written for WebGPU has none that would run on the CPU', () => {
  const trainable = selectTrainable({ config, weights: initialWeights(config, 1), lora: loraConfig({ rank: 2 }) }, 1)
  const graph = gradientGraph(trainable, supervised, { batch: 2, length: 16 })
  const typesIn = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  expect(typesIn(toOnnx(graph, 'cpu'))).toContain('FusedMatMul')
  for (const type of ['FusedMatMul', 'LogSoftmax', 'ScatterND'])
    expect(typesIn(toOnnx(graph, 'webgpu'))).not.toContain(type)
})
