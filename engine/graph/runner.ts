import { FeedError } from './feedChecks.ts'
import type { Graph } from './onnx/lower.ts'
import { ReleasingCache } from './releasingCache.ts'
import type { Feeds, Tensor } from './tensor.ts'

/** The outputs of a run, by name. */
export type Results<O extends string = string> = Record<O, Tensor>

/** One output whose name is not known to the compiler. @throws FeedError when there is none. */
export function outputNamed(results: Readonly<Results>, name: string): Tensor {
  const found = results[name]
  if (!found) throw new FeedError(`the results have no output ${name}; they have ${Object.keys(results).join(', ')}`)
  return found
}

/** A compiled graph. Runs are deterministic: the same feeds on the same device give bit-identical results. */
export interface Program<O extends string = string> {
  run(feeds: Feeds): Promise<Results<O>>
  release(): Promise<void>
}

export interface CompileOptions {
  /**
   * Outputs that stay on the device, to be fed to later runs without a copy to the host. `GraphRunner.read` copies them;
   * free them with `GraphRunner.dispose` when no run will be fed with them.
   */
  resident?: readonly string[]
}

/** Compiles and runs graphs. All implementations pass the same tests. */
export interface GraphRunner {
  readonly name: string
  /** Whether the fused transformer operators of ONNX Runtime's CPU provider are available. */
  readonly fused: boolean
  compile<O extends string>(graph: Graph<O>, options?: CompileOptions): Promise<Program<O>>
  /** Copies tensors that are fed many times to the device. Free them with `dispose`. */
  upload<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>>
  /** Copies resident tensors to the host. */
  read<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>>
  dispose(tensors: Iterable<Tensor>): void
}

/**
 * Compiles programs on first use and keeps one per key, for example per batch length. When there are more than `limit`,
 * the least recently used one is released.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { input, onnxRuntime, ProgramCache, sum } from '#engine/graph/index.ts'
 *
 * const runner = onnxRuntime({ device: 'cpu' })
 * const sums = new ProgramCache((length: number) => {
 *   const x = input('x', [length])
 *   return runner.compile({ inputs: [x], outputs: { total: sum(x) } })
 * })
 * const program = await sums.get(3)
 * const { total } = await program.run({ x: Float32Array.of(1, 2, 3) })
 * assert.equal(total.value, 6)
 * assert.equal(await sums.get(3), program)
 * await sums.release()
 * ```
 */
export class ProgramCache<K extends string | number = string, O extends string = string> {
  private readonly programs: ReleasingCache<K, Program<O>>

  constructor(
    private readonly compile: (key: K) => Promise<Program<O>>,
    limit = 32,
  ) {
    this.programs = new ReleasingCache(limit, (program) => program.release())
  }

  get(key: K): Promise<Program<O>> {
    return this.programs.get(key, () => this.compile(key))
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}

/** Tensors that every run is fed with; they are copied to the device once, on first use. */
export class DeviceTensors {
  private placed: Promise<Results> | undefined

  constructor(
    private readonly runner: GraphRunner,
    private readonly tensors: Readonly<Results>,
  ) {}

  get(): Promise<Results> {
    return (this.placed ??= this.runner.upload(this.tensors))
  }

  /** Frees the copies on the device; a later `get` copies again. */
  async release(): Promise<void> {
    const { placed } = this
    this.placed = undefined
    if (placed) this.runner.dispose(Object.values(await placed))
  }
}
