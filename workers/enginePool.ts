import type { Logger } from 'pino'
import {
  EngineProcess,
  type RunOptions,
  type TaskInput,
  type TaskName,
  type TaskResult,
} from '#engine/process/index.ts'
import { traced } from '#schema/tracing.ts'

/** Runs engine tasks in child processes. */
export interface EnginePool {
  /** Runs one task. @throws EngineError, or the reason of the signal when it is aborted. */
  run<K extends TaskName>(task: K, input: TaskInput<K>, options?: RunOptions): Promise<TaskResult<K>>
}

/** These tasks run in a separate process that keeps its models loaded, so that answers stay fast while a model trains. */
const INFERENCE_TASKS: readonly TaskName[] = ['generate', 'evaluate', 'explainAnswer']

export interface EnginePoolOptions {
  device: string
  log: Logger
  /** Memory limit of each process. */
  memoryMb?: number
  /** Training tasks that run at the same time. Default 1. */
  slots?: number
}

/** Creates the pool: one process for each training slot, and one for inference. A process starts with its first task. */
export async function startEnginePool(options: EnginePoolOptions): Promise<EnginePool & { close(): Promise<void> }> {
  const { device, memoryMb, log, slots = 1 } = options
  const open = (role: string) =>
    new EngineProcess({ device, memoryMb, onLog: (line) => log.debug({ role, line }, 'output of the engine process') })
  const inference = open('inference')
  const training = Array.from({ length: slots }, () => open('training'))
  return {
    run(task, input, runOptions) {
      const leastLoaded = training.reduce((best, one) => (one.load < best.load ? one : best))
      const engine = INFERENCE_TASKS.includes(task) ? inference : leastLoaded
      return traced(`engine ${task}`, { attributes: { 'engine.waiting': engine.load } }, () =>
        engine.run(task, input, runOptions),
      )
    },
    async close() {
      await Promise.all([inference, ...training].map((one) => one.close()))
    },
  }
}
