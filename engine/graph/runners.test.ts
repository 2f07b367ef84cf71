import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import {
  add,
  argmax,
  cast,
  constant,
  type Graph,
  type GraphRunner,
  grad,
  input,
  less,
  loop,
  mul,
  not,
  onnxRuntime,
  reshape,
  scalar,
  sum,
  tensor,
} from './index.ts'
import { type Node, type OperationName, topologicalOrder } from './node.ts'
import { type CaseInputs, type OperationCase, operationCases } from './test/operationCases.ts'
import { tfjsRunner } from './test/tfjs.ts'
import { kernels } from './test/tfjsKernels.ts'
import { webGpu } from './test/webGpu.ts'

const adapter = await webGpu()
const runners: Record<string, GraphRunner> = {
  'onnxruntime, one thread': onnxRuntime({ device: 'cpu', threads: 1 }),
  'onnxruntime, two threads': onnxRuntime({ device: 'cpu', threads: 2 }),
  'onnxruntime, written as for WebGPU': onnxRuntime({ device: 'cpu', threads: 1, lowering: 'webgpu' }),
  'tfjs on wasm': await tfjsRunner('wasm'),
  'tfjs in plain JavaScript': await tfjsRunner('cpu'),
  ...(adapter instanceof Error ? {} : { 'onnxruntime on WebGPU': adapter }),
}

const cases = Object.entries(operationCases).flatMap(([name, found]) =>
  [found].flat().map((each, index) => ({ name: index === 0 ? name : `${name} (${index + 1})`, each })),
)

/** They compute nothing themselves; `custom` and `loop` have no gradient and tests of their own. */
const apart: readonly OperationName[] = ['input', 'constant', 'item', 'loop', 'custom']
/** Their gradient is zero or undefined by design, so finite differences cannot test it. */
const flat: readonly string[] = ['sign', 'stopGradient', 'cast']

test('every operation has a case, and every operation with a gradient has a gradient test', () => {
  const known = Object.keys(kernels).filter((name) => !apart.includes(name as OperationName))
  expect(Object.keys(operationCases).sort()).toEqual(known.sort())
  for (const [name, found] of Object.entries(operationCases)) {
    const uses = [found].flat().map(({ inputs, build, smooth }) => {
      const result: Node = build(inputs.map(({ shape }, index) => input(`x${index}`, shape)) as unknown as CaseInputs)
      const operation = topologicalOrder([result]).find((node) => node.operation.name === name)?.operation
      return { operation, differentiated: smooth !== false }
    })
    expect(
      uses.some(({ operation }) => operation),
      name,
    ).toBe(true)
    const differentiable = uses.some(({ operation }) => operation?.gradient) && !flat.includes(name)
    expect(
      uses.some(({ operation, differentiated }) => operation && differentiated),
      name,
    ).toBe(differentiable)
  }
})

const trips = input('trips', [], 'i64')
const start = input('start', [2])

async function run<O extends string>(runner: GraphRunner, graph: Graph<O>, feeds = {}) {
  const program = await runner.compile(graph)
  const results = await program.run(feeds)
  await program.release()
  return results
}

/** The case's result, a loss that weighs its elements unevenly, and the loss's gradient for every input. */
function graphOf({ inputs, build, smooth }: OperationCase): Graph {
  const nodes = inputs.map(({ shape }, index) => input(`x${index}`, shape))
  const result = build(nodes as unknown as CaseInputs)
  const weights = Float32Array.from({ length: result.shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 5) - 1.7)
  const loss = sum(mul(result, constant(weights, result.shape)))
  const gradients = smooth === false ? [] : grad(loss, nodes)
  return {
    inputs: nodes,
    outputs: { result, loss, ...Object.fromEntries(gradients.map((each, index) => [`d${index}`, each])) },
  }
}

