// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { DeviceTensors, type Feeds, type GraphRunner, ProgramCache, type Results, tensor } from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import { AdapterFeeds } from './adapterFeeds.ts'
import { HostCache } from './hostCache.ts'
import { type KnownPrefix, PrefixCache } from './prefixCache.ts'
import type { TopToken } from './request.ts'
import { samplerFeeds, samplerShape } from './samplerFeeds.ts'
import type { Sequence } from './sequence.ts'
import {
  type AdapterMode,
  promptGraph,
  restGraph,
  resultNamed,
  type StepModel,
  type StepShape,
  stepGraph,
} from './step.ts'

/** Tokens per sequence in one run of a Loop. */
const TOKENS_PER_RUN = 16
/** Maximum number of prompt tokens in one prefill run. */
const MAX_PREFILL_TOKENS = 4096
/** The rest of a prompt is padded to this at least. */
const MIN_REST_TOKENS = 16
/** Memory of the texts whose beginnings are kept. */
const MAX_PREFIX_BYTES = 128 * 1024 * 1024
/** Maximum number of compiled programs of each kind. */
const MAX_PROGRAMS = 24

/**
 * The running batch of continuous batching: sequences join and leave between runs. A row of the batch holds one sequence or
 * is free. The result of a sequence does not depend on the other rows.
 */
export class DecodingBatch {
  readonly adapters: AdapterFeeds
  private rows: (Sequence | undefined)[] = []
  private cache: HostCache | undefined
  private readonly steps: ProgramCache<string>
  private readonly prefills: ProgramCache<string>
  private readonly rests: ProgramCache<string>
  private readonly prefixes: PrefixCache
  private readonly weights: DeviceTensors

  constructor(
    private readonly model: StepModel,
    weights: Readonly<Results>,
    runner: GraphRunner,
    private readonly maxRows: number,
  ) {
    const { config, lora } = model
    this.weights = new DeviceTensors(runner, weights)
    this.adapters = new AdapterFeeds(config, lora)
    this.steps = new ProgramCache((key) => runner.compile(stepGraph(model, JSON.parse(key))), MAX_PROGRAMS)
    this.prefills = new ProgramCache((key) => {
      const [rows, length, mode] = JSON.parse(key) as [number, number, AdapterMode]
      return runner.compile(promptGraph(model, rows, length, mode))
    }, MAX_PROGRAMS)
    this.rests = new ProgramCache((key) => {
      const [length, capacity, mode] = JSON.parse(key) as [number, number, AdapterMode]
      return runner.compile(restGraph(model, length, capacity, mode))
    }, MAX_PROGRAMS)
    this.prefixes = new PrefixCache(config, MAX_PREFIX_BYTES)
  }

  get active(): Sequence[] {
    return this.rows.filter((row) => row !== undefined)
  }

  get freeRows(): number {
    return this.maxRows - this.active.length
  }

  /** Frees the rows of sequences that have finished or that nobody waits for. */
  prune(): void {
    this.rows = this.rows.map((row) => (row?.isWanted ? row : undefined))
  }

  clear(): void {
    this.rows = []
    this.cache = undefined
  }

  /** Adds sequences (at most `freeRows`) and reads their prompts into the cache. */
  async admit(added: readonly Sequence[]): Promise<void> {
    const cache = this.reserve(added)
    for (const sequence of added) this.rows[Array.from(this.rows).indexOf(undefined)] = sequence
    const unread: Sequence[] = []
    for (const sequence of added) {
      const known = this.prefixes.find(sequence.request, sequence.length)
      if (known) await this.readRest(sequence, known, cache)
      else unread.push(sequence)
    }
    for (const group of this.prefillGroups(unread)) {
      const { rows, results } = await this.prefill(group)
      for (const [index, row] of rows.entries())
        if (row) cache.copyRow(this.rows.indexOf(row), results, index, row.length)
    }
  }

  /** Copies the known beginning of a prompt to its row, and reads the rest. */
  private async readRest(sequence: Sequence, { text, length }: KnownPrefix, cache: HostCache): Promise<void> {
    const { config } = this.model
    const row = this.rows.indexOf(sequence)
    cache.copyRow(row, text.cache.tensors, 0, length)
    sequence.cachedTokens = length
    const count = sequence.length - length
    if (count === 0) return
    const S = nextPowerOfTwo(Math.max(count, MIN_REST_TOKENS))
    const C = nextPowerOfTwo(length + S) // the padding has positions, too
    const beginning = new HostCache(config, 1, C)
    beginning.copyRow(0, text.cache.tensors, 0, length)
    const { mode, feeds } = this.adapters.feeds([sequence], [sequence])
    const program = await this.rests.get(JSON.stringify([S, C, mode]))
    const ids = new Int32Array(S)
    ids.set(sequence.tokens.slice(length, sequence.length))
    const results = await program.run({
      ...(await this.weights.get()),
      ...feeds,
      ...beginning.tensors,
      ids,
      lengths: Int32Array.of(length),
    })
    cache.copyRow(row, results, 0, count, length)
  }

