import {
  apply,
  type BinaryName,
  type ComparisonName,
  type Node,
  type OneInput,
  type Operand,
  type Operation,
  operator,
  type ThreeInputs,
  type TwoInputs,
  toNode,
  type UnaryName,
} from './node.ts'
import { broadcastShapes, type Dtype, GraphError } from './shape.ts'

// A broadcasting operation returns its gradients in the shape of the result; `grad` sums them to the shape of each input.

type BinaryGradient = (a: Node, b: Node, result: Node, d: Node) => TwoInputs

const binary =
  (name: BinaryName, onnx: string, gradient: BinaryGradient) =>
  (a: Operand, b: Operand): Node =>
    applyPair(
      {
        name,
        infer: ([x, y]) => ({ shape: broadcastShapes(name, x.shape, y.shape), dtype: numeric(name, x, y) }),
        gradient: (node, d) => gradient(node.inputs[0], node.inputs[1], node, d),
        onnx: operator(onnx),
      },
      a,
      b,
    )

const comparison =
  (name: ComparisonName, onnx: string) =>
  (a: Operand, b: Operand): Node =>
    applyPair(
      {
        name,
        infer: ([x, y]) => {
          const dtype = sameDtype(name, x, y)
          if ((name === 'and' || name === 'or') !== (dtype === 'bool'))
            throw new GraphError(`${name}: cannot take ${dtype}`)
          return { shape: broadcastShapes(name, x.shape, y.shape), dtype: 'bool' }
        },
        onnx: operator(onnx),
      },
      a,
      b,
    )

const unary = (
  name: UnaryName,
  onnx: string | Operation<null, OneInput>['onnx'],
  gradient?: (x: Node, result: Node, d: Node) => Node | null,
): ((a: Operand) => Node) => {
  const operation: Operation<null, OneInput> = {
    name,
    infer: ([x]) => {
      const wanted: readonly Dtype[] = name === 'not' ? ['bool'] : ACCEPTS_INTEGERS.has(name) ? ['f32', 'i32'] : ['f32']
      if (name !== 'stopGradient' && !wanted.includes(x.dtype))
        throw new GraphError(`${name}: takes ${wanted.join(' or ')}, not ${x.dtype}`)
      return { shape: x.shape, dtype: x.dtype }
    },
    gradient: gradient && ((node, d) => [gradient(node.inputs[0], node, d)]),
    onnx: typeof onnx === 'string' ? operator(onnx) : onnx,
  }
  return (a) => apply(operation, [toNode(a)], null)
}

const ACCEPTS_INTEGERS: ReadonlySet<UnaryName> = new Set<UnaryName>(['neg', 'abs', 'sign'])

function applyPair(operation: Operation<null, TwoInputs>, a: Operand, b: Operand): Node {
  const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'f32'
  return apply(operation, [toNode(a, dtype), toNode(b, dtype)], null)
}

function sameDtype(name: string, a: Node, b: Node): Dtype {
  if (a.dtype !== b.dtype) throw new GraphError(`${name}: types ${a.dtype} and ${b.dtype} differ; cast one of them`)
  return a.dtype
}

function numeric(name: string, a: Node, b: Node): Dtype {
  const dtype = sameDtype(name, a, b)
  if (dtype === 'bool') throw new GraphError(`${name}: cannot take bool; cast it to f32 or i32`)
  return dtype
}

