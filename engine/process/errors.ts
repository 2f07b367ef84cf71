/** Why a task gave no result. */
export type EngineFault =
  /** The task refused its input or failed; the message is the task's own. */
  | 'failed'
  /** Its process died: killed from outside, out of memory, or a fault in native code. */
  | 'crashed'
  /** Its process passed the memory limit. */
  | 'memory'
  /** Its process gave no sign of life. */
  | 'hung'
  /** The process object was closed. */
  | 'closed'

/** A task that ended without a result. `fault` says whether trying again can help: `failed` will fail again. */
export class EngineError extends Error {
  override name = 'EngineError'
  constructor(
    readonly fault: EngineFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
