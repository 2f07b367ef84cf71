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
import { kernels, TF_TYPE, type Tf, type TfTensor } from './tfjsKernels.ts'

export type TfjsBackend = 'cpu' | 'wasm' | 'gpu'

/**
 * Runs graphs operation by operation on TensorFlow.js: an independent oracle on `cpu` and `wasm`, and on `gpu` through
 * `@tensorflow/tfjs-node-gpu`, which users install themselves. Custom operators do not run here.
 */
export async function tfjsRunner(backend: TfjsBackend): Promise<GraphRunner> {
  return new TfjsRunner(await load(backend), backend)
}

async function load(backend: TfjsBackend): Promise<Tf> {
  // The names stand apart from import() because neither package need be installed.
  const name: string = backend === 'gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs'
  try {
    const tf = (await import(name)) as Tf
    if (backend === 'wasm') await loadWasm()
    return 'default' in tf && backend === 'gpu' ? (tf.default as Tf) : tf
  } catch (cause) {
    throw new DeviceError(
      `TensorFlow.js could not be loaded for ${backend}: run "npm install ${name}"` +
        `${backend === 'wasm' ? ' @tensorflow/tfjs-backend-wasm' : ''}${backend === 'gpu' ? ' (it needs CUDA 11)' : ''}. ` +
        `It said: ${cause instanceof Error ? cause.message : String(cause)}`,
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

  async compile(graph: Graph): Promise<Program> {
    return new TfjsProgram(this.tf, this.backend === 'gpu' ? 'tensorflow' : this.backend, graph)
  }

  async upload(tensors: Readonly<Record<string, Tensor>>): Promise<Results> {
    return { ...tensors }
  }

  async read(tensors: Readonly<Record<string, Tensor>>): Promise<Results> {
    return { ...tensors }
  }

  dispose(): void {}
}

type Values = Map<Node, TfTensor[]>

class TfjsProgram implements Program {
  private readonly inputs: Node<InputAttributes & Signature>[]

  constructor(
    private readonly tf: Tf,
    private readonly backend: string,
    private readonly graph: Graph,
  ) {
    this.inputs = graph.inputs.map((node) => {
      if (!isInput(node)) throw new GraphError(`a graph's inputs must be made by input(), not ${node.operation.name}`)
      return node
    })
  }

  async run(feeds: Feeds): Promise<Results> {
    const { tf } = this
    // A backend that cannot start leaves the one before it in place without a word.
    if (!(await tf.setBackend(this.backend)) || tf.getBackend() !== this.backend)
      throw new DeviceError(`TensorFlow.js could not start its ${this.backend} backend; ${tf.getBackend()} is running.`)
    const checked = checkFeeds(this.inputs, feeds)
    const outputs = Object.entries(this.graph.outputs)
    const found = tf.tidy(() => {
      const values: Values = new Map()
      for (const node of this.inputs) values.set(node, [this.upload(checked[node.attributes.name]!, node.shape)])
      for (const node of topologicalOrder(outputs.map(([, node]) => node))) this.evaluate(node, values)
      return outputs.map(([, node]) => tf.clone(values.get(node)![0]!))
    })
    const results = outputs.map(([name, node], index): [string, Tensor] => {
      const data = typedData(node.dtype, found[index]!.dataSync())
      return [name, new Tensor(found[index]!.shape, node.dtype, data)]
    })
    tf.dispose(found)
    return Object.fromEntries(results)
  }

  private upload({ data, dtype }: Pick<Tensor, 'data' | 'dtype'>, shape: Shape): TfTensor {
    const values = data instanceof BigInt64Array ? Int32Array.from(data, Number) : data
    return this.tf.tensor(values, [...shape], TF_TYPE[dtype])
  }

  private evaluate(node: Node, values: Values): void {
    if (values.has(node)) return
    if (isInput(node)) throw new GraphError(`input ${node.attributes.name} is used but not listed among the inputs`)
    const { name } = node.operation
    if (isConstant(node)) values.set(node, [this.upload({ data: node.attributes.data, dtype: node.dtype }, node.shape)])
    else if (name === 'loop') values.set(node, this.loop(node as Node<LoopAttributes>, values))
    else if (name === 'item') {
      const source = values.get(node.inputs[0]!)!
      values.set(node, [source[(node.attributes as { index: number }).index]!])
    } else {
      const inputs = node.inputs.map((input) => values.get(input)![0]!)
      values.set(node, [kernels[name as keyof typeof kernels](this.tf, inputs, node)])
    }
  }

  private loop({ inputs, attributes }: Node<LoopAttributes>, outer: Values): TfTensor[] {
    const { iteration, carriedIn, carriedOut, collected, proceed } = attributes
    const [trips, ...initial] = inputs.map((input) => outer.get(input)![0]!)
    const order = topologicalOrder([...carriedOut, ...collected, ...(proceed ? [proceed] : [])])
    let carried = initial
    const rows: TfTensor[][] = collected.map(() => [])
    for (let index = 0, going = true; going && index < trips!.dataSync()[0]!; index++) {
      const values: Values = new Map(outer)
      values.set(iteration, [this.tf.scalar(index, 'int32')])
      carriedIn.forEach((node, at) => {
        values.set(node, [carried[at]!])
      })
      for (const node of order) this.evaluate(node, values)
      carried = carriedOut.map((node) => values.get(node)![0]!)
      collected.forEach((node, at) => {
        rows[at]!.push(values.get(node)![0]!)
      })
      going = proceed ? Boolean(values.get(proceed)![0]!.dataSync()[0]) : true
    }
    return [...carried, ...rows.map((each) => this.tf.stack(each))]
  }

  async release(): Promise<void> {}
}
