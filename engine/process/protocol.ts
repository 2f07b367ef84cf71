import type { TaskName } from '#engine/tasks/index.ts'
import type { EngineEvent } from '#engine/tasks/task.ts'

/** Messages between an EngineProcess and its child, by structured clone: typed arrays pass. */

export type EngineRequest = { type: 'run'; id: number; task: TaskName; input: unknown } | { type: 'abort'; id: number }

export type EngineReply =
  | { type: 'beat'; rss: number }
  | { type: 'event'; id: number; event: EngineEvent }
  | { type: 'done'; id: number; result: unknown }
  | { type: 'failed'; id: number; error: { name: string; message: string; stack?: string } }

/** How often a child that is not busy inside one run of a graph says that it lives. */
export const HEARTBEAT_MS = 1000
