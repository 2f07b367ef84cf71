import type { Weights } from '#engine/formats/weights.ts'
import { type Feeds, Tensor } from '#engine/graph/index.ts'
import { AdapterStack } from '#engine/model/adapterStack.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { feedsOf } from '#engine/model/inputs.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import type { Sequence } from './sequence.ts'
import type { AdapterMode } from './step.ts'

/** The adapters of a batch's rows as feeds. An adapter is checked once, and copied to a row only when it is new there. */
export class AdapterFeeds {
  private readonly shapes: ReadonlyMap<string, readonly number[]>
  private readonly checked = new WeakMap<Weights, Feeds>()
  private stack: AdapterStack | undefined
  private placed: (Weights | undefined)[] = []

  constructor(
    private readonly config: ModelConfig,
    private readonly lora: LoraConfig | undefined,
  ) {
    this.shapes = lora ? adapterShapes(config, lora) : new Map()
  }

  /** @throws Error when the adapter is none of this configuration. */
  check(adapter: Weights): Feeds {
    let feeds = this.checked.get(adapter)
    if (feeds) return feeds
    if (this.shapes.size === 0)
      throw new Error('The generator was made without lora; give it the adapters’ configuration.')
    for (const [name, shape] of this.shapes)
      if (`${adapter.get(name)?.shape}` !== `${shape}`)
        throw new Error(
          `The adapter has ${name} [${adapter.get(name)?.shape ?? 'none'}]; its configuration says [${shape}].`,
        )
    const spare = [...adapter.keys()].find((name) => !this.shapes.has(name))
    if (spare !== undefined) throw new Error(`The adapter has ${spare}, which its configuration does not name.`)
    feeds = feedsOf(adapter)
    this.checked.set(adapter, feeds)
    return feeds
  }

  /** What a batch with these rows (of which some are free) is fed: nothing, the adapter all share, or a stack of each one's. */
  feeds(rows: readonly (Sequence | undefined)[], active: readonly Sequence[]): { mode: AdapterMode; feeds: Feeds } {
    const first = active[0]?.request.adapter
    if (active.every(({ request }) => request.adapter === first))
      return first ? { mode: 'shared', feeds: this.check(first) } : { mode: 'none', feeds: {} }
    return { mode: 'own', feeds: this.stacked(rows.map((row) => row?.request.adapter)) }
  }

  private stacked(rows: readonly (Weights | undefined)[]): Feeds {
    const batch = rows.length
    if (this.stack?.batch !== batch) {
      this.stack = new AdapterStack(this.config, this.lora!, batch)
      this.placed = new Array<Weights | undefined>(batch).fill(undefined)
    }
    for (const [row, adapter] of rows.entries()) {
      if (this.placed[row] === adapter) continue
      this.stack.set(row, adapter)
      this.placed[row] = adapter
    }
    return this.stack.tensors
  }
}

export const zeros = (shape: readonly number[]): Tensor =>
  new Tensor(shape, 'f32', new Float32Array(shape.reduce((a, b) => a * b, 1)))
