import {
  abs,
  add,
  addElements,
  and,
  argmax,
  cast,
  concat,
  constant,
  cumsum,
  div,
  equal,
  exp,
  expand,
  gather,
  gatherElements,
  less,
  lessEqual,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  type Node,
  neg,
  not,
  or,
  pad,
  pow,
  reshape,
  rotary,
  rsqrt,
  type Shape,
  scatterAdd,
  scatterElements,
  sigmoid,
  sign,
  slice,
  softmax,
  softplus,
  sqrt,
  stopGradient,
  sub,
  sum,
  tanh,
  transpose,
  where,
  withGradient,
} from '../index.ts'
import type { OperationName } from '../node.ts'

/** The maximum number of inputs of a tested operation. */
export type CaseInputs = readonly [Node, Node, Node]

/** One use of an operation on f32 inputs, with the expected values calculated by hand. */
export interface OperationCase {
  inputs: readonly { shape: Shape; values: readonly number[] }[]
  /** Takes as many nodes as `inputs` lists. */
  build(inputs: CaseInputs): Node
  expected: readonly number[]
  /** False where the gradient is not tested. */
  smooth?: false
}

const inputOf = (shape: Shape, ...values: number[]) => ({ shape, values })
const indices = (shape: Shape, ...values: number[]) => constant(Int32Array.from(values), shape)

const unary = (build: (x: Node) => Node, formula: (x: number) => number, values = [0.3, 1.7, 2.5, 0.9]) =>
  ({
    inputs: [inputOf([2, 2], ...values)],
    build: ([x]) => build(x),
    expected: values.map(formula),
  }) satisfies OperationCase

/** (2,2) against a broadcast row (2). */
const binary = (build: (a: Node, b: Node) => Node, formula: (a: number, b: number) => number) => {
  const [left, right] = [1.2, 0.6]
  const rows = [
    [0.5, 1.5],
    [2.5, 0.7],
  ] as const
  return {
    inputs: [inputOf([2, 2], ...rows.flat()), inputOf([2], left, right)],
    build: ([x, y]) => build(x, y),
    expected: rows.flatMap(([a, b]) => [formula(a, left), formula(b, right)]),
  } satisfies OperationCase
}

const comparison = (build: (a: Node, b: Node) => Node, formula: (a: number, b: number) => boolean) => ({
  inputs: [inputOf([2, 2], 1, 2, 3, 4), inputOf([2], 2, 2)],
  build: ([a, b]: CaseInputs) => cast(build(a, b), 'f32'),
  expected: [1, 2, 3, 4].map((x) => Number(formula(x, 2))),
  smooth: false as const,
})

const truths = constant(Uint8Array.of(1, 1, 0, 0), [4])
const others = constant(Uint8Array.of(1, 0, 1, 0), [4])
const logic = (node: Node, ...expected: number[]): OperationCase => ({
  inputs: [],
  build: () => cast(node, 'f32'),
  expected,
  smooth: false,
})

const matrix = inputOf([2, 3], 1, 2, 3, 4, 5, 6)
const logits = [0.5, -1, 2, 0, 1, 0.25]
const softmaxRow = (row: number[]) => row.map((x) => Math.exp(x) / row.reduce((t, y) => t + Math.exp(y), 0))
const probabilities = [...softmaxRow(logits.slice(0, 3)), ...softmaxRow(logits.slice(3))]

type Untestable = 'input' | 'constant' | 'custom' | 'loop' | 'item'

