import { adapterScale } from '#engine/formats/adapter.ts'
import { type Weights, weightNamed } from '#engine/formats/weights.ts'
import { input, type Node, sizeFromShape, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'
import { joinedLoraPath, type NodeMap } from './linear.ts'
import type { LoraConfig } from './lora.ts'
import { PROJECTIONS, type ProjectionName, projectionPath, projectionShape } from './parameters.ts'

// A separate adapter for each row of a batch. A step with one token per row spends most of its time on launching small
// products, so the weights are stored in the form that a step reads: the A matrices of projections with the same input
// are joined, and the B matrices include the adapter's scale, because the runtime computes a product without a factor
// faster.

const SAME_INPUT: readonly (readonly ProjectionName[])[] = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['o_proj'],
  ['gate_proj', 'up_proj'],
  ['down_proj'],
]

/** One input of the graph: the content of each of its rows. */
interface Layout {
  shape: readonly number[]
  /** Names of the adapter weights, concatenated in this order. */
  parts: readonly string[]
  factor: number
}

function layoutOf(config: ModelConfig, lora: LoraConfig): Map<string, Layout> {
  const layouts = new Map<string, Layout>()
  const targeted = PROJECTIONS.filter((name) => lora.targetModules.includes(name))
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    for (const group of SAME_INPUT) {
      const projections = group
        .filter((name) => targeted.includes(name))
        .map((name) => ({ path: projectionPath(layer, name), shape: projectionShape(config, name) }))
      const [first] = projections
      if (!first) continue
      const [, inputSize] = first.shape
      const paths = projections.map(({ path }) => path)
      layouts.set(`${joinedLoraPath(paths)}.lora_A.weight`, {
        shape: [paths.length * lora.rank, inputSize],
        parts: paths.map((path) => `${path}.lora_A.weight`),
        factor: 1,
      })
      for (const { path, shape } of projections) {
        const name = `${path}.lora_B.weight`
        layouts.set(name, { shape: [shape[0], lora.rank], parts: [name], factor: adapterScale(lora) })
      }
    }
  return layouts
}

/** Graph inputs for a separate adapter in each of `batch` rows, in the form that `forward` takes: (B,n·r,I) and (B,O,r). */
export function adapterRowInputs(
  config: ModelConfig,
  lora: LoraConfig,
  batch: number,
): { lora: LoraConfig; weights: NodeMap } {
  const inputs = Array.from(layoutOf(config, lora), ([name, { shape }]): [string, Node] => [
    name,
    input(name, [batch, ...shape]),
  ])
  return { lora: { ...lora, alpha: lora.rank, rankStabilised: false }, weights: new Map(inputs) }
}

/** The values of these inputs. A row holds zeros, which add nothing, until `set` is called for it. */
export class AdapterStack {
  readonly tensors: Readonly<Record<string, Tensor>>
  private readonly inputs: readonly (Layout & { name: string; tensor: Tensor })[]

  constructor(
    config: ModelConfig,
    lora: LoraConfig,
    readonly batch: number,
  ) {
    this.inputs = Array.from(layoutOf(config, lora), ([name, layout]) => {
      const shape = [batch, ...layout.shape]
      return { ...layout, name, tensor: new Tensor(shape, 'f32', new Float32Array(sizeFromShape(shape))) }
    })
    this.tensors = Object.fromEntries(this.inputs.map(({ name, tensor }) => [name, tensor]))
  }

  /** Sets the adapter of a row; undefined removes it. */
  set(row: number, adapter: Weights | undefined): void {
    for (const { parts, factor, tensor } of this.inputs) {
      const { floats } = tensor
      const size = floats.length / this.batch
      if (!adapter) {
        floats.fill(0, row * size, (row + 1) * size)
        continue
      }
      let offset = row * size
      for (const part of parts) {
        const { data } = weightNamed(adapter, part)
        floats.set(factor === 1 ? data : data.map((value) => value * factor), offset)
        offset += data.length
      }
    }
  }
}
