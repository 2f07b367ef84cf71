import type { TaskName } from '#engine/tasks/index.ts'
import type { EngineEvent } from '#engine/tasks/task.ts'
import type { EngineFigures } from './figures.ts'

/** Messages between an EngineProcess and its child process, by structured clone, which supports typed arrays. */

export type EngineRequest = { type: 'run'; id: number; task: TaskName; input: unknown } | { type: 'abort'; id: number }

export type EngineReply =
  | { type: 'heartbeat'; figures: EngineFigures }
  | { type: 'event'; id: number; event: EngineEvent }
  | { type: 'done'; id: number; result: unknown }
  | { type: 'failed'; id: number; error: TaskFailure }

/** An error of a task. Its class does not cross the process boundary, so that the child says what the error is. */
export interface TaskFailure {
  name: string
  message: string
  stack?: string
  fault: 'input' | 'failed'
  code?: string
}

/** Interval of the child's heartbeats. The run of a graph blocks its event loop, so that heartbeats can be late. */
export const HEARTBEAT_MS = 1000
