import { availableParallelism } from 'node:os'
import * as ort from 'onnxruntime-node'
import { compileError, type Device, deviceFromEnvironment, providerOf } from './device.ts'
import { mul } from './elementwise.ts'
import { FeedError } from './feedChecks.ts'
import { type InputAttributes, input, isInput, type Node, type Provider, type Signature } from './node.ts'
import { type Graph, RESULT_PREFIX, toOnnx } from './onnx/lower.ts'
import type { CompileOptions, GraphRunner, Program, Results } from './runner.ts'
import { type Dtype, GraphError } from './shape.ts'
import { checkFeeds, type Feeds, Tensor } from './tensor.ts'

const ORT_TYPE = { f32: 'float32', i32: 'int32', i64: 'int64', bool: 'bool' } as const satisfies Record<Dtype, string>
const DTYPES: Readonly<Record<string, Dtype>> = { float32: 'f32', int32: 'i32', int64: 'i64', bool: 'bool' }

function dtypeOfHandle({ type }: ort.Tensor): Dtype {
  const dtype = DTYPES[type]
  if (!dtype) throw new GraphError(`a result of type ${type} is not supported`)
  return dtype
}

export interface OnnxRuntimeOptions {
  device?: Device
  /** Threads of one operator on the CPU; default: all cores. Results do not depend on it. */
  threads?: number
  /** Lowers graphs for another provider than the one that runs them, so that the form for WebGPU can be tested on any machine. */
  lowering?: Provider
}

/**
 * Runs graphs on ONNX Runtime. A run blocks the event loop of its process, so long work needs its own child process.
 * @throws DeviceError when a device that was requested by name is not available.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { input, matmul, onnxRuntime } from '#engine/graph/index.ts'
 *
 * const [a, b] = [input('a', [1, 2]), input('b', [2, 1])]
 * const program = await onnxRuntime({ device: 'cpu' }).compile({ inputs: [a, b], outputs: { product: matmul(a, b) } })
 * const { product } = await program.run({ a: Float32Array.of(1, 2), b: Float32Array.of(3, 4) })
 * assert.equal(product.value, 11)
 * await program.release()
 * ```
 */
export function onnxRuntime(options: OnnxRuntimeOptions = {}): GraphRunner {
  const provider = providerOf(options.device ?? deviceFromEnvironment())
  return new OnnxRuntime(provider, options.threads ?? availableParallelism(), options.lowering ?? provider)
}

class OnnxRuntime implements GraphRunner {
  readonly name: string
  readonly fused: boolean

  constructor(
    private readonly provider: Provider,
    private readonly threads: number,
    private readonly lowering: Provider,
  ) {
    this.name = `onnxruntime ${provider}`
    this.fused = lowering === 'cpu'
  }

  async compile<O extends string>(graph: Graph<O>, { resident = [] }: CompileOptions = {}): Promise<Program<O>> {
    const { provider } = this
    const inputs = graph.inputs.map((node) => {
      if (!isInput(node)) throw new GraphError(`a graph's inputs must be made by input(), not ${node.operation.name}`)
      return node
    })
    const model = toOnnx(graph, this.lowering)
    const location = (name: string) => (resident.includes(name) ? ('gpu-buffer' as const) : ('cpu' as const))
    try {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        intraOpNumThreads: this.threads,
        interOpNumThreads: 1,
        // Higher levels find nothing more to fuse in these graphs and double the compilation time.
        graphOptimizationLevel: 'basic',
        // A thread that sleeps at once wakes too late for the next small operator, which costs a third of the time of a
        // step. A thread that spins for long takes the core from other processes. So it spins as long as a wake-up takes.
        extra: { session: { intra_op: { allow_spinning: '1', spin_duration_us: '20' } } },
        logSeverityLevel: 3,
        ...(provider === 'webgpu' && {
          preferredOutputLocation: Object.fromEntries(
            Object.keys(graph.outputs).map((name) => [RESULT_PREFIX + name, location(name)]),
          ),
        }),
      })
      return new OnnxProgram<O>(session, inputs)
    } catch (cause) {
      throw compileError(provider, cause)
    }
  }

  async upload<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>> {
    return this.provider === 'webgpu' ? this.copy(tensors, Object.keys(tensors)) : { ...tensors }
  }

  /** Reading a GPU buffer directly would abort the process; a session that copies brings it to the host. */
  async read<K extends string>(tensors: Readonly<Record<K, Tensor>>): Promise<Results<K>> {
    const onDevice = Object.values(tensors).some((each) => each instanceof ResidentTensor)
    return onDevice ? this.copy(tensors, []) : { ...tensors }
  }

  private async copy<K extends string>(
    tensors: Readonly<Record<K, Tensor>>,
    resident: readonly string[],
  ): Promise<Results<K>> {
    if (Object.keys(tensors).length === 0) return { ...tensors }
    const inputs = Object.entries<Tensor>(tensors).map(([name, { shape, dtype }]) => input(name, shape, dtype))
    // Multiplied by one: an operator that computes always writes to its own buffer.
    const outputs = Object.fromEntries(inputs.map((node) => [node.attributes.name, mul(node, 1)])) as Record<K, Node>
    const program = await this.compile({ inputs, outputs }, { resident })
    try {
      return await program.run(tensors)
    } finally {
      await program.release()
    }
  }

  dispose(tensors: Iterable<Tensor>): void {
    for (const each of tensors) if (each instanceof ResidentTensor) each.dispose()
  }
}

/** A value in GPU memory, which belongs to the session that computed it. */
class ResidentTensor extends Tensor {
  constructor(
    readonly handle: ort.Tensor,
    private readonly owner: OnnxProgram,
  ) {
    super(handle.dims, dtypeOfHandle(handle), () => {
      throw new FeedError('this tensor is on the device; copy it to the host with GraphRunner.read')
    })
  }

  dispose(): void {
    this.handle.dispose()
    this.owner.disposed(this)
  }
}

class OnnxProgram<O extends string = string> implements Program<O> {
  /** Results that are still on the device. Freeing one after its session would crash the process. */
  private readonly resident = new Set<Tensor>()
  private released = false

  constructor(
    private readonly session: ort.InferenceSession,
    private readonly inputs: readonly Node<InputAttributes & Signature>[],
  ) {}

  async run(feeds: Feeds): Promise<Results<O>> {
    const checked = checkFeeds(this.inputs, feeds)
    const handles: Record<string, ort.Tensor> = {}
    for (const [name, each] of Object.entries(checked)) handles[name] = toOrt(each)
    const results = await this.session.run(handles)
    return Object.fromEntries(
      Object.entries(results).map(([name, handle]) => [name.slice(RESULT_PREFIX.length), this.take(handle)]),
    ) as Results<O> as Results<O>
  }

  private take(handle: ort.Tensor): Tensor {
    if (handle.location === 'cpu') return new Tensor(handle.dims, dtypeOfHandle(handle), handle.data as Float32Array)
    const resident = new ResidentTensor(handle, this)
    this.resident.add(resident)
    return resident
  }

  disposed(tensor: Tensor): void {
    if (this.resident.delete(tensor) && this.released && this.resident.size === 0) void this.session.release()
  }

  /** Frees the session, now or after the last of its results is disposed. */
  async release(): Promise<void> {
    this.released = true
    if (this.resident.size === 0) await this.session.release()
  }
}

// `as never`: ort.Tensor has one overload per element type; `data` always has the array type of `dtype`.
const toOrt = (each: Tensor): ort.Tensor =>
  each instanceof ResidentTensor ? each.handle : new ort.Tensor(ORT_TYPE[each.dtype], each.data as never, each.shape)