/** At least one case for every operation; a missing one is a type error. */
export const operationCases: Record<Exclude<OperationName, Untestable>, OperationCase | readonly OperationCase[]> = {
  add: binary(add, (a, b) => a + b),
  sub: binary(sub, (a, b) => a - b),
  mul: binary(mul, (a, b) => a * b),
  div: binary(div, (a, b) => a / b),
  pow: binary(pow, (a, b) => a ** b),
  minimum: binary(minimum, Math.min),
  maximum: binary(maximum, Math.max),
  equal: comparison(equal, (a, b) => a === b),
  less: comparison(less, (a, b) => a < b),
  lessEqual: comparison(lessEqual, (a, b) => a <= b),
  and: logic(and(truths, others), 1, 0, 0, 0),
  or: logic(or(truths, others), 1, 1, 1, 0),
  not: logic(not(truths), 0, 0, 1, 1),
  neg: unary(neg, (x) => -x),
  exp: unary(exp, Math.exp),
  log: unary(log, Math.log),
  sqrt: unary(sqrt, Math.sqrt),
  rsqrt: unary(rsqrt, (x) => 1 / Math.sqrt(x)),
  sigmoid: unary(sigmoid, (x) => 1 / (1 + Math.exp(-x)), [-3, -0.2, 0.4, 2]),
  softplus: unary(softplus, (x) => Math.log1p(Math.exp(x)), [-3, -0.2, 0.4, 2]),
  tanh: unary(tanh, Math.tanh, [-1.5, -0.2, 0.4, 2]),
  abs: unary(abs, Math.abs, [-1.5, -0.2, 0.4, 2]),
  sign: { ...unary(sign, Math.sign, [-1.5, -0.2, 0.4, 2]), smooth: false },
  stopGradient: { ...unary(stopGradient, (x) => x), smooth: false },
  where: {
    inputs: [inputOf([4], 1, 2, 3, 4), inputOf([1], 9)],
    build: ([a, b]) => where(truths, a, b),
    expected: [1, 2, 9, 9],
  },
  cast: {
    inputs: [inputOf([3], 1.9, -1.9, 0)],
    build: ([x]) => cast(cast(x, 'i32'), 'f32'),
    expected: [1, -1, 0],
    smooth: false,
  },
  matmul: [
    { inputs: [matrix, inputOf([3, 1], 1, 0, -1)], build: ([a, b]) => matmul(a, b), expected: [-2, -2] },
    {
      inputs: [matrix, inputOf([2, 3], 1, 0, -1, 0, 1, 0)],
      build: ([a, b]) => matmul(a, b, { transposeB: true }),
      expected: [-2, 2, -2, 5],
    },
    {
      inputs: [matrix, inputOf([2, 1], 1, -1)],
      build: ([a, b]) => matmul(a, b, { transposeA: true }),
      expected: [-3, -3, -3],
    },
    {
      inputs: [inputOf([2, 2], 1, 2, 3, 4), inputOf([1, 2], 1, -1)],
      build: ([a, b]) => matmul(a, b, { transposeA: true, transposeB: true }),
      expected: [-2, -2],
    },
    {
      inputs: [matrix, inputOf([3, 1], 1, 0, -1)],
      build: ([a, b]) => matmul(a, b, { scale: -0.5 }),
      expected: [1, 1],
    },
    {
      inputs: [inputOf([2, 1, 2], 1, 2, 3, 4), inputOf([2, 2, 2], 1, 0, 1, 1, 2, 0, 0, 2)],
      build: ([a, b]) => matmul(a, b, { transposeB: true, scale: 2 }),
      expected: [2, 6, 12, 16],
    },
    // Products that are fused into a sum: one of the same shape, one of a row, two of them.
    {
      inputs: [matrix, inputOf([3, 2], 1, 0, 0, 1, 1, 1), inputOf([2, 2], 10, 20, 30, 40)],
      build: ([a, b, c]) => add(matmul(a, b, { scale: 2 }), c),
      expected: [18, 30, 50, 62],
    },
    {
      inputs: [matrix, inputOf([2, 3], 1, 0, 1, 0, 1, 1), inputOf([2], 10, 20)],
      build: ([a, b, c]) => add(c, matmul(a, b, { transposeB: true })),
      expected: [14, 25, 20, 31],
    },
    {
      inputs: [matrix, inputOf([3, 2], 1, 0, 0, 1, 1, 1)],
      build: ([a, b]) => add(matmul(a, b), matmul(a, b, { scale: 3 })),
      expected: [16, 20, 40, 44],
    },
    // Batches, one of them broadcast: (2,1,2) x (1,2,2).
    {
      inputs: [inputOf([2, 1, 2], 1, 2, 3, 4), inputOf([1, 2, 2], 1, 0, 1, 1)],
      build: ([a, b]) => matmul(a, b),
      expected: [3, 2, 7, 4],
    },
    {
      inputs: [inputOf([2, 1, 2], 1, 2, 3, 4), inputOf([2, 2, 2], 1, 0, 1, 1, 2, 0, 0, 2)],
      build: ([a, b]) => matmul(a, b, { transposeB: true }),
      expected: [1, 3, 6, 8],
    },
    {
      inputs: [inputOf([2, 2, 1], 1, 2, 3, 4), inputOf([2, 2, 1], 1, 1, 2, 0.5)],
      build: ([a, b]) => matmul(a, b, { transposeA: true }),
      expected: [3, 8],
    },
  ],
  reshape: { inputs: [matrix], build: ([x]) => reshape(x, [3, 2]), expected: [1, 2, 3, 4, 5, 6] },
  transpose: { inputs: [matrix], build: ([x]) => transpose(x, [1, 0]), expected: [1, 4, 2, 5, 3, 6] },
  expand: {
    inputs: [inputOf([2, 1], 1, 2)],
    build: ([x]) => expand(x, [2, 2, 2]),
    expected: [1, 1, 2, 2, 1, 1, 2, 2],
  },
  slice: { inputs: [matrix], build: ([x]) => slice(x, -1, 1, 3), expected: [2, 3, 5, 6] },
  pad: { inputs: [inputOf([2, 1], 1, 2)], build: ([x]) => pad(x, 1, 1, 2), expected: [0, 1, 0, 0, 0, 2, 0, 0] },
  concat: {
    inputs: [matrix, inputOf([2, 1], 7, 8)],
    build: ([a, b]) => concat([a, b], 1),
    expected: [1, 2, 3, 7, 4, 5, 6, 8],
  },
  sum: { inputs: [matrix], build: ([x]) => sum(x, [1]), expected: [6, 15] },
  mean: { inputs: [matrix], build: ([x]) => mean(x, [0]), expected: [2.5, 3.5, 4.5] },
  max: { inputs: [inputOf([2, 2], 1, 3, 8, 5)], build: ([x]) => max(x, [-1]), expected: [3, 8] },
  argmax: {
    inputs: [inputOf([2, 3], 1, 3, 3, 8, 5, 7)],
    build: ([x]) => cast(argmax(x), 'f32'),
    expected: [1, 0],
    smooth: false,
  },
  cumsum: { inputs: [matrix], build: ([x]) => cumsum(x), expected: [1, 3, 6, 4, 9, 15], smooth: false },
  softmax: { inputs: [inputOf([2, 3], ...logits)], build: ([x]) => softmax(x), expected: probabilities },
  logSoftmax: {
    inputs: [inputOf([2, 3], ...logits)],
    build: ([x]) => logSoftmax(x),
    expected: probabilities.map(Math.log),
  },
  gather: [
    {
      inputs: [matrix],
      build: ([x]) => gather(x, indices([2, 2], 1, 0, 1, 1)),
      expected: [4, 5, 6, 1, 2, 3, 4, 5, 6, 4, 5, 6],
    },
    { inputs: [inputOf([3], 5, 6, 7)], build: ([x]) => gather(x, indices([2], 2, 0)), expected: [7, 5] },
  ],
  // Index 1 occurs twice: its rows add up.
  scatterAdd: {
    inputs: [inputOf([3, 2], 1, 2, 3, 4, 5, 6)],
    build: ([x]) => scatterAdd(indices([3], 1, 3, 1), x, [4, 2]),
    expected: [0, 0, 6, 8, 0, 0, 3, 4],
  },
  gatherElements: {
    inputs: [matrix],
    build: ([x]) => gatherElements(x, indices([2, 2], 2, 2, 0, 1)),
    expected: [3, 3, 4, 5],
  },
  addElements: [
    {
      inputs: [matrix, inputOf([2, 2], 1, 2, 3, 4)],
      build: ([x, y]) => addElements(x, indices([2, 2], 2, 2, 0, 1), y),
      expected: [1, 2, 6, 7, 9, 6],
    },
    {
      inputs: [inputOf([2, 2], 1, 2, 3, 4)],
      build: ([x]) => scatterElements(indices([2, 2], 2, 2, 0, 1), x, [2, 3]),
      expected: [0, 0, 3, 3, 4, 0],
    },
  ],
  // Two heads of width 4 at positions 2 and 0: the pairs (a, b) turn by 0.6, 0.8 and by none.
  rotary: {
    inputs: [inputOf([1, 2, 8], 1, 2, 3, 4, 5, 6, 7, 8, 1, -1, 2, -2, 3, -3, 4, -4)],
    build: ([x]) =>
      rotary(
        x,
        constant(BigInt64Array.of(2n, 0n), [1, 2]),
        constant(Float32Array.of(1, 1, 0, 0, 0.6, 0.8), [3, 2]),
        constant(Float32Array.of(0, 0, 1, 1, 0.8, 0.6), [3, 2]),
      ),
    expected: [-1.8, -0.8, 2.6, 4.4, -2.6, 0, 8.2, 10, 1, -1, 2, -2, 3, -3, 4, -4],
  },
  // x² with its gradient given by hand.
  withGradient: {
    inputs: [inputOf([3], 1, -2, 3)],
    build: ([x]) => withGradient(mul(x, x), [x], (d) => [mul(d, mul(2, x))]),
    expected: [1, 4, 9],
  },
}
