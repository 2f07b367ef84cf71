import { DeviceTensors, type Feeds, type GraphRunner, ProgramCache, type Results, tensor } from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import { AdapterFeeds } from './adapterFeeds.ts'
import { HostCache } from './hostCache.ts'
import type { TopToken } from './request.ts'
import { samplerFeeds, samplerShape } from './samplerFeeds.ts'
import type { Sequence } from './sequence.ts'
import { type AdapterMode, promptGraph, type StepModel, type StepShape, stepGraph } from './step.ts'

/** Tokens drawn for each row in one run of a Loop. */
const CHUNK = 16
/** Most prompt tokens read in one run. */
const READ = 4096
/** Programs kept compiled. */
const PROGRAMS = 24

/** Rows that decode together. They come and go between runs; each is computed as if it were alone. */
export class DecodingBatch {
  readonly adapters: AdapterFeeds
  private rows: (Sequence | undefined)[] = []
  private cache: HostCache | undefined
  private readonly steps: ProgramCache<string>
  private readonly readers: ProgramCache<string>
  private readonly weights: DeviceTensors

  constructor(
    private readonly model: StepModel,
    weights: Readonly<Results>,
    runner: GraphRunner,
    /** Most rows. */
    private readonly most: number,
  ) {
    const { config, lora } = model
    this.weights = new DeviceTensors(runner, weights)
    this.adapters = new AdapterFeeds(config, lora)
    this.steps = new ProgramCache((key) => runner.compile(stepGraph(model, JSON.parse(key))), PROGRAMS)
    this.readers = new ProgramCache((key) => {
      const [rows, length, mode] = JSON.parse(key) as [number, number, AdapterMode]
      return runner.compile(promptGraph(model, rows, length, mode))
    }, PROGRAMS)
  }

  get active(): Sequence[] {
    return this.rows.filter((row) => row !== undefined)
  }

  get free(): number {
    return this.most - this.active.length
  }

  /** Lets rows go that have finished or that nobody waits for. */
  prune(): void {
    this.rows = this.rows.map((row) => (row?.wanted ? row : undefined))
  }

  clear(): void {
    this.rows = []
    this.cache = undefined
  }

  /** Takes new rows in, no more than are free, and reads their prompts. */
  async admit(fresh: readonly Sequence[]): Promise<void> {
    const cache = this.arrange(fresh)
    for (const row of fresh) this.rows[Array.from(this.rows).indexOf(undefined)] = row
    for (const group of this.groups(fresh)) {
      const { laid, found } = await this.read(group)
      for (const [index, row] of laid.entries()) if (row) cache.take(this.rows.indexOf(row), found, index, row.length)
    }
  }

  /** Finds a place for these rows beside those that run: a larger or a much smaller cache when that fits better. */
  private arrange(fresh: readonly Sequence[]): HostCache {
    const { config } = this.model
    const { active, cache } = this
    const all = [...active, ...fresh]
    const count = all.length
    const wanted = bucketLength(Math.max(...all.map((row) => row.need)))
    const capacity = active.length === 0 ? wanted : Math.max(wanted, cache!.capacity)
    const fits = cache && cache.capacity === capacity && count <= cache.batch && count > cache.batch / 4
    if (fits) return cache
    const next = new HostCache(config, rowBucket(count, this.most), capacity)
    for (const [index, row] of active.entries()) next.take(index, cache!.tensors, this.rows.indexOf(row), row.length)
    this.rows = Array.from({ length: next.batch }, (_, index) => active[index])
    return (this.cache = next)
  }

  /**
   * Prompts that can be read in one run: of like length, and of one adapter unless they fill half of the batch. A prompt
   * of one token needs no reading.
   */
  private groups(fresh: readonly Sequence[]): Sequence[][] {
    const groups: Sequence[][] = []
    const open = new Map<string, Sequence[]>()
    const adapters = [...new Set(fresh.map(({ request }) => request.adapter))]
    const lengths = fresh.map((row) => (row.length === 0 ? 0 : this.readLength(row)))
    for (const [index, row] of fresh.entries()) {
      if (row.length === 0) continue
      const length = lengths[index]!
      const alike = lengths.filter((each) => each === length).length
      const mixed = 2 * alike >= this.rows.length && this.rows.length * length <= READ
      const key = mixed ? `${length}` : `${length} ${adapters.indexOf(row.request.adapter)}`
      const group = open.get(key)
      if (group && (group.length + 1) * length <= READ) group.push(row)
      else {
        open.set(key, [row])
        groups.push(open.get(key)!)
      }
    }
    return groups
  }

