import { describe, expect, test } from 'vitest'
import {
  add,
  concat,
  gather,
  grad,
  input,
  less,
  matmul,
  mul,
  type Node,
  onnxRuntime,
  reshape,
  scatterAdd,
  slice,
  stopGradient,
  sum,
  tensor,
  toOnnx,
  transpose,
  where,
} from './index.ts'

const a = input('a', [2, 3])
const b = input('b', [4, 2])
const ids = input('ids', [5], 'i32', { below: 2 })

describe('an invalid graph is refused when it is built; the error names the operation and both shapes', () => {
  test.each([
    [() => add(a, b), 'add: shapes [2, 3] and [4, 2] do not broadcast'],
    [() => matmul(a, b), 'matmul: inner extents of [2, 3] and [4, 2] differ'],
    [() => matmul(a, b, { transposeA: true }), 'matmul: inner extents of [2, 3]ᵀ and [4, 2] differ'],
    [() => reshape(a, [4]), 'reshape: [2, 3] has 6 elements, [4] 4'],
    [() => transpose(a, [0, 0]), 'transpose: [0, 0] is not a permutation of the axes of [2, 3]'],
    [() => slice(a, 1, 2, 5), 'slice: 2 to 5 is not within axis 1 of [2, 3]'],
    [() => slice(a, 2, 0, 1), 'slice: axis 2 is outside shape [2, 3]'],
    [() => concat([a, b], 0), 'concat: f32 [4, 2] does not fit f32 [2, 3] on axis 0'],
    [() => gather(a, b), 'gather: indices must be i32 or i64, not f32'],
    [() => scatterAdd(ids, a, [2, 3]), 'scatterAdd: rows [2, 3] for indices [5] into [2, 3] must be [5, 3]'],
    [() => add(a, input('k', [3], 'i32')), 'add: types f32 and i32 differ; cast one of them'],
    [() => where(a, a, a), 'where: the condition must be bool, not f32'],
    [() => add(less(a, a), less(a, a)), 'add: cannot take bool; cast it to f32 or i32'],
    [() => grad(a, [a]), 'grad: takes one f32 element, not f32 [2, 3]; sum it first'],
    [() => input('empty', [0, 3]), 'input empty: shape [0, 3] must contain only positive whole numbers'],
    [() => toOnnx({ inputs: [a], outputs: { y: b } }), 'input b is used but not listed among the inputs'],
    [() => toOnnx({ inputs: [a, input('a', [1])], outputs: { y: a } }), 'two inputs are named a'],
  ] as const)('%#', (build, message) => {
    expect(build).toThrow(message)
  })
})

test('the same graph gives the same bytes, however many graphs were built before', () => {
  const build = () => {
    const x = input('x', [2, 3])
    return toOnnx({ inputs: [x], outputs: { y: grad(sum(mul(x, add(x, 3))), [x])[0] } })
  }
  expect(build()).toEqual(build())
})

test('a sum is fused with a matrix product that has no other use, and with no other', () => {
  const [x, w, c] = [input('x', [2, 3]), input('w', [3, 4]), input('c', [2, 4])]
  const product = matmul(x, w)
  const operators = (outputs: Record<string, Node>) =>
    Buffer.from(toOnnx({ inputs: [x, w, c], outputs }))
      .toString('latin1')
      .match(/(?<=t\d_)(Add|MatMul|Gemm)/g)
  expect(new Set(operators({ y: add(product, c) }))).toEqual(new Set(['Gemm']))
  expect(new Set(operators({ y: add(product, product) }))).toEqual(new Set(['MatMul', 'Add']))
  expect(new Set(operators({ y: add(product, c), product }))).toEqual(new Set(['MatMul', 'Add']))
  expect(new Set(operators({ y: add(product, sum(c, [1])) }))).toEqual(new Set(['MatMul', 'Add']))
})

test('gradients are graphs: the second derivative of x³ is 6x', async () => {
  const x = input('x', [2])
  const [first] = grad(sum(mul(x, mul(x, x))), [x])
  const [second] = grad(sum(first), [x])
  const program = await onnxRuntime({ device: 'cpu' }).compile({
    inputs: [x],
    outputs: { first: first, second: second },
  })
  const { first: d, second: dd } = await program.run({ x: tensor(Float32Array.of(2, -1)) })
  expect([...d.floats, ...dd.floats]).toEqual([12, 3, 12, -6])
})

test('a value with several uses sums all its gradients, and an unused one has gradient zero', async () => {
  const x = input('x', [2])
  const unused = input('unused', [2])
  const y = sum(add(mul(x, x), add(x, mul(stopGradient(x), x))))
  const [dx, du] = grad(y, [x, unused])
  const program = await onnxRuntime({ device: 'cpu' }).compile({ inputs: [x, unused], outputs: { dx: dx, du: du } })
  const results = await program.run({ x: tensor(Float32Array.of(2, 3)), unused: tensor(Float32Array.of(1, 1)) })
  expect([...results.dx.floats, ...results.du.floats]).toEqual([7, 10, 0, 0])
})

test('a graph of 20,000 steps does not overflow the stack', () => {
  const x = input('x', [1])
  let y: Node = x
  for (let i = 0; i < 20_000; i++) y = add(y, x)
  expect(toOnnx({ inputs: [x], outputs: { d: grad(sum(y), [x])[0], y } }).length).toBeGreaterThan(0)
})
