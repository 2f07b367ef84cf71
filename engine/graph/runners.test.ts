import { describe, expect, test } from 'vitest'
import { constant, type Graph, grad, input, mul, onnxRuntime, type Runner, sum, tensor } from './index.ts'
import { type OperationCase, operationCases } from './operationCases.ts'

const runners: Record<string, () => Runner> = {
  'onnxruntime, one thread': () => onnxRuntime({ device: 'cpu', threads: 1 }),
  'onnxruntime, two threads': () => onnxRuntime({ device: 'cpu', threads: 2 }),
}

const cases = Object.entries(operationCases).flatMap(([name, found]) =>
  [found].flat().map((each, index) => ({ name: index === 0 ? name : `${name} (${index + 1})`, each })),
)

/** The case's result, a loss that weighs its elements unevenly, and the loss's gradient for every input. */
function graphOf({ inputs, build, smooth }: OperationCase): Graph {
  const nodes = inputs.map(({ shape }, index) => input(`x${index}`, shape))
  const result = build(nodes)
  const weights = Float32Array.from({ length: result.shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 5) - 1.7)
  const loss = sum(mul(result, constant(weights, result.shape)))
  const gradients = smooth === false ? [] : grad(loss, nodes)
  return {
    inputs: nodes,
    outputs: { result, loss, ...Object.fromEntries(gradients.map((each, index) => [`d${index}`, each])) },
  }
}

describe.each(Object.entries(runners))('%s', (_, create) => {
  const runner = create()

  test.each(cases)(
    '$name gives the values worked out by hand and the gradient of finite differences',
    async ({ each }) => {
      const program = await runner.compile(graphOf(each))
      const feedsOf = (inputs: OperationCase['inputs']) =>
        Object.fromEntries(
          inputs.map(({ shape, values }, index) => [`x${index}`, tensor(Float32Array.from(values), shape)]),
        )
      const results = await program.run(feedsOf(each.inputs))
      const actual = Array.from(results.result!.floats)
      expect(actual).toHaveLength(each.expected.length)
      for (const [index, value] of actual.entries()) expect(value).toBeCloseTo(each.expected[index]!, 5)

      if (each.smooth === false) return
      const lossAt = async (which: number, at: number, shift: number): Promise<number> => {
        const moved = each.inputs.map((given, index) =>
          index === which ? { ...given, values: given.values.with(at, given.values[at]! + shift) } : given,
        )
        return (await program.run(feedsOf(moved))).loss!.value
      }
      for (const [which, { values }] of each.inputs.entries()) {
        const gradient = results[`d${which}`]!.floats
        expect(gradient).toHaveLength(values.length)
        for (const at of values.keys()) {
          const step = 1e-2
          const near = ((await lossAt(which, at, step)) - (await lossAt(which, at, -step))) / (2 * step)
          const far = ((await lossAt(which, at, 2 * step)) - (await lossAt(which, at, -2 * step))) / (4 * step)
          const slope = (4 * near - far) / 3
          expect(Math.abs(gradient[at]! - slope)).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)))
        }
      }
      await program.release()
    },
  )
})
