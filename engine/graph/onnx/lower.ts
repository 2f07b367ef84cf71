import type { CustomAttributes } from '../control.ts'
import { emitGemm } from '../matmul.ts'
import {
  type Emitter,
  isConstant,
  isInput,
  type LoopAttributes,
  type Node,
  type OnnxAttributes,
  type Provider,
  topologicalOrder,
  typedData,
} from '../node.ts'
import { type Dtype, GraphError, type Shape } from '../shape.ts'
import { DATA_TYPE, graphMessage, modelMessage, nodeMessage, tensorMessage, valueMessage } from './messages.ts'
import { type ProductSum, productSums } from './productSums.ts'
import { type Bytes, concatBytes } from './protobuf.ts'

/** A computation with named inputs and outputs; `O` is the union of the outputs' names where they are known. */
export interface Graph<O extends string = string> {
  readonly inputs: readonly Node[]
  readonly outputs: { readonly [K in O]: Node }
}

/** Prefix of output names in the ONNX model, so that an input and an output can have the same name in a graph. */
export const RESULT_PREFIX = 'result.'

/**
 * Lowers a graph to the bytes of an ONNX model. The same graph gives the same bytes. Nodes that no output depends on are
 * omitted.
 */
export function toOnnx(graph: Graph, provider: Provider = 'cpu'): Bytes {
  const model = new Model(provider)
  const names = new Map<Node, string>()
  const inputs = graph.inputs.map((node) => {
    if (!isInput(node)) throw new GraphError(`a graph's inputs must be made by input(), not ${node.operation.name}`)
    if ([...names.values()].includes(node.attributes.name))
      throw new GraphError(`two inputs are named ${node.attributes.name}`)
    names.set(node, node.attributes.name)
    return concatBytes(valueMessage(node.attributes.name, node.shape, node.dtype))
  })
  const scope = new Scope(model, names)
  scope.writeAll(Object.values(graph.outputs))
  const outputs = Object.entries(graph.outputs).map(([name, node]) => scope.output(RESULT_PREFIX + name, node))
  const { nodes } = scope
  const constants = [...model.constants.values()]
  return concatBytes(modelMessage(graphMessage({ name: 'graph', nodes, constants, inputs, outputs })))
}

/** State shared by all scopes of a model: constants and the counter for names. */
class Model {
  readonly constants = new Map<string, Bytes>()
  private counter = 0
  constructor(readonly provider: Provider) {}

  fresh(): string {
    return `t${this.counter++}`
  }

  constant(name: string, shape: Shape, dtype: Dtype, values: () => ReturnType<typeof typedData>): string {
    if (!this.constants.has(name)) this.constants.set(name, concatBytes(tensorMessage(name, shape, dtype, values())))
    return name
  }
}

/** A graph or the body of a loop: nodes in order, and the ONNX name of every visible value. */
class Scope implements Emitter {
  readonly nodes: Bytes[] = []
  readonly provider: Provider
  private readonly results = new Map<Node, readonly string[]>()
  private sums = new Map<Node, ProductSum>()
  private absorbed = new Set<Node>()

  constructor(
    private readonly model: Model,
    private readonly names: Map<Node, string>,
  ) {
    this.provider = model.provider
  }

  /** Writes all nodes that `roots` depend on. */
  writeAll(roots: readonly Node[]): void {
    const order = topologicalOrder(roots)
    this.sums = productSums(order, roots)
    this.absorbed = new Set(Array.from(this.sums.values(), ({ product }) => product))
    for (const node of order) this.write(node)
  }

  private write(node: Node): void {
    if (this.names.has(node) || this.absorbed.has(node)) return
    const sum = this.sums.get(node)
    if (sum && !this.names.has(sum.product)) {
      this.names.set(node, emitGemm(sum.product, sum.addend, this))
      return
    }
    if (isInput(node)) throw new GraphError(`input ${node.attributes.name} is used but not listed among the inputs`)
    if (isConstant(node)) this.names.set(node, this.constantOf(node))
    else this.names.set(node, node.operation.onnx(node, this))
  }

  private constantOf({ attributes: { data }, shape, dtype }: Node<{ data: ReturnType<typeof typedData> }>): string {
    const name = data.length === 1 ? `${dtype}_${shape.length}_${data[0]}` : `c_${this.model.fresh()}`
    return this.model.constant(Object.is(data[0], -0) ? `${name}_negative` : name, shape, dtype, () => data)
  }

