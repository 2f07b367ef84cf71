/** Why a task has no result. */
export type EngineFault =
  /** The task rejected its input: a retry will fail again. The message is that of the task. */
  | 'input'
  /** The task failed for another reason; `code` is that of the operating system, if the cause has one. */
  | 'failed'
  /** Its process ended: killed, out of memory, or crashed in native code. */
  | 'crashed'
  /** Its process exceeded the memory limit. */
  | 'memory'
  /** The kernel killed its process or could not start it, because the host has no memory left. */
  | 'hostMemory'
  /** Its process sent no heartbeat in time. */
  | 'hung'
  /** The process object was closed. */
  | 'closed'

/** A task that ended without a result. */
export class EngineError extends Error {
  override name = 'EngineError'
  /** The code of the operating system, for example ENOSPC. */
  readonly code?: string
  constructor(
    readonly fault: EngineFault,
    message: string,
    options: ErrorOptions & { code?: string } = {},
  ) {
    super(message, options)
    this.code = options.code
  }
}
