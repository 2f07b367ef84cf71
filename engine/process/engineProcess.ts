import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import type { TaskInput, TaskName, TaskResult } from '#engine/tasks/index.ts'
import type { EngineEvent } from '#engine/tasks/task.ts'
import { EngineError } from './errors.ts'
import { continued, type EngineCounts, type EngineFigures, NO_COUNTS, NO_FIGURES } from './figures.ts'
import { memoryOf, outOfMemoryKills } from './memory.ts'
import type { EngineReply, EngineRequest } from './protocol.ts'

export interface EngineProcessOptions {
  /** Sets MODELCOMMONS_DEVICE for the child. */
  device?: string
  /** Limit of the child's resident memory in MiB; above it the child is killed. Default 4096. */
  memoryMb?: number
  /** Milliseconds without a heartbeat after which the child is killed. Default 120,000. */
  hangMs?: number
  /** Grace period in milliseconds for an aborted task to save and end before the child is killed. Default 10,000. */
  graceMs?: number
  /** Milliseconds without a task after which the child ends, so that the memory of its models is free for others; the next task starts it again.
   *  Default: it stays. */
  idleMs?: number
  /** Told when a task begins, with the time that it waited for the process. */
  onStart?(task: TaskName, waitedMs: number): void
  /** Receives each line that the child writes to standard error. */
  onLog?(line: string): void
}

export interface RunOptions {
  signal?: AbortSignal
  onEvent?(event: EngineEvent): void
}

interface Running {
  child: ChildProcess
  resolve(result: unknown): void
  reject(error: unknown): void
  onEvent?(event: EngineEvent): void
  signal?: AbortSignal
}

/** Interval of the checks of the child's memory and heartbeat. */
const WATCH_MS = 500
/** Tasks that run concurrently: requests of `generate` share one batch, between whose steps texts are embedded and models loaded. Every other task has the
 *  process for itself. */
const CONCURRENT_TASKS: readonly TaskName[] = ['generate', 'embed', 'warmUp']
/** Number of last characters of standard error that the error of a crash contains. */
const MAX_STDERR_TAIL = 2000

/**
 * A child process that runs tasks of the engine one after another, but those that answer concurrently. Loaded models stay in
 * its memory. The child starts with the first task, and again after a crash. It exits with its parent. The parent only
 * passes messages, so its event loop is never blocked.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { EngineError, EngineProcess } from '#engine/process/index.ts'
 *
 * const engine = new EngineProcess({ memoryMb: 1024 })
 * await engine.close()
 * const request = { prompt: 'Hello', maxTokens: 8 }
 * const answer = engine.run('generate', { baseFolder: '/models/base', requests: [request] })
 * await assert.rejects(answer, (error) => error instanceof EngineError && error.fault === 'closed')
 * ```
 */
export class EngineProcess {
  private readonly options: Required<Omit<EngineProcessOptions, 'device' | 'onLog' | 'onStart' | 'idleMs'>> &
    EngineProcessOptions
  private child: ChildProcess | undefined
  private readonly running = new Map<number, Running>()
  /** Settles when the last exclusive task has ended. */
  private exclusive: Promise<unknown> = Promise.resolve()
  /** Concurrent tasks that run or wait. */
  private readonly concurrent = new Set<Promise<unknown>>()
  private waiting = 0
  private lastHeartbeat = 0
  private stderrTail = ''
  private closed = false
  private nextId = 1
  /** Of the children that ended, and of the present one. */
  private ended: EngineCounts = NO_COUNTS
  private current = NO_FIGURES
  private starts = 0
  private idle: NodeJS.Timeout | undefined

  constructor(options: EngineProcessOptions = {}) {
    const { memoryMb = 4096, hangMs = 120_000, graceMs = 10_000 } = options
    this.options = { ...options, memoryMb, hangMs, graceMs }
  }

  /** Number of tasks that run or wait. */
  get load(): number {
    return this.waiting
  }

  /** Limit of the child's resident memory. */
  get memoryBytes(): number {
    return this.options.memoryMb * 2 ** 20
  }

  /** What the child last reported; counts include those of the children before it. */
  get figures(): EngineFigures & { starts: number } {
    return { ...continued(this.ended, this.current), starts: this.starts }
  }

  /** Process id of the running child. */
  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Runs one task. @throws EngineError, or the signal's reason on an abort. */
  run<K extends TaskName>(task: K, input: TaskInput<K>, options: RunOptions = {}): Promise<TaskResult<K>> {
    this.waiting++
    const asked = performance.now()
    const isConcurrent = CONCURRENT_TASKS.includes(task)
    const before = isConcurrent ? this.exclusive : Promise.all([this.exclusive, ...this.concurrent])
    const result = before.then(() => {
      this.options.onStart?.(task, performance.now() - asked)
      return this.start(task, input, options)
    })
    const ended = result
      .catch(() => {})
      .finally(() => {
        this.waiting--
        this.concurrent.delete(ended)
      })
    if (isConcurrent) this.concurrent.add(ended)
    else this.exclusive = ended
    return result as Promise<TaskResult<K>>
  }

  private async start(task: TaskName, input: unknown, { signal, onEvent }: RunOptions): Promise<unknown> {
    if (this.closed) throw new EngineError('closed', 'The engine is closed; create another EngineProcess.')
    signal?.throwIfAborted()
    clearTimeout(this.idle)
    const child = (this.child ??= this.spawn())
    const id = this.nextId++
    keepParentAlive(child, true)
    this.lastHeartbeat = performance.now()
    let killer: NodeJS.Timeout | undefined
    const abort = () => {
      this.send(child, { type: 'abort', id })
      killer = setTimeout(() => child.kill('SIGKILL'), this.options.graceMs)
    }
    const watch = setInterval(() => void this.watch(child, id), WATCH_MS)
    try {
      return await new Promise((resolve, reject) => {
        this.running.set(id, { child, resolve, reject, onEvent, signal })
        signal?.addEventListener('abort', abort, { once: true })
        this.send(child, { type: 'run', id, task, input })
      })
    } finally {
      clearInterval(watch)
      clearTimeout(killer)
      signal?.removeEventListener('abort', abort)
      this.running.delete(id)
      if (this.running.size === 0) this.rest(child)
    }
  }

