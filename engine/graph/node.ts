import { type Dtype, formatShape, GraphError, type Shape, sizeFromShape } from './shape.ts'

/** Every operation of the graph language. Tests have a table over this set, so that no operation is forgotten. */
export type OperationName =
  | 'input'
  | 'constant'
  | BinaryName
  | ComparisonName
  | UnaryName
  | 'where'
  | 'cast'
  | 'matmul'
  | 'reshape'
  | 'transpose'
  | 'expand'
  | 'slice'
  | 'pad'
  | 'concat'
  | 'sum'
  | 'mean'
  | 'max'
  | 'argmax'
  | 'cumsum'
  | 'softmax'
  | 'logSoftmax'
  | 'gather'
  | 'scatterAdd'
  | 'gatherElements'
  | 'addElements'
  | 'rotary'
  | 'withGradient'
  | 'custom'
  | 'loop'
  | 'item'

export type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'minimum' | 'maximum'
export type ComparisonName = 'equal' | 'less' | 'lessEqual' | 'and' | 'or'
export type UnaryName =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'sigmoid'
  | 'softplus'
  | 'tanh'
  | 'abs'
  | 'sign'
  | 'not'
  | 'stopGradient'

/** One value of a static graph: the operation that computes it, its inputs, its shape and its type. Immutable. */
export interface Node<A = unknown, I extends Inputs = Inputs> {
  readonly operation: Operation<A, I>
  readonly inputs: I
  readonly attributes: A
  readonly shape: Shape
  readonly dtype: Dtype
}

export interface Signature {
  shape: Shape
  dtype: Dtype
}

/** The inputs of an operation: a tuple where their number is fixed. */
export type Inputs = readonly Node[]
/** One node for each element of a list or tuple. */
export type NodesLike<T extends readonly unknown[]> = { -readonly [K in keyof T]: Node }
export type OneInput = readonly [Node]
export type TwoInputs = readonly [Node, Node]
export type ThreeInputs = readonly [Node, Node, Node]

/** An operation: the rule for the shape of its result, its gradient (as a graph) and its ONNX form. */
export interface Operation<A = unknown, I extends Inputs = Inputs> {
  readonly name: OperationName
  infer(inputs: I, attributes: A): Signature
  /** The gradient with respect to each input, given `d`, the gradient of the result; null for an input that has none. */
  gradient?(node: Node<A, I>, d: Node): { readonly [K in keyof I]: Node | null }
  /** Emits ONNX operators and returns the name of the result. */
  onnx(node: Node<A, I>, emitter: Emitter): string
}

/** The ONNX form of an operation that is a single operator with the same inputs. */
export const operator =
  (type: string) =>
  (node: Node, emitter: Emitter): string =>
    emitter.emit(type, node.inputs.map(emitter.nameOf))

export type OnnxAttribute = number | string | readonly number[] | { float: number } | { graph: Uint8Array }
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>

/** The ONNX graph under construction, for lowering rules. Names are ONNX value names. */
export interface Emitter {
  /** The provider that the graph is lowered for: some contributed operators exist only on the CPU. */
  readonly provider: Provider
  readonly nameOf: (node: Node) => string
  /** Names of all results of a node with several (custom, loop). */
  resultsOf(node: Node): readonly string[]
  emit(type: string, inputs: readonly string[], attributes?: OnnxAttributes, domain?: string): string
  emitMany(
    type: string,
    inputs: readonly string[],
    results: number,
    attributes?: OnnxAttributes,
    domain?: string,
  ): readonly string[]
  /** A constant int64 vector (or scalar), for operators whose parameters are tensors. */
  integers(values: readonly number[], scalar?: boolean): string
  /** A constant f32 vector. */
  floats(values: readonly number[]): string
  zeros(shape: Shape, dtype: Dtype): string
  /** A constant f32 scalar. */
  nameOfScalar(value: number): string
  onnxType(dtype: Dtype): number
  loop(node: Node<LoopAttributes>): readonly string[]
}

export type Provider = 'cpu' | 'webgpu' | 'cuda'

/** The body of a Loop, traced once with new inputs. */
export interface LoopAttributes {
  iteration: Node
  carriedIn: readonly Node[]
  carriedOut: readonly Node[]
  collected: readonly Node[]
  /** Boolean scalar: whether another iteration follows. */
  proceed: Node | null
}

