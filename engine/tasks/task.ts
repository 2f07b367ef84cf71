/** What a task tells while it runs. */
export type EngineEvent =
  /** A point of a curve. */
  | { type: 'metric'; name: string; step: number; value: number }
  /** How far it is, from 0 to 1, and what it does now in a few words. */
  | { type: 'progress'; done: number; stage?: string }
  /** More text of the answer to one of the requests. */
  | { type: 'text'; request: number; text: string }

/** What a task gets beside its input. */
export interface TaskContext {
  emit(event: EngineEvent): void
  /** When it aborts, a task saves what it can go on from and throws the signal's reason. */
  signal: AbortSignal
}

/** A piece of work on plain data: files by absolute path, the same input the same result. */
export type Task<Input, Result> = (input: Input, context: TaskContext) => Promise<Result>

/** A fault of a task's input; the message says what to change. */
export class TaskError extends Error {
  override name = 'TaskError'
}

/** The context of one stage, whose progress from 0 to 1 is shown as `from` to `to` of the whole. */
export const stageContext = (context: TaskContext, from: number, to: number, name?: string): TaskContext => ({
  signal: context.signal,
  emit(event) {
    if (event.type !== 'progress') context.emit(event)
    else context.emit({ type: 'progress', done: from + (to - from) * event.done, stage: event.stage ?? name })
  },
})
