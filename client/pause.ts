/** Waits. @throws the signal's reason when it aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

const LONGEST_MS = 2_000

/** Pauses between looks at something that takes who knows how long: a twentieth of the time that it has taken so far, at least `pollMs` and at most two seconds.
 *  Who waits for a training of minutes asks hardly later than it ends, and a hundredth as often. */
export function pauses({ pollMs, signal }: { pollMs: number; signal?: AbortSignal }): () => Promise<void> {
  const began = performance.now()
  return () => pause(Math.max(pollMs, Math.min(LONGEST_MS, (performance.now() - began) / 20)), signal)
}
