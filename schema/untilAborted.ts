/** Resolves like `work`, or rejects with the reason of `signal` as soon as it aborts. `work` itself goes on, and its later error is ignored. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {}
  const abortion = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
  })
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  work.catch(() => {}) // its error is ours to report only while nobody has aborted
  try {
    return await Promise.race([work, abortion])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
