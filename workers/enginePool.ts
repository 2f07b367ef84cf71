import type { Logger } from 'pino'
import {
  type EngineFigures,
  EngineProcess,
  NO_FIGURES,
  type RunOptions,
  type TaskInput,
  type TaskName,
  type TaskResult,
} from '#engine/process/index.ts'
import type { Lane } from '#schema/jobs.ts'
import { traced } from '#schema/tracing.ts'

/** Runs engine tasks in child processes. */
export interface EnginePool {
  /** Runs one task. @throws EngineError, or the reason of the signal when it is aborted. */
  run<K extends TaskName>(task: K, input: TaskInput<K>, options?: RunOptions): Promise<TaskResult<K>>
}

/** What the processes of a lane report of themselves, together. */
export interface EngineReport extends EngineFigures {
  lane: EngineLane
  /** Tasks that run or wait. */
  tasks: number
  /** How often a process was started. */
  starts: number
}

export interface EnginePoolOptions {
  device: string
  log: Logger
  /** Memory limit of each process. */
  memoryMb?: number
  /** Attributions and trainings that run at the same time, each in a process of its own. Default 1. */
  attributions?: number
  trainings?: number
  /** Milliseconds without a task after which a process ends. Default: it stays. */
  idleMs?: number
  /** Told when a task begins, with the time that it waited for a process. */
  onStart?(task: TaskName, waitedMs: number): void
}

/** The lanes that use the engine. */
type EngineLane = Exclude<Lane, 'chain' | 'recourse' | 'relay'>

export interface LaneEngines {
  lane(lane: EngineLane): EnginePool
  /** Loads a model for answers. `busy`: not now, because an answer runs or waits; `no_room`: not beside the models in memory. @throws EngineError */
  warmUp(model: Omit<TaskInput<'warmUp'>, 'memoryBytes'>): Promise<'loaded' | 'busy' | 'no_room'>
  figures(): EngineReport[]
  close(): Promise<void>
}

/** Each lane has processes of its own, which keep their models loaded: a training or a long queue of attributions delays no answer. Answers
 *  have one process, because they share a batch. A process starts with its first task. */
export function startEnginePool(options: EnginePoolOptions): LaneEngines {
  const { device, memoryMb, log, attributions = 1, trainings = 1, idleMs, onStart } = options
  const open = (lane: EngineLane, count: number) =>
    Array.from({ length: Math.max(1, count) }, () => {
      const onLog = (line: string) => log.debug({ lane, line }, 'output of the engine process')
      return new EngineProcess({ device, memoryMb, idleMs, onStart, onLog })
    })
  const processes: Record<EngineLane, EngineProcess[]> = {
    infer: open('infer', 1),
    attribute: open('attribute', attributions),
    training: open('training', trainings),
  }
  return {
    lane: (lane) => ({
      run(task, input, runOptions) {
        const engine = processes[lane].reduce((best, one) => (one.load < best.load ? one : best))
        return traced(`engine ${task}`, { attributes: { 'engine.waiting': engine.load } }, () =>
          engine.run(task, input, runOptions),
        )
      },
    }),
    async warmUp(model) {
      const [engine] = processes.infer
      if (!engine || engine.load > 0) return 'busy'
      const { loaded } = await engine.run('warmUp', { ...model, memoryBytes: engine.memoryBytes })
      return loaded ? 'loaded' : 'no_room'
    },
    figures: () => Object.entries(processes).map(([lane, some]) => reportOf(lane as EngineLane, some)),
    async close() {
      await Promise.all(Object.values(processes).flatMap((some) => some.map((one) => one.close())))
    },
  }
}

/** The sum over the processes of one lane. */
function reportOf(lane: EngineLane, processes: readonly EngineProcess[]): EngineReport {
  const report: EngineReport = { lane, ...NO_FIGURES, starts: 0, tasks: 0 }
  for (const { figures, load } of processes) {
    report.tasks += load
    for (const key of Object.keys(figures) as (keyof typeof figures)[]) report[key] += figures[key]
  }
  return report
}
