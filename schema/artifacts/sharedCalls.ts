import { untilAborted } from '#schema/untilAborted.ts'

/** Calls of one key at one time are made once. A caller that gives up leaves the call to the others; the last one ends it. */
export class SharedCalls<T> {
  private readonly running = new Map<string, { result: Promise<T>; callers: number; abort: AbortController }>()

  async call(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    let shared = this.running.get(key)
    if (!shared) {
      const abort = new AbortController()
      const result = work(abort.signal).finally(() => {
        if (this.running.get(key)?.abort === abort) this.running.delete(key)
      })
      shared = { result, callers: 0, abort }
      this.running.set(key, shared)
    }
    const { result, abort } = shared
    shared.callers++
    try {
      return await (signal ? untilAborted(result, signal) : result)
    } finally {
      if (--shared.callers === 0) {
        if (this.running.get(key) === shared) this.running.delete(key)
        result.catch(() => {}) // nobody waits for it any more
        abort.abort()
      }
    }
  }
}
