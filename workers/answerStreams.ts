import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { LRUCache } from 'lru-cache'
import type { TextProgress } from '#engine/process/index.ts'
import { PermanentError } from '#schema/errors.ts'
import { sameSecret } from '#schema/sameSecret.ts'
import { writeSlowly } from '#schema/writeSlowly.ts'

/** Answers while they are generated: the API reads them here, over HTTP, so that no token goes through the queue or the database. `GET /streams/JOB`
 *  with the key as a bearer token gives lines of JSON, one for each piece of text, and `{"end":true}` when the model has ended. A connection that
 *  closes without it belongs to an attempt that failed. The API waits for the row of the job in any case: it alone says what was answered and charged. */

export interface AnswerStreams {
  /** Where the API finds the streams. */
  url: string
  /** What it must send. */
  key: string
  /** Begins the stream of an attempt. One of an earlier attempt of the job is broken off. */
  open(jobId: string): AnswerStream
  close(): Promise<void>
}

export interface AnswerStream {
  push(piece: TextProgress): void
  /** The model has ended. */
  end(): void
  /** The attempt has failed: readers are disconnected. */
  fail(): void
}

interface StreamAddress {
  host: string
  /** 0 takes a free port. */
  port: number
  /** The address under which the API reaches it; by default that of `host` and `port`. */
  url?: string
}

/** A stream that has ended is kept for this time, for late readers. */
const KEPT_MS = 60_000
/** Of streams that have ended, at most so many bytes are kept. */
const MAX_KEPT_BYTES = 64 * 2 ** 20
/** A reader that takes nothing for this time is disconnected. */
const DRAIN_MS = 60_000
/** An empty line is sent at this interval, so that neither side counts a slow answer as a dead connection. */
const PING_MS = 10_000

/** One attempt's text, in lines. Readers have a position in it, so that a slow one costs no memory of its own. */
class BufferedStream implements AnswerStream {
  readonly lines: string[] = []
  bytes = 0
  state: 'expected' | 'open' | 'ended' | 'failed' = 'expected'
  readers = 0
  /** Readers that have sent all there is. */
  private readonly waiting = new Set<() => void>()

  constructor(private readonly closed: (stream: BufferedStream) => void) {}

  push({ text, tokensIn, tokensOut, tokens }: TextProgress): void {
    this.add({ text, tokensIn, tokensOut, ...(tokens && { tokens }) })
  }

  end(): void {
    this.add({ end: true })
    this.close('ended')
  }

  fail(): void {
    this.close('failed')
  }

  /** Resolves at the next change, or after `ms`. */
  changed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.waiting.add(wake)
    })
  }

  private add(line: object): void {
    const text = `${JSON.stringify(line)}\n`
    this.lines.push(text)
    this.bytes += text.length
    this.wake()
  }

  private close(state: 'ended' | 'failed'): void {
    if (this.state === 'ended' || this.state === 'failed') return
    this.state = state
    this.closed(this)
    this.wake()
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake()
  }
}

/** Serves the streams of this worker. @throws PermanentError that names STREAM_PORT when nothing can listen there. */
export async function serveAnswerStreams({ host, port, url }: StreamAddress): Promise<AnswerStreams> {
  const key = randomBytes(32).toString('hex')
  const streams = new StreamTable()
  const server = createServer(async (request, response) => {
    const jobId = /^\/streams\/(\w{1,64})$/.exec(request.url ?? '')?.[1]
    if (!sameSecret(request.headers.authorization ?? '', `Bearer ${key}`)) return void response.writeHead(401).end()
    if (request.method !== 'GET' || !jobId) return void response.writeHead(404).end()
    await streams.read(jobId, (stream) => send(stream, response).catch(() => void response.destroy()))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new PermanentError(
          `STREAM_HOST, STREAM_PORT: cannot listen on ${host}:${port} (${cause.message}). Set them to an address and a free port of this machine; 0 takes a free one.`,
          { cause },
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  return {
    url: url ?? `http://${reachable(host)}:${(server.address() as AddressInfo).port}`,
    key,
    open: (jobId) => streams.open(jobId),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The streams of this worker by their jobs. */
class StreamTable {
  private readonly running = new Map<string, BufferedStream>()
  private readonly ended = new LRUCache<string, BufferedStream>({
    ttl: KEPT_MS,
    ttlAutopurge: true,
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  })

  open(jobId: string): AnswerStream {
    const before = this.running.get(jobId)
    if (before?.state === 'open') before.fail()
    this.ended.delete(jobId)
    const stream = this.find(jobId)
    stream.state = 'open'
    return stream
  }

  /** Reads the job's stream. The API may hear of an attempt before its handler begins: then the reader waits. */
  async read(jobId: string, work: (stream: BufferedStream) => Promise<void>): Promise<void> {
    const stream = this.find(jobId)
    stream.readers++
    await work(stream)
    stream.readers--
    if (stream.state === 'expected' && stream.readers === 0) this.running.delete(jobId)
  }

  private find(jobId: string): BufferedStream {
    const found = this.running.get(jobId) ?? this.ended.get(jobId)
    if (found) return found
    const made = new BufferedStream((stream) => {
      this.running.delete(jobId)
      if (stream.state === 'ended') this.ended.set(jobId, stream)
    })
    this.running.set(jobId, made)
    return made
  }
}

async function send(stream: BufferedStream, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
  for (let sent = 0; !response.destroyed; ) {
    const line = stream.lines[sent]
    if (line !== undefined) {
      sent++
      await writeSlowly(response, line, DRAIN_MS)
    } else if (stream.state === 'ended') return void response.end()
    else if (stream.state === 'failed') return void response.destroy()
    else {
      await stream.changed(PING_MS)
      if (stream.lines[sent] === undefined && stream.state === 'open') await writeSlowly(response, '\n', DRAIN_MS)
    }
  }
}

/** The name of a machine that listens on all its addresses. */
const reachable = (host: string) =>
  host === '0.0.0.0' || host === '::' ? hostname() : host.includes(':') ? `[${host}]` : host