  /** Returns a cache with room for the running and the added sequences. Moves to a larger or a much smaller one if needed. */
  private reserve(added: readonly Sequence[]): HostCache {
    const { config } = this.model
    const { active, cache } = this
    const all = [...active, ...added]
    const count = all.length
    const needed = bucketLength(Math.max(...all.map((row) => row.cacheLength)))
    const capacity = cache && active.length > 0 ? Math.max(needed, cache.capacity) : needed
    const fits = cache && cache.capacity === capacity && count <= cache.batch && count > cache.batch / 4
    if (fits) return cache
    const next = new HostCache(config, nextPowerOfTwo(count, this.maxRows), capacity)
    if (cache)
      for (const [index, row] of active.entries())
        next.copyRow(index, cache.tensors, this.rows.indexOf(row), row.length)
    this.rows = Array.from({ length: next.batch }, (_, index) => active[index])
    return (this.cache = next)
  }

  /**
   * Groups prompts that one run can read: of one length bucket, and of one adapter unless they fill half of the batch. A
   * prompt of one token needs no prefill.
   */
  private prefillGroups(added: readonly Sequence[]): Sequence[][] {
    const groups: Sequence[][] = []
    const open = new Map<string, Sequence[]>()
    const adapters = [...new Set(added.map(({ request }) => request.adapter))]
    const lengths = added.map((row) => (row.length === 0 ? 0 : this.prefillLength(row)))
    for (const [index, row] of added.entries()) {
      if (row.length === 0) continue
      const length = lengths[index]!
      const sameLength = lengths.filter((each) => each === length).length
      const mixed = 2 * sameLength >= this.rows.length && this.rows.length * length <= MAX_PREFILL_TOKENS
      const key = mixed ? `${length}` : `${length} ${adapters.indexOf(row.request.adapter)}`
      const group = open.get(key)
      if (group && (group.length + 1) * length <= MAX_PREFILL_TOKENS) group.push(row)
      else {
        const started = [row]
        open.set(key, started)
        groups.push(started)
      }
    }
    return groups
  }

  private prefillLength = (row: Sequence): number => bucketLength(row.length, this.model.config.max_position_embeddings)

  /**
   * Reads the prompts of a group in one run. If they have several adapters, they keep the rows that they have in the batch,
   * because the adapters are stacked by row.
   */
  private async prefill(
    group: readonly Sequence[],
  ): Promise<{ rows: readonly (Sequence | undefined)[]; results: Results }> {
    const P = this.prefillLength(group[0]!)
    const { mode, feeds } = this.adapters.feeds(this.rows, group)
    const rows = mode === 'own' ? this.rows.map((row) => (row && group.includes(row) ? row : undefined)) : group
    const R = mode === 'own' ? rows.length : nextPowerOfTwo(group.length, this.maxRows)
    const program = await this.prefills.get(JSON.stringify([R, P, mode]))
    const ids = new Int32Array(R * P)
    rows.forEach((row, index) => {
      for (let t = 0; row && t < row.length; t++) ids[index * P + t] = row.request.prompt[t]!
    })
    return { rows, results: await program.run({ ...(await this.weights.get()), ...feeds, ids }) }
  }

  /** Samples the next tokens of every sequence. */
  async advance(): Promise<void> {
    const { config } = this.model
    const cache = this.reserve([])
    const { rows, active } = this
    const B = cache.batch
    const sampler = samplerShape(active)
    const { mode, feeds: adapters } = this.adapters.feeds(rows, active)
    const N = sampler.masked ? 1 : TOKENS_PER_RUN
    const shape: StepShape = { batch: B, capacity: cache.capacity, tokens: N, adapter: mode, sampler }
    const program = await this.steps.get(JSON.stringify(shape))
    const trips = Math.min(N, Math.max(...active.map((row) => row.remaining)))

    const ids = new Int32Array(B)
    const lengths = new Int32Array(B)
    const uniform = new Float32Array(N * B)
    rows.forEach((row, index) => {
      if (!row) return
      ids[index] = row.pendingToken
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
      for (const [index, row] of rows.entries()) if (row) deliver(row, results, n * B + index)
    for (const [index, row] of rows.entries()) {
      if (!row || row.listener.gone) continue
      cache.append(index, results, before[index]!, row.length - before[index]!)
      if (row.isFinished) this.prefixes.keep(row, cache, index)
    }
  }

  async release(): Promise<void> {
    await Promise.all([this.steps.release(), this.prefills.release(), this.rests.release(), this.weights.release()])
  }
}

/** Gives a sequence its token at `index` of the results (N,B), unless the sequence has already finished. */
function deliver(row: Sequence, results: Results, index: number): void {
  if (row.isFinished) return
  const { topLogProbabilities: requested = 0 } = row.request
  const token = Number(resultNamed(results, 'tokens').data[index])
  const logProbability = resultNamed(results, 'logProbabilities').floats[index]!
  row.accept(token, logProbability, requested > 0 ? topTokens(results, index, requested) : undefined)
}

function topTokens(results: Results, index: number, count: number): TopToken[] {
  const tokens = resultNamed(results, 'topTokens')
  const logProbabilities = resultNamed(results, 'topLogProbabilities')
  const width = tokens.shape.at(-1) ?? 0
  return Array.from({ length: count }, (_, rank) => ({
    token: Number(tokens.data[index * width + rank]),
    logProbability: logProbabilities.floats[index * width + rank]!,
  }))
}

/** Rounds up to 1, 2, 4, 8, …, so that few programs are compiled. */
function nextPowerOfTwo(count: number, limit = Number.POSITIVE_INFINITY): number {
  let size = 1
  while (size < count) size *= 2
  return Math.min(size, limit)
}