  /** Without a task, the child keeps neither the parent alive nor, after some time, its models in memory. */
  private rest(child: ChildProcess): void {
    keepParentAlive(child, false)
    const { idleMs } = this.options
    if (idleMs === undefined || this.child !== child) return
    clearTimeout(this.idle)
    this.idle = setTimeout(() => this.killChild(child), idleMs).unref()
  }

  private send(child: ChildProcess, request: EngineRequest): void {
    if (child.connected) child.send(request, () => {}) // a failed send is reported by the child's exit
  }

  private spawn(): ChildProcess {
    const { memoryMb, device, onLog } = this.options
    const child = fork(new URL('../../bin/run.js', import.meta.url), ['engine/process/child.ts'], {
      execArgv: [`--max-old-space-size=${memoryMb}`],
      env: { ...process.env, NODE_OPTIONS: '', ...(device !== undefined && { MODELCOMMONS_DEVICE: device }) },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.stderrTail = ''
    this.starts++
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderrTail = (this.stderrTail + text).slice(-MAX_STDERR_TAIL)
      if (onLog) for (const line of text.split('\n')) if (line.trim()) onLog(line)
    })
    child.on('message', (reply: EngineReply) => this.receive(child, reply))
    const killsBefore = outOfMemoryKills()
    child.on('error', (error: NodeJS.ErrnoException) => {
      const how = `could not be started: ${error.message}`
      this.childEnded(child, how, error.code === 'ENOMEM' || error.code === 'EAGAIN')
    })
    child.on('exit', (code, signal) => {
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`
      const byKernel = signal === 'SIGKILL' && outOfMemoryKills() > killsBefore
      // Output on standard error may still arrive.
      setImmediate(() => this.childEnded(child, how, byKernel))
    })
    keepParentAlive(child, false)
    return child
  }

  private receive(child: ChildProcess, reply: EngineReply): void {
    this.lastHeartbeat = performance.now()
    if (reply.type === 'heartbeat') {
      if (this.child === child) this.current = reply.figures
      return
    }
    const running = this.running.get(reply.id)
    if (running?.child !== child) return
    if (reply.type === 'event') running.onEvent?.(reply.event)
    else if (reply.type === 'done') running.resolve(reply.result)
    else if (running.signal?.aborted) running.reject(running.signal.reason)
    else {
      const { fault, code, ...error } = reply.error
      const cause = Object.assign(new Error(error.message), error)
      running.reject(new EngineError(fault, error.message, { cause, code }))
    }
  }

  private forget(): void {
    this.child = undefined
    this.ended = continued(this.ended, this.current)
    this.current = NO_FIGURES
  }

  private childEnded(child: ChildProcess, how: string, hostMemory: boolean): void {
    if (this.child === child) this.forget()
    for (const running of this.running.values())
      if (running.child === child)
        running.reject(running.signal?.aborted ? running.signal.reason : this.endedError(how, hostMemory))
  }

  private endedError(how: string, hostMemory: boolean): EngineError {
    if (this.closed) return new EngineError('closed', 'The engine was closed while the task ran.')
    if (/heap out of memory/i.test(this.stderrTail))
      return new EngineError(
        'memory',
        `The engine's process ran out of memory; the limit is ${this.options.memoryMb} MiB. Raise it, or ask for smaller batches.`,
      )
    if (hostMemory)
      return new EngineError(
        'hostMemory',
        `The engine's process ${how}, because the host has no memory left. Free some, run less on this host, or ask for smaller batches.`,
      )
    const said = this.stderrTail.trim() ? ` Its last output: ${this.stderrTail.trim()}` : ''
    return new EngineError('crashed', `The engine's process ${how} before the task was done.${said}`)
  }

  private async watch(child: ChildProcess, id: number): Promise<void> {
    const { memoryMb, hangMs } = this.options
    const silent = performance.now() - this.lastHeartbeat
    const used = child.pid === undefined ? 0 : await memoryOf(child.pid)
    if (this.running.get(id)?.child !== child) return
    const fault =
      used > memoryMb * 2 ** 20
        ? new EngineError(
            'memory',
            `The engine's process used ${Math.round(used / 2 ** 20)} MiB; the limit is ${memoryMb}. Raise it, or ask for smaller batches.`,
          )
        : silent > hangMs
          ? new EngineError('hung', `The engine's process sent no heartbeat for ${Math.round(silent / 1000)} s.`)
          : undefined
    if (!fault) return
    for (const running of this.running.values()) if (running.child === child) running.reject(fault)
    this.killChild(child)
  }

  /** Kills the child; the next task starts a new one. */
  private killChild(child: ChildProcess): void {
    if (this.child === child) this.forget()
    child.kill('SIGKILL')
  }

  /** Kills the child; a running task rejects. */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.idle)
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.ref()
    child.kill('SIGKILL')
    await gone
  }
}

/** Sets whether the running child keeps the parent's event loop alive. It does only while it has a task. */
function keepParentAlive(child: ChildProcess, alive: boolean): void {
  const parts = [child, child.channel, child.stderr as Socket | null]
  for (const part of parts) {
    if (alive) part?.ref()
    else part?.unref()
  }
}
