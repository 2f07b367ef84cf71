import type { TaskName } from '#engine/tasks/index.ts'
import type { EngineEvent } from '#engine/tasks/task.ts'

/** Messages between an EngineProcess and its child process, by structured clone, which supports typed arrays. */

export type EngineRequest = { type: 'run'; id: number; task: TaskName; input: unknown } | { type: 'abort'; id: number }

export type EngineReply =
  | { type: 'heartbeat'; rss: number }
  | { type: 'event'; id: number; event: EngineEvent }
  | { type: 'done'; id: number; result: unknown }
  | { type: 'failed'; id: number; error: { name: string; message: string; stack?: string } }

/** Interval of the child's heartbeats. The run of a graph blocks its event loop, so that heartbeats can be late. */
export const HEARTBEAT_MS = 1000
