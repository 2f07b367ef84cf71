export type { TaskInput, TaskName, TaskResult } from '#engine/tasks/index.ts'
export type { EngineEvent } from '#engine/tasks/task.ts'
export { EngineProcess, type EngineProcessOptions, type RunOptions } from './engineProcess.ts'
export { EngineError, type EngineFault } from './errors.ts'
