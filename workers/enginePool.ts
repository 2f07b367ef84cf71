import type { Logger } from 'pino'
import {
  EngineProcess,
  type RunOptions,
  type TaskInput,
  type TaskName,
  type TaskResult,
} from '#engine/process/index.ts'

/** Where handlers send work for the engine. */
export interface EnginePool {
  /** Runs one task. @throws EngineError, or the signal's reason when it aborts. */
  run<K extends TaskName>(task: K, input: TaskInput<K>, options?: RunOptions): Promise<TaskResult<K>>
}

/** Answering stays quick while a model trains: these tasks have a process of their own, which keeps its models loaded. */
const INFERENCE_TASKS: readonly TaskName[] = ['generate', 'evaluate', 'explainAnswer']

export interface EnginePoolOptions {
  device: string
  log: Logger
  /** Of each process. */
  memoryMb?: number
  /** Training tasks at a time. Default 1. */
  slots?: number
}

/** Starts the engine's processes: one for each slot of training, one for answers. They start with their first task. */
export async function startEnginePool(options: EnginePoolOptions): Promise<EnginePool & { close(): Promise<void> }> {
  const { device, memoryMb, log, slots = 1 } = options
  const open = (lane: string) =>
    new EngineProcess({ device, memoryMb, onLog: (line) => log.debug({ lane, line }, 'the engine says') })
  const answering = open('answering')
  const training = Array.from({ length: slots }, () => open('training'))
  return {
    run(task, input, runOptions) {
      const idlest = training.reduce((best, one) => (one.load < best.load ? one : best))
      return (INFERENCE_TASKS.includes(task) ? answering : idlest).run(task, input, runOptions)
    },
    async close() {
      await Promise.all([answering, ...training].map((one) => one.close()))
    },
  }
}