/** Builds a node after checking its inputs. @throws GraphError when they do not fit the operation. */
export function apply<A, I extends Inputs>(operation: Operation<A, I>, inputs: I, attributes: A): Node<A, I> {
  return { operation, inputs, attributes, ...operation.infer(inputs, attributes) }
}

export interface InputAttributes {
  name: string
  /** For integer inputs: values must be at least 0 and below this bound; checked at every run. */
  below?: number
}

const checkShape = (operation: string, shape: Shape): void => {
  if (!shape.every((extent) => Number.isInteger(extent) && extent > 0))
    throw new GraphError(`${operation}: shape ${formatShape(shape)} must contain only positive whole numbers`)
}

const signatureOnly = <A>(name: OperationName): Operation<A & Signature> => ({
  name,
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  onnx: () => {
    throw new GraphError(`${name} was not declared as an input of the graph`)
  },
})

const inputOperation = signatureOnly<InputAttributes>('input')

/** A named input, fed at every run. `below` is the exclusive upper bound of ids: a larger or negative id is an error. */
export function input(
  name: string,
  shape: Shape,
  dtype: Dtype = 'f32',
  { below }: { below?: number } = {},
): Node<InputAttributes & Signature> {
  checkShape(`input ${name}`, shape)
  return apply(inputOperation, [], { name, below, shape, dtype })
}

export type TypedData = Float32Array | Int32Array | BigInt64Array | Uint8Array

const constantOperation = signatureOnly<{ data: TypedData }>('constant')

/** A constant, stored in the ONNX file. */
export function constant(data: TypedData, shape: Shape, dtype: Dtype = dtypeOf(data)): Node {
  checkShape('constant', shape)
  if (data.length !== sizeFromShape(shape))
    throw new GraphError(`constant: ${data.length} values do not fill shape ${formatShape(shape)}`)
  if (dtypeOf(data) !== dtype) throw new GraphError(`constant: ${data.constructor.name} cannot hold ${dtype}`)
  return apply(constantOperation, [], { data, shape, dtype })
}

export const dtypeOf = (data: TypedData): Dtype =>
  data instanceof Float32Array
    ? 'f32'
    : data instanceof Int32Array
      ? 'i32'
      : data instanceof BigInt64Array
        ? 'i64'
        : 'bool'

/** Values of a type in a typed array; booleans are bytes 0 and 1. */
export function typedData(dtype: Dtype, values: number | Iterable<number>): TypedData {
  const source = typeof values === 'number' ? new Array<number>(values).fill(0) : values
  if (dtype === 'f32') return Float32Array.from(source)
  if (dtype === 'i32') return Int32Array.from(source)
  if (dtype === 'i64') return BigInt64Array.from(Array.from(source, BigInt))
  return Uint8Array.from(source)
}

/** A node, or a number, which becomes a scalar of the other operand's type. */
export type Operand = Node | number

export const scalar = (value: number, dtype: Dtype = 'f32'): Node => constant(typedData(dtype, [value]), [])

export const toNode = (operand: Operand, dtype: Dtype = 'f32'): Node =>
  typeof operand === 'number' ? scalar(operand, dtype) : operand

export const isInput = (node: Node): node is Node<InputAttributes & Signature> => node.operation === inputOperation
export const isConstant = (node: Node): node is Node<{ data: TypedData } & Signature> =>
  node.operation === constantOperation

/** All nodes that `roots` depend on, each after its inputs. Iterative, so that a deep graph does not overflow the stack. */
export function topologicalOrder(roots: readonly Node[]): Node[] {
  const done = new Set<Node>()
  const order: Node[] = []
  const stack = roots.map((node) => ({ node, next: 0 })).reverse()
  for (;;) {
    const frame = stack.at(-1)
    if (!frame) return order
    const { node } = frame
    const child = done.has(node) ? undefined : node.inputs[frame.next++]
    if (child) {
      if (!done.has(child)) stack.push({ node: child, next: 0 })
      continue
    }
    stack.pop()
    if (!done.has(node)) {
      done.add(node)
      order.push(node)
    }
  }
}