export const add = binary('add', 'Add', (_a, _b, _r, d) => [d, d])
export const sub = binary('sub', 'Sub', (_a, _b, _r, d) => [d, neg(d)])
export const mul = binary('mul', 'Mul', (a, b, _r, d) => [mul(d, b), mul(d, a)])
export const div = binary('div', 'Div', (_a, b, quotient, d) => {
  const e = div(d, b)
  return [e, neg(mul(e, quotient))]
})
/** a ** b; a must be positive if the gradient with respect to b is needed. */
export const pow = binary('pow', 'Pow', (a, b, power, d) => [
  mul(d, mul(b, pow(a, sub(b, 1)))),
  mul(d, mul(power, log(a))),
])
/** The smaller value; where both are equal, `a` gets the whole gradient. */
export const minimum = binary('minimum', 'Min', (a, b, _r, d) => [
  where(lessEqual(a, b), d, 0),
  where(lessEqual(a, b), 0, d),
])
/** The larger value; where both are equal, `a` gets the whole gradient. */
export const maximum = binary('maximum', 'Max', (a, b, _r, d) => [
  where(lessEqual(b, a), d, 0),
  where(lessEqual(b, a), 0, d),
])

export const equal = comparison('equal', 'Equal')
export const less = comparison('less', 'Less')
export const lessEqual = comparison('lessEqual', 'LessOrEqual')
export const and = comparison('and', 'And')
export const or = comparison('or', 'Or')

export const neg = unary('neg', 'Neg', (_x, _r, d) => neg(d))
export const exp = unary('exp', 'Exp', (_x, e, d) => mul(d, e))
export const log = unary('log', 'Log', (x, _r, d) => div(d, x))
export const sqrt = unary('sqrt', 'Sqrt', (_x, root, d) => div(mul(d, 0.5), root))
/** 1 / sqrt(x). */
export const rsqrt = unary(
  'rsqrt',
  (node, emitter) => emitter.emit('Reciprocal', [emitter.emit('Sqrt', [emitter.nameOf(node.inputs[0])])]),
  (_x, r, d) => mul(d, mul(-0.5, mul(r, mul(r, r)))),
)
export const sigmoid = unary('sigmoid', 'Sigmoid', (_x, s, d) => mul(d, mul(s, sub(1, s))))
/** log(1 + e^x), accurate for large |x|: ONNX Runtime's Softplus computes max(x, 0) + log1p(e^-|x|). */
export const softplus = unary('softplus', 'Softplus', (x, _r, d) => mul(d, sigmoid(x)))
export const tanh = unary('tanh', 'Tanh', (_x, t, d) => mul(d, sub(1, mul(t, t))))
export const abs = unary('abs', 'Abs', (x, _r, d) => mul(d, sign(x)))
export const sign = unary('sign', 'Sign', () => null)
export const not = unary('not', 'Not')
/** The value itself; the gradient treats it as a constant. */
export const stopGradient = unary('stopGradient', 'Identity', () => null)

const whereOperation: Operation<null, ThreeInputs> = {
  name: 'where',
  infer: ([condition, a, b]) => {
    if (condition.dtype !== 'bool') throw new GraphError(`where: the condition must be bool, not ${condition.dtype}`)
    const dtype = sameDtype('where', a, b)
    return { shape: broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape)), dtype }
  },
  gradient: ({ inputs: [condition] }, d) => [null, where(condition, d, 0), where(condition, 0, d)],
  onnx: operator('Where'),
}

/** Elements of `a` where `condition` is true, of `b` elsewhere. A NaN in the other branch has no effect. */
export function where(condition: Node, a: Operand, b: Operand): Node {
  const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'f32'
  return apply(whereOperation, [condition, toNode(a, dtype), toNode(b, dtype)], null)
}

const castOperation: Operation<{ to: Dtype }, OneInput> = {
  name: 'cast',
  infer: ([x], { to }) => ({ shape: x.shape, dtype: to }),
  gradient: ({ inputs: [x] }, d) => [x.dtype === 'f32' ? d : null],
  onnx: ({ inputs: [x], attributes: { to } }, emitter) =>
    emitter.emit('Cast', [emitter.nameOf(x)], { to: emitter.onnxType(to) }),
}

/** The same values in another type; f32 is truncated towards zero to an integer. */
export const cast = (x: Node, to: Dtype): Node => (x.dtype === to ? x : apply(castOperation, [x], { to }))
