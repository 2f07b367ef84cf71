import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { DeviceError } from '../device.ts'
import {
  type InputAttributes,
  isConstant,
  isInput,
  type LoopAttributes,
  type Node,
  type Signature,
  topologicalOrder,
  typedData,
} from '../node.ts'
import type { Graph } from '../onnx/lower.ts'
import type { GraphRunner, Program, Results } from '../runner.ts'
import { GraphError, type Shape } from '../shape.ts'
import { checkFeeds, type Feeds, Tensor } from '../tensor.ts'
import { type KernelInputs, kernels, TF_TYPE, type Tf, type TfTensor } from './tfjsKernels.ts'

export type TfjsBackend = 'cpu' | 'wasm' | 'gpu'

/**
 * Runs graphs operation by operation on TensorFlow.js: an independent oracle for ONNX Runtime on `cpu` and `wasm`, and on
 * `gpu` where `@tensorflow/tfjs-node-gpu` is installed. Custom operators are not supported.
 */
export async function tfjsRunner(backend: TfjsBackend, importPackage: ImportPackage = byName): Promise<GraphRunner> {
  return new TfjsRunner(await load(backend, importPackage), backend)
}

type ImportPackage = (name: string) => Promise<unknown>

/** A variable, not a literal, in import(): the types of the package need not be installed. */
const byName: ImportPackage = (name) => import(name)

async function load(backend: TfjsBackend, importPackage: ImportPackage): Promise<Tf> {
  const name = backend === 'gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs'
  try {
    const tf = (await importPackage(name)) as Tf
    if (backend === 'wasm') await loadWasm()
    return 'default' in tf && backend === 'gpu' ? (tf.default as Tf) : tf
  } catch (cause) {
    throw new DeviceError(
      `TensorFlow.js could not be loaded for ${backend}: run "npm install ${name}"` +
        `${backend === 'wasm' ? ' @tensorflow/tfjs-backend-wasm' : ''}${backend === 'gpu' ? ' (it needs CUDA 11)' : ''}. ` +
        `TensorFlow.js said: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

async function loadWasm(): Promise<void> {
  const name: string = '@tensorflow/tfjs-backend-wasm'
  const wasm = (await import(name)) as { setWasmPaths(folder: string): void }
  wasm.setWasmPaths(dirname(createRequire(import.meta.url).resolve(name)) + sep)
}

class TfjsRunner implements GraphRunner {
  readonly name: string
  readonly fused = false

  constructor(
    private readonly tf: Tf,
    private readonly backend: TfjsBackend,
  ) {
    this.name = `tfjs ${backend}`
  }

  async compile<O extends string>(graph: Graph<O>): Promise<Program<O>> {
    return new TfjsProgram(this.tf, this.backend === 'gpu' ? 'tensorflow' : this.backend, graph)
  }

  async upload<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>> {
    return { ...tensors }
  }

  async read<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>> {
    return { ...tensors }
  }

  dispose(): void {}
}

type Values = Map<Node, TfTensor[]>

function computed(node: Node, values: Values, index = 0): TfTensor {
  const value = values.get(node)?.[index]
  if (!value) throw new GraphError(`${node.operation.name} is used before it is computed`)
  return value
}

class TfjsProgram<O extends string> implements Program<O> {
  private readonly inputs: Node<InputAttributes & Signature>[]

  constructor(
    private readonly tf: Tf,
    private readonly backend: string,
    private readonly graph: Graph<O>,
  ) {
    this.inputs = graph.inputs.map((node) => {
      if (!isInput(node)) throw new GraphError(`a graph's inputs must be made by input(), not ${node.operation.name}`)
      return node
    })
  }

  async run(feeds: Feeds): Promise<Results<O>> {
    const { tf } = this
    // When a backend cannot start, TensorFlow.js silently keeps the one before.
    if (!(await tf.setBackend(this.backend)) || tf.getBackend() !== this.backend)
      throw new DeviceError(`TensorFlow.js could not start its ${this.backend} backend; ${tf.getBackend()} is running.`)
    const checked = checkFeeds(this.inputs, feeds)
    const outputs = Object.entries<Node>(this.graph.outputs)
    const found = tf.tidy(() => {
      const values: Values = new Map()
      for (const node of this.inputs) {
        const fed = checked[node.attributes.name]
        if (fed) values.set(node, [this.toDevice(fed, node.shape)])
      }
      for (const node of topologicalOrder(outputs.map(([, node]) => node))) this.evaluate(node, values)
      return outputs.map(([name, node]) => [name, node.dtype, tf.clone(computed(node, values))] as const)
    })
    const results = found.map(([name, dtype, value]): [string, Tensor] => {
      const data = typedData(dtype, value.dataSync())
      return [name, new Tensor(value.shape, dtype, data)]
    })
    tf.dispose(found.map(([, , value]) => value))
    return Object.fromEntries(results) as Results<O>
  }

  private toDevice({ data, dtype }: Pick<Tensor, 'data' | 'dtype'>, shape: Shape): TfTensor {
    const values = data instanceof BigInt64Array ? Int32Array.from(data, Number) : data
    return this.tf.tensor(values, [...shape], TF_TYPE[dtype])
  }

  private evaluate(node: Node, values: Values): void {
    if (values.has(node)) return
    if (isInput(node)) throw new GraphError(`input ${node.attributes.name} is used but not listed among the inputs`)
    const { name } = node.operation
    if (isConstant(node))
      values.set(node, [this.toDevice({ data: node.attributes.data, dtype: node.dtype }, node.shape)])
    else if (name === 'loop') values.set(node, this.loop(node as Node<LoopAttributes>, values))
    else if (name === 'item') {
      const { index } = node.attributes as { index: number }
      for (const source of node.inputs) values.set(node, [computed(source, values, index)])
    } else {
      const inputs = node.inputs.map((input) => computed(input, values))
      values.set(node, [kernels[name as keyof typeof kernels](this.tf, inputs as KernelInputs, node)])
    }
  }

  private loop({ inputs, attributes }: Node<LoopAttributes>, outer: Values): TfTensor[] {
    const { iteration, carriedIn, carriedOut, collected, proceed } = attributes
    const [trips, ...initial] = inputs.map((input) => computed(input, outer))
    const limit = trips?.dataSync()[0] ?? 0
    const order = topologicalOrder([...carriedOut, ...collected, ...(proceed ? [proceed] : [])])
    let carried = initial
    const rows: TfTensor[][] = collected.map(() => [])
    for (let index = 0, going = true; going && index < limit; index++) {
      const values: Values = new Map(outer)
      values.set(iteration, [this.tf.scalar(index, 'int32')])
      for (const [at, value] of carried.entries()) {
        const node = carriedIn[at]
        if (node) values.set(node, [value])
      }
      for (const node of order) this.evaluate(node, values)
      carried = carriedOut.map((node) => computed(node, values))
      for (const [at, row] of rows.entries()) {
        const node = collected[at]
        if (node) row.push(computed(node, values))
      }
      going = proceed ? Boolean(computed(proceed, values).dataSync()[0]) : true
    }
    return [...carried, ...rows.map((each) => this.tf.stack(each))]
  }

  async release(): Promise<void> {}
}