  private readLength = (row: Sequence): number => bucketLength(row.length, this.model.config.max_position_embeddings)

  /** Reads prompts, laid side by side; those of several adapters lie as the rows of the batch do, and their adapters with them. */
  private async read(group: readonly Sequence[]): Promise<{ laid: readonly (Sequence | undefined)[]; found: Results }> {
    const P = this.readLength(group[0]!)
    const { mode, feeds } = this.adapters.feeds(this.rows, group)
    const laid = mode === 'own' ? this.rows.map((row) => (row && group.includes(row) ? row : undefined)) : group
    const R = mode === 'own' ? laid.length : rowBucket(group.length, this.most)
    const program = await this.readers.get(JSON.stringify([R, P, mode]))
    const ids = new Int32Array(R * P)
    laid.forEach((row, index) => {
      for (let t = 0; t < (row?.length ?? 0); t++) ids[index * P + t] = row!.request.prompt[t]!
    })
    return { laid, found: await program.run({ ...(await this.weights.get()), ...feeds, ids }) }
  }

  /** Draws the next tokens of every row. */
  async advance(): Promise<void> {
    const { config } = this.model
    const cache = this.arrange([])
    const { rows, active } = this
    const B = cache.batch
    const sampler = samplerShape(active)
    const { mode, feeds: adapters } = this.adapters.feeds(rows, active)
    const N = sampler.masked ? 1 : CHUNK
    const shape: StepShape = { batch: B, capacity: cache.capacity, tokens: N, adapter: mode, sampler }
    const program = await this.steps.get(JSON.stringify(shape))
    const trips = Math.min(N, Math.max(...active.map((row) => row.remaining)))

    const ids = new Int32Array(B)
    const lengths = new Int32Array(B)
    const uniform = new Float32Array(N * B)
    rows.forEach((row, index) => {
      if (!row) return
      ids[index] = row.pending
      lengths[index] = row.length
      for (let n = 0; n < Math.min(trips, row.remaining); n++) uniform[n * B + index] = row.uniform()
    })
    const feeds: Feeds = {
      ...(await this.weights.get()),
      ...adapters,
      ...cache.tensors,
      ids,
      lengths,
      uniform,
      ...samplerFeeds(sampler, rows, B, config.vocab_size),
      ...(N > 1 && { trips: tensor(BigInt64Array.of(BigInt(trips)), []) }),
    }
    const results = await program.run(feeds)
    const before = rows.map((row) => row?.length ?? 0)
    for (let n = 0; n < trips; n++)
      for (const [index, row] of rows.entries()) if (row) tell(row, results, n * B + index)
    for (const [index, row] of rows.entries())
      if (row?.wanted) cache.append(index, results, before[index]!, row.length - before[index]!)
  }

  async release(): Promise<void> {
    await Promise.all([this.steps.release(), this.readers.release(), this.weights.release()])
  }
}

/** Hands a row its token at `place` of the results (N,B), unless it has ended before. */
function tell(
  row: Sequence,
  { tokens, logProbabilities, topTokens, topLogProbabilities }: Results,
  place: number,
): void {
  if (row.finished) return
  const { topLogProbabilities: asked = 0 } = row.request
  const width = topTokens?.shape.at(-1) ?? 0
  const top = Array.from(
    { length: asked },
    (_, rank): TopToken => ({
      token: Number(topTokens!.data[place * width + rank]),
      logProbability: topLogProbabilities!.floats[place * width + rank]!,
    }),
  )
  row.accept(Number(tokens!.data[place]), logProbabilities!.floats[place]!, asked > 0 ? top : undefined)
}

/** 1, 2, 4, 8, … rows, so that few programs are compiled. */
function rowBucket(rows: number, most: number): number {
  let size = 1
  while (size < rows) size *= 2
  return Math.min(size, most)
}
