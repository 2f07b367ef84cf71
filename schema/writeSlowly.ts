import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** Writes to a response at the speed of its reader: resolves when more may be written. Resolves at once when the reader has left.
 *  @throws Error when the reader takes nothing for `maxMs`. */
export async function writeSlowly(response: ServerResponse, text: string, maxMs: number): Promise<void> {
  if (response.destroyed || response.write(text)) return
  const done = new AbortController()
  const timer = setTimeout(() => done.abort(new Error('The reader took nothing for too long.')), maxMs)
  try {
    const { signal } = done
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } catch (error) {
    throw done.signal.aborted ? done.signal.reason : error
  } finally {
    clearTimeout(timer)
    done.abort()
  }
}