describe.each(Object.entries(runners))('%s', (_, runner) => {
  test.each(cases)(
    '$name gives the values calculated by hand and the gradient of finite differences',
    async ({ each }) => {
      const program = await runner.compile(graphOf(each))
      const feedsOf = (inputs: OperationCase['inputs']) =>
        Object.fromEntries(
          inputs.map(({ shape, values }, index) => [`x${index}`, tensor(Float32Array.from(values), shape)]),
        )
      const results = await program.run(feedsOf(each.inputs))
      const actual = Array.from(must(results.result).floats)
      expect(actual).toHaveLength(each.expected.length)
      for (const [index, value] of actual.entries()) expect(value).toBeCloseTo(must(each.expected[index]), 5)

      if (each.smooth === false) return
      const lossAt = async (which: number, at: number, shift: number): Promise<number> => {
        const moved = each.inputs.map((given, index) =>
          index === which ? { ...given, values: given.values.with(at, must(given.values[at]) + shift) } : given,
        )
        return must((await program.run(feedsOf(moved))).loss).value
      }
      for (const [which, { values }] of each.inputs.entries()) {
        const gradient = must(results[`d${which}`]).floats
        expect(gradient).toHaveLength(values.length)
        for (const at of values.keys()) {
          const step = 1e-2
          const near = ((await lossAt(which, at, step)) - (await lossAt(which, at, -step))) / (2 * step)
          const far = ((await lossAt(which, at, 2 * step)) - (await lossAt(which, at, -2 * step))) / (4 * step)
          const slope = (4 * near - far) / 3
          expect(Math.abs(must(gradient[at]) - slope)).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)))
        }
      }
      await program.release()
    },
  )

  test('a loop carries state, collects a row in each iteration and reads outer values', async () => {
    const step = input('step', [2])
    const twice = mul(step, 2)
    const { carried, collected } = loop({ trips, limit: 5, carried: [start] }, (iteration, [x]) => {
      const next = add(x, add(twice, cast(iteration, 'f32')))
      return { carried: [next], collected: [sum(next)] }
    })
    const graph = { inputs: [trips, start, step], outputs: { last: carried[0], sums: collected[0] } }
    const { last, sums } = await run(runner, graph, {
      trips: 3,
      start: Float32Array.of(0, 1),
      step: Float32Array.of(1, 2),
    })
    expect(Array.from(last.floats)).toEqual([9, 16])
    expect(Array.from(sums.floats.slice(0, 3))).toEqual([7, 15, 25])
    expect(sums.shape[0]).toBe(3)
  })

  test('a loop ends early where its body says so, and loops nest', async () => {
    const { carried, collected } = loop({ trips, limit: 8, carried: [start] }, (_, [x]) => {
      const inner = loop({ trips: scalar(2, 'i64'), limit: 2, carried: [x] }, (_again, [y]) => ({
        carried: [add(y, 1)],
      }))
      const next = inner.carried[0]
      return { carried: [next], collected: [next], proceed: reshape(less(sum(next), 12), []) }
    })
    const { last, rows } = await run(
      runner,
      { inputs: [trips, start], outputs: { last: carried[0], rows: collected[0] } },
      { trips: 8, start: Float32Array.of(0, 0) },
    )
    expect(Array.from(last.floats)).toEqual([6, 6])
    expect(rows.shape).toEqual([3, 2])
  })

  test('integers and booleans can be inputs and outputs', async () => {
    const flags = input('flags', [3], 'bool')
    const counts = input('counts', [3], 'i64')
    const graph = {
      inputs: [flags, counts],
      outputs: { flipped: not(flags), more: add(counts, 1), best: argmax(cast(counts, 'f32')) },
    }
    const { flipped, more, best } = await run(runner, graph, {
      flags: Uint8Array.of(1, 0, 1),
      counts: BigInt64Array.of(4n, 9n, 2n),
    })
    expect(flipped.numbers).toEqual([0, 1, 0])
    expect(more.numbers).toEqual([5, 10, 3])
    expect(best.value).toBe(1)
  })
})