  nameOf = (node: Node): string => {
    const name = this.names.get(node)
    if (name === undefined) throw new GraphError(`${node.operation.name} is used before it is computed`)
    return name
  }

  resultsOf(node: Node): readonly string[] {
    let results = this.results.get(node)
    if (!results) {
      results = node.operation.name === 'loop' ? this.loop(node as Node<LoopAttributes>) : this.customOf(node)
      this.results.set(node, results)
    }
    return results
  }

  private customOf(node: Node): readonly string[] {
    const { type, results, attributes, domain, given } = node.attributes as CustomAttributes
    const present = node.inputs.map(this.nameOf)
    const inputs = given.map((is) => (is && present.shift()) || '')
    return this.emitMany(type, inputs, results.length, attributes, domain)
  }

  emit(type: string, inputs: readonly string[], attributes = {}, domain = ''): string {
    const output = this.model.fresh()
    this.append(type, inputs, [output], attributes, domain)
    return output
  }

  emitMany(type: string, inputs: readonly string[], results: number, attributes = {}, domain = ''): readonly string[] {
    const outputs = Array.from({ length: results }, () => this.model.fresh())
    this.append(type, inputs, outputs, attributes, domain)
    return outputs
  }

  private append(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: OnnxAttributes,
    domain: string,
  ): void {
    this.nodes.push(concatBytes(nodeMessage(`${outputs[0]}_${type}`, type, inputs, outputs, attributes, domain)))
  }

  integers(values: readonly number[], scalar = false): string {
    const name = `i64_${scalar ? 'scalar' : 'vector'}_${values.join('_')}`
    return this.model.constant(name, scalar ? [] : [values.length], 'i64', () => typedData('i64', values))
  }

  floats(values: readonly number[]): string {
    return this.model.constant(`c_${this.model.fresh()}`, [values.length], 'f32', () => Float32Array.from(values))
  }

  zeros(shape: Shape, dtype: Dtype): string {
    const zero = this.model.constant(`zero_${dtype}`, [], dtype, () => typedData(dtype, [0]))
    return this.emit('Expand', [zero, this.integers(shape)])
  }

  nameOfScalar(value: number): string {
    return this.model.constant(`f32_0_${value}`, [], 'f32', () => Float32Array.of(value))
  }

  onnxType(dtype: Dtype): number {
    return DATA_TYPE[dtype]
  }

  output(name: string, node: Node): Bytes {
    this.copy(this.nameOf(node), name)
    return concatBytes(valueMessage(name, node.shape, node.dtype))
  }

  private copy(from: string, to: string): void {
    this.nodes.push(concatBytes(nodeMessage(`copy_${to}`, 'Identity', [from], [to], {}, '')))
  }

  loop(node: Node<LoopAttributes>): readonly string[] {
    const { iteration, carriedIn, carriedOut, collected, proceed } = node.attributes
    const roots = [...carriedOut, ...collected, ...(proceed ? [proceed] : [])]
    const inner = new Set<Node>([iteration, ...carriedIn])
    for (const each of topologicalOrder(roots))
      if (each.inputs.some((input) => inner.has(input))) inner.add(each)
      else if (!inner.has(each)) this.write(each) // loop-invariant: computed once, outside

    const tag = this.model.fresh()
    const names = new Map(this.names)
    const body = new Scope(this.model, names)
    const declare = (each: Node, name: string): Bytes => {
      names.set(each, name)
      return concatBytes(valueMessage(name, each.shape, each.dtype))
    }
    const conditionIn = `${tag}_condition`
    const inputs = [
      declare(iteration, `${tag}_iteration`),
      concatBytes(valueMessage(conditionIn, [], 'bool')),
      ...carriedIn.map((each, index) => declare(each, `${tag}_carried${index}`)),
    ]
    body.writeAll(roots)
    const conditionOut = `${tag}_proceed`
    body.copy(proceed ? body.nameOf(proceed) : conditionIn, conditionOut)
    const outputs = [
      concatBytes(valueMessage(conditionOut, [], 'bool')),
      ...[...carriedOut, ...collected].map((each, index) => body.output(`${tag}_result${index}`, each)),
    ]
    const graph = concatBytes(graphMessage({ name: 'body', nodes: body.nodes, constants: [], inputs, outputs }))
    const always = this.model.constant('always', [], 'bool', () => Uint8Array.of(1))
    const inputNames = node.inputs.map(this.nameOf)
    const [trips = '', ...carried] = inputNames
    return this.emitMany('Loop', [trips, always, ...carried], carriedOut.length + collected.length, {
      body: { graph },
    })
  }
}
