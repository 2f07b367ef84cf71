import { redactCredentials } from '../redact.ts'
import { ArtifactStoreError, BrokenTransferError } from './errors.ts'
import { ObjectMissingError } from './objects.ts'
import { requireThroughput, TransferSlowError } from './throughput.ts'
import type { ReadableObjects } from './verifiedRead.ts'

export interface HttpSource {
  /** The address of the folder, without credentials. */
  url: URL
  /** The header `authorization`. */
  authorization?: string
}

/** How long a web server may take. */
export interface HttpLimits {
  /** Until an answer begins, or between two parts of it. */
  idleMs: number
  /** The lowest rate of a transfer. */
  minBytesPerSecond: number
}

const LIMITS: HttpLimits = { idleMs: 10_000, minBytesPerSecond: 8192 }
const MAX_REDIRECTS = 3

/** Below its address, a ModelCommons API has the artifact's name; a folder of artifacts on a web server has sub-folders, like `folderObjects`. */
const LAYOUTS = [(name: string) => name, (name: string) => `${name.slice(2, 4)}/${name}`]

/** The statuses that say that there is no such artifact; 451: its sample was taken down there. */
const GONE = [404, 410, 451]

/** Artifacts below the address of a web server. */
export function httpObjects(source: HttpSource, options: Partial<HttpLimits> = {}): ReadableObjects {
  const limits = { ...LIMITS, ...options }
  const where = redactCredentials(`${source.url.origin}${source.url.pathname}`)
  const headers = {
    'accept-encoding': 'identity',
    ...(source.authorization && { authorization: source.authorization }),
  }
  let layouts = LAYOUTS

  return {
    where,
    async *read(name, { signal } = {}) {
      const abort = new AbortController()
      const either = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal
      const within = async <T>(step: Promise<T>): Promise<T> => {
        const late = () => abort.abort(new TransferSlowError(`nothing arrived for ${limits.idleMs / 1000} s`))
        const timer = setTimeout(late, limits.idleMs)
        return step.finally(() => clearTimeout(timer))
      }
      let begun = false
      try {
        for (const layout of layouts) {
          const response = await within(getFollowing(below(source.url, layout(name)), { headers, signal: either }))
          if (GONE.includes(response.status)) {
            await response.body?.cancel()
            continue
          }
          if (response.status !== 200) throw new Error(`status ${response.status}`)
          begun = true
          if (response.body) yield* requireThroughput(untilEnd(response.body, within), limits)
          layouts = [layout, ...LAYOUTS.filter((one) => one !== layout)]
          return
        }
      } catch (cause) {
        signal?.throwIfAborted()
        const message = `ARTIFACT_MIRRORS: ${where} does not answer as expected: ${redactCredentials(reasonOf(cause))}.`
        throw new (begun ? BrokenTransferError : ArtifactStoreError)('unreachable', message, { cause })
      } finally {
        abort.abort() // closes the connection of an answer that was not read to its end
      }
      throw new ObjectMissingError(name)
    },
  }
}

/** The parts of a body, of which each is awaited by `within`. */
async function* untilEnd(
  body: ReadableStream<Uint8Array>,
  within: <T>(step: Promise<T>) => Promise<T>,
): AsyncIterable<Uint8Array> {
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await within(reader.read())
    if (done) return
    yield value
  }
}

/** Gets a URL and follows redirects within its host: a mirror may not send this host to addresses that only this host reaches. */
async function getFollowing(url: URL, request: RequestInit): Promise<Response> {
  let target = url
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(target, { ...request, redirect: 'manual' })
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    const next = new URL(location, target)
    if (!staysOnHost(target, next)) throw new Error(`it redirects to another host, ${next.origin}`)
    target = next
  }
  throw new Error(`it redirects more than ${MAX_REDIRECTS} times`)
}

const staysOnHost = (from: URL, to: URL) =>
  from.origin === to.origin ||
  (from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:' && !from.port && !to.port)

function below(base: URL, path: string): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${path}`
  return url
}

/** The message of `fetch` itself says nothing: its cause does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message ? cause.message : message
}
