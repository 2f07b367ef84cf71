import { adapterScale } from '#engine/formats/adapter.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { input, type Node, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'
import { joinedLoraPath, type NodeMap } from './linear.ts'
import type { LoraConfig } from './lora.ts'
import { PROJECTIONS, type ProjectionName, projectionPath, projectionShape } from './parameters.ts'

// Adapters of their own for the rows of a batch. A step of one token a row is mostly the handing out of small products,
// so they lie as a step wants them, once and for all: the As of maps that read the same input are one, and the Bs carry
// the adapter's scale, since a product without a factor of its own takes the runtime's quicker way.

const SAME_INPUT: readonly (readonly ProjectionName[])[] = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['o_proj'],
  ['gate_proj', 'up_proj'],
  ['down_proj'],
]

/** One input of the graph: what a row of it is made of. */
interface Layout {
  shape: readonly number[]
  /** Names of adapter weights, one after another. */
  parts: readonly string[]
  factor: number
}

function layoutOf(config: ModelConfig, lora: LoraConfig): Map<string, Layout> {
  const layouts = new Map<string, Layout>()
  const targeted = PROJECTIONS.filter((name) => lora.targetModules.includes(name))
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    for (const names of SAME_INPUT.map((group) => group.filter((name) => targeted.includes(name)))) {
      if (names.length === 0) continue
      const paths = names.map((name) => projectionPath(layer, name))
      const inward = projectionShape(config, names[0]!)[1]
      layouts.set(`${joinedLoraPath(paths)}.lora_A.weight`, {
        shape: [names.length * lora.rank, inward],
        parts: paths.map((path) => `${path}.lora_A.weight`),
        factor: 1,
      })
      for (const [index, path] of paths.entries()) {
        const name = `${path}.lora_B.weight`
        const shape = [projectionShape(config, names[index]!)[0], lora.rank]
        layouts.set(name, { shape, parts: [name], factor: adapterScale(lora) })
      }
    }
  return layouts
}

/** Inputs for an adapter of its own for each of `batch` rows, as `forward` takes it: (B,n·r,I) and (B,O,r). */
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

/** The values of those inputs: zeros, which add nothing, until a row is set. */
export class AdapterStack {
  readonly tensors: Readonly<Record<string, Tensor>>
  private readonly layouts: ReadonlyMap<string, Layout>

  constructor(
    config: ModelConfig,
    lora: LoraConfig,
    readonly batch: number,
  ) {
    this.layouts = layoutOf(config, lora)
    this.tensors = Object.fromEntries(
      Array.from(this.layouts, ([name, { shape }]) => {
        const extents = [batch, ...shape]
        return [name, new Tensor(extents, 'f32', new Float32Array(extents.reduce((a, b) => a * b, 1)))]
      }),
    )
  }

  /** Gives a row an adapter, or none. */
  set(row: number, adapter: Weights | undefined): void {
    for (const [name, { parts, factor }] of this.layouts) {
      const { floats } = this.tensors[name]!
      const size = floats.length / this.batch
      if (!adapter) {
        floats.fill(0, row * size, (row + 1) * size)
        continue
      }
      let at = row * size
      for (const part of parts) {
        const { data } = adapter.get(part)!
        if (factor === 1) floats.set(data, at)
        else for (let i = 0; i < data.length; i++) floats[at + i] = data[i]! * factor
        at += data.length
      }
    }
  }
}
