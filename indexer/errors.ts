/** The indexer cannot go on by itself: what it says to do must be done first. Everything else is tried again. */
export class IndexerError extends Error {
  override name = 'IndexerError'
}

const LOST_CONNECTION =
  /connection terminated|connection refused|connection ended|client has encountered a connection error|timeout exceeded when trying to connect|ECONN|EPIPE/i
/** Connection failures, an administrator's shutdown, too many clients, deadlocks: another try may succeed. */
const RETRIABLE_STATE = /^(08...|57P0.|53300|40001|40P01)$/
const RETRIABLE = new Set(['RpcUnavailable', 'RpcError', 'Inconsistent', 'CursorMoved'])

/** Whether trying again may help: the node or the database is away, or the chain changed while we asked. */
export function isRetriable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (RETRIABLE.has(error.name)) return true
  const code = (error as { code?: unknown }).code
  return (
    (typeof code === 'string' && (RETRIABLE_STATE.test(code) || code.startsWith('ECONN'))) ||
    LOST_CONNECTION.test(error.message)
  )
}
