import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { Generator } from '#engine/generate/generator.ts'
import { promptGraph, stepGraph } from '#engine/generate/step.ts'
import {
  DeviceError,
  type Graph,
  type GraphRunner,
  input,
  mul,
  onnxRuntime,
  tensor,
  toOnnx,
} from '#engine/graph/index.ts'
import { webGpu } from '#engine/graph/test/webGpu.ts'
import { smallConfig } from '#engine/model/config.ts'
import { loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { must } from '#test/must.ts'
import { ADAMW, adamWGraph } from './adamw.ts'
import type { Objective } from './objective.ts'
import { grpo, rloo } from './policy.ts'
import { dpo } from './preference.ts'
import { reward } from './reward.ts'
import { completionRow } from './rows.ts'
import { gradientGraph } from './step.ts'
import { packedSupervised, supervised } from './supervised.ts'
import { selectTrainable } from './trainableParameters.ts'
import { Trainer } from './trainer.ts'

// Runs where WebGPU finds an adapter, a software one too; elsewhere the one test is that the error says what to install.

const config = smallConfig({
  vocab_size: 32,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  initializer_range: 0.3,
})
const lora = loraConfig({ rank: 2 })
const weights = initialWeights(config, 1)
const size = { batch: 2, length: 16 }

const runner = await webGpu()

test('WebGPU runs, or its error says what it needs', () => {
  if (!(runner instanceof Error)) return expect(runner.name).toBe('onnxruntime webgpu')
  expect(runner).toBeInstanceOf(DeviceError)
  expect(runner.message).toContain('needs a GPU with a Vulkan, Metal or D3D12 driver')
})

/** Runs a graph once under the profiler: the operators each provider ran. */
async function operatorsByProvider(graph: Graph): Promise<Map<string, Set<string>>> {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-profile-'))
  try {
    const session = await ort.InferenceSession.create(toOnnx(graph, 'webgpu'), {
      executionProviders: ['webgpu'],
      graphOptimizationLevel: 'basic',
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    })
    const feeds = graph.inputs.map((node): [string, ort.Tensor] => {
      const { name } = node.attributes as { name: string }
      const count = node.shape.reduce((a, b) => a * b, 1)
      return node.dtype === 'f32'
        ? [name, new ort.Tensor('float32', new Float32Array(count).fill(0.1), node.shape)]
        : node.dtype === 'bool'
          ? [name, new ort.Tensor('bool', new Uint8Array(count).fill(1), node.shape)]
          : [name, new ort.Tensor('int32', new Int32Array(count), node.shape)]
    })
    await session.run(Object.fromEntries(feeds))
    session.endProfiling()
    await session.release()
    const events = JSON.parse(readFileSync(join(folder, must(readdirSync(folder)[0])), 'utf8')) as {
      cat: string
      args?: { provider?: string; op_name?: string }
    }[]
    const operators = new Map<string, Set<string>>()
    for (const { cat, args } of events)
      if (cat === 'Node' && args?.provider && args.op_name)
        operators.set(args.provider, (operators.get(args.provider) ?? new Set()).add(args.op_name))
    return operators
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const trainable = selectTrainable({ config, weights, lora }, 1)
const whole = selectTrainable({ config, weights }, 1)
const scored = smallConfig({ ...config, head: 'score' })
const judge = selectTrainable({ config: scored, weights: initialWeights(scored, 1), lora }, 1)
const training = <E>(objective: Objective<E>, of = trainable) => gradientGraph(of, objective, size)

/** A decoding step with all options of a sampler. */
const decoding = (): Graph =>
  stepGraph(
    { config, lora, fused: false },
    {
      batch: 2,
      capacity: 24,
      tokens: 1,
      adapter: 'own',
      sampler: { choice: 'filtered', penalised: true, biased: true, masked: true, top: 0 },
    },
  )

const graphs: Record<string, () => Graph> = {
  'an adapter': () => training(supervised),
  'every weight': () => training(supervised, whole),
  'packed rows': () => training(packedSupervised),
  'a reward model': () => training(reward(), judge),
  DPO: () => training(dpo()),
  IPO: () => training(dpo({ loss: 'ipo' })),
  GRPO: () => training(grpo({ klWeight: 0.1 })),
  RLOO: () => training(rloo({ klWeight: 0.1 })),
  'the AdamW update': () => adamWGraph(trainable.parameterBuffers, ADAMW),
  'reading prompts': () => promptGraph({ config, lora, fused: false }, 2, 8, 'shared'),
  'decoding a token': decoding,
}

const onAdapter = (gpu: GraphRunner) => {
  test.each(Object.entries(graphs))('trap, operators fall back: %s runs with none on the CPU', async (_, graph) => {
    const operators = await operatorsByProvider(graph())
    expect([...operators.keys()]).toEqual(['WebGpuExecutionProvider'])
    expect(must(operators.get('WebGpuExecutionProvider')).size).toBeGreaterThan(5)
  })

  const examples = Array.from({ length: 4 }, (_, i) => completionRow([i, i + 1], [i + 2, i + 3, i + 4, i + 5]))

  test.each([
    ['an adapter', lora],
    ['every weight', undefined],
  ])('training %s follows the loss curve of the CPU; state comes back and continues', async (_, adapter) => {
    const curve = async (runner: GraphRunner) => {
      const start = () =>
        new Trainer({ config, weights, lora: adapter, objective: supervised, seed: 1, microBatch: 2, runner })
      const losses = []
      const first = start()
      for (let step = 0; step < 3; step++) losses.push((await first.apply(examples, 1e-2)).loss)
      const second = start()
      second.restore(await first.state())
      await first.release()
      for (let step = 0; step < 3; step++) losses.push((await second.apply(examples, 1e-2)).loss)
      losses.push((await second.evaluate(examples)).loss)
      await second.release()
      return losses
    }
    const [there, here] = [await curve(gpu), await curve(onnxRuntime({ device: 'cpu' }))]
    for (const [step, loss] of here.entries())
      expect(Math.abs(must(there[step]) - loss), `step ${step}`).toBeLessThan(2e-4)
    expect(there.at(-1)).toBeLessThan(must(there[0]))
  })

  test('a scorer and a generator answer as on the CPU, from weights that stay on the device', async () => {
    const answers = async (runner: GraphRunner) => {
      const scorer = new SequenceScorer({ config, weights, runner })
      const generator = new Generator({ config, weights, runner, endIds: [0], batch: 2 })
      const prompts = [
        [1, 2, 3],
        [4, 5],
      ]
      const found = [await scorer.logProbabilities(prompts), await scorer.logProbabilities(prompts)].flat()
      const generated = await generator.generate(prompts.map((prompt) => ({ prompt, maxTokens: 8, temperature: 0 })))
      await scorer.release()
      await generator.release()
      return { found: found.flatMap((each) => Array.from(each)), tokens: generated.map(({ tokens }) => tokens) }
    }
    const [there, here] = [await answers(gpu), await answers(onnxRuntime({ device: 'cpu' }))]
    expect(there.tokens).toEqual(here.tokens)
    for (const [index, value] of here.found.entries()) expect(there.found[index]).toBeCloseTo(value, 4)
  })

  test('trap, reading a GPU buffer aborts: a resident tensor rejects the read, and is copied to the host by a copying session', async () => {
    const placed = await gpu.upload({ x: tensor(Float32Array.of(1, 2, 3)) })
    expect(() => placed.x.data).toThrow('bring it to the host with Runner.read')
    expect((await gpu.read(placed)).x.floats).toEqual(Float32Array.of(1, 2, 3))
    gpu.dispose(Object.values(placed))
  })

  test('trap, a session ends before its results: they stay valid, and the last one releases it', async () => {
    const x = input('x', [3])
    const program = await gpu.compile({ inputs: [x], outputs: { y: mul(x, 2) } }, { resident: ['y'] })
    const { y } = await program.run({ x: Float32Array.of(1, 2, 3) })
    await program.release()
    expect((await gpu.read({ y: y })).y.floats).toEqual(Float32Array.of(2, 4, 6))
    gpu.dispose([y])
  })

  test('trap, results leak: state of earlier steps is released, so forty steps hold no more device memory than ten', async () => {
    // 1 M parameters: a step's parameters and moments are 12 MB, which a software adapter takes from this process.
    const wide = smallConfig({ ...config, vocab_size: 32_768, tie_word_embeddings: true })
    const trainer = new Trainer({
      config: wide,
      weights: initialWeights(wide, 1),
      objective: supervised,
      seed: 1,
      microBatch: 1,
      runner: gpu,
    })
    const steps = async (count: number) => {
      for (let step = 0; step < count; step++) await trainer.apply(examples.slice(0, 1), 1e-3)
      return process.memoryUsage().rss
    }
    const before = await steps(10)
    expect((await steps(30)) - before).toBeLessThan(100e6)
    await trainer.release()
  })
}

if (!(runner instanceof Error)) describe('on a WebGPU adapter', () => onAdapter(runner))
