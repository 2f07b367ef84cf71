import type { SpelledToken } from '#engine/generate/text.ts'

/** One token of an answer, with the most likely ones at its place if they were requested. */
export interface AnswerToken {
  token: SpelledToken
  top?: readonly SpelledToken[]
}

/** An event that a task emits while it runs. */
export type EngineEvent =
  /** One value of a metric. */
  | { type: 'metric'; name: string; step: number; value: number }
  /** Progress from 0 to 1, and the current stage in a few words. */
  | { type: 'progress'; done: number; stage?: string }
  /** The next text of the answer to request number `request`. */
  | ({ type: 'text'; request: number } & TextProgress)
  /** How far that answer is while its newest tokens have no text yet: it may become part of a stop string, or of a character. */
  | ({ type: 'tokens'; request: number } & Pick<TextProgress, 'tokensIn' | 'tokensOut'>)
  /** A fault in spite of which the task goes on; without a text it is over. */
  | { type: 'warning'; text?: string }

/** A piece of an answer, and how far the answer is with it. */
export interface TextProgress {
  /** Not empty. */
  text: string
  tokensIn: number
  /** Tokens sampled so far, without the end token. */
  tokensOut: number
  /** The tokens since the last piece, if they were requested. */
  tokens?: readonly AnswerToken[]
}

/** What a task receives in addition to its input. */
export interface TaskContext {
  emit(event: EngineEvent): void
  /** When it aborts, a task saves its checkpoint and throws the signal's reason. */
  signal: AbortSignal
}

/** Work on plain data, with files given as absolute paths. The same input gives the same result. */
export type Task<Input, Result> = (input: Input, context: TaskContext) => Promise<Result>

/** The task's input is invalid; the message says what to change. */
export class TaskError extends Error {
  override name = 'TaskError'
}

/** Only the request and the model decide the outcome of `work`, so that it fails in the same way at each retry. */
export function refusable<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof TaskError) throw cause
    throw new TaskError(`${what}: ${(cause as Error).message}`, { cause })
  }
}

/** The context of one stage: its progress from 0 to 1 is reported as `from` to `to` of the whole task. */
export const stageContext = (context: TaskContext, from: number, to: number, name?: string): TaskContext => ({
  signal: context.signal,
  emit(event) {
    if (event.type !== 'progress') context.emit(event)
    else context.emit({ type: 'progress', done: from + (to - from) * event.done, stage: event.stage ?? name })
  },
})
