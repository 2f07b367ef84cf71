/** The user or the system ended the command: Ctrl-C, SIGTERM, or a closed terminal. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export const INTERRUPTED_CODE = 130

/** Runs `work` with a signal that SIGINT, SIGTERM and SIGHUP abort, so that `work` can stop the servers that it started. A second of these
 *  signals ends the process at once. The handlers exist before `work` starts anything. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const interrupt = () => {
    if (abort.signal.aborted) process.exit(INTERRUPTED_CODE)
    abort.abort(new Interrupted('Interrupted.'))
  }
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    return await work(abort.signal)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}
