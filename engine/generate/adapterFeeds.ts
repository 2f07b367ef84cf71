import type { Weights } from '#engine/formats/weights.ts'
import { type Feeds, Tensor } from '#engine/graph/index.ts'
import { AdapterStack } from '#engine/model/adapterStack.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { feedsOf } from '#engine/model/inputs.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import type { Sequence } from './sequence.ts'
import type { AdapterMode } from './step.ts'

/** Feeds for the adapters of a batch's rows. An adapter is checked once, and copied to a row only when the row's adapter changes. */
export class AdapterFeeds {
  private readonly shapes: ReadonlyMap<string, readonly number[]>
  private readonly checked = new WeakMap<Weights, Feeds>()
  private stack: AdapterStack | undefined
  private stacked: (Weights | undefined)[] = []

  constructor(
    private readonly config: ModelConfig,
    private readonly lora: LoraConfig | undefined,
  ) {
    this.shapes = lora ? adapterShapes(config, lora) : new Map()
  }

  /** The adapter's feeds. @throws Error when the adapter does not match the configuration. */
  check(adapter: Weights): Feeds {
    let feeds = this.checked.get(adapter)
    if (feeds) return feeds
    if (this.shapes.size === 0)
      throw new Error('The generator has no LoRA configuration; pass `lora` to its constructor.')
    for (const [name, shape] of this.shapes)
      if (`${adapter.get(name)?.shape}` !== `${shape}`)
        throw new Error(
          `The adapter's ${name} has the shape [${adapter.get(name)?.shape ?? 'none'}]; its configuration needs [${shape}].`,
        )
    const spare = [...adapter.keys()].find((name) => !this.shapes.has(name))
    if (spare !== undefined) throw new Error(`The adapter has ${spare}, which is not part of its configuration.`)
    feeds = feedsOf(adapter)
    this.checked.set(adapter, feeds)
    return feeds
  }

  /** The feeds of a batch with these rows (some may be free): none, one shared adapter, or a stack with each row's own. */
  feeds(rows: readonly (Sequence | undefined)[], active: readonly Sequence[]): { mode: AdapterMode; feeds: Feeds } {
    const first = active[0]?.request.adapter
    if (active.every(({ request }) => request.adapter === first))
      return first ? { mode: 'shared', feeds: this.check(first) } : { mode: 'none', feeds: {} }
    return { mode: 'own', feeds: this.stackedFeeds(rows.map((row) => row?.request.adapter)) }
  }

  private stackedFeeds(rows: readonly (Weights | undefined)[]): Feeds {
    const batch = rows.length
    if (!this.lora) throw new Error('The generator has no LoRA configuration; pass `lora` to its constructor.')
    if (this.stack?.batch !== batch) {
      this.stack = new AdapterStack(this.config, this.lora, batch)
      this.stacked = new Array<Weights | undefined>(batch).fill(undefined)
    }
    for (const [row, adapter] of rows.entries()) {
      if (this.stacked[row] === adapter) continue
      this.stack.set(row, adapter)
      this.stacked[row] = adapter
    }
    return this.stack.tensors
  }
}

export const zeros = (shape: readonly number[]): Tensor =>
  new Tensor(shape, 'f32', new Float32Array(shape.reduce((a, b) => a * b, 1)))
