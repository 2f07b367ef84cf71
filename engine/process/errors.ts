/** Why a task has no result. */
export type EngineFault =
  /** The task rejected its input or failed; the message is that of the task. */
  | 'failed'
  /** Its process ended: killed, out of memory, or crashed in native code. */
  | 'crashed'
  /** Its process exceeded the memory limit. */
  | 'memory'
  /** Its process sent no heartbeat in time. */
  | 'hung'
  /** The process object was closed. */
  | 'closed'

/** A task that ended without a result. After the fault `failed`, a retry will fail again; after the others it can succeed. */
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
