import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy in front of any service, PostgreSQL, Redis, S3 or an RPC node, that injects faults into the connections through it. */

export type Fault =
  | { mode: 'pass' }
  /** Each HTTP request is answered with this status, and the connection is closed. The service receives nothing. */
  | { mode: 'status'; status: number }
  /** The service receives the requests; its answers are lost, and the connections stay open. */
  | { mode: 'hang' }
  /** Nothing passes in either direction, as behind a network that drops packets; the connections stay open. */
  | { mode: 'blackHole' }
  /** Answers pass at this rate. */
  | { mode: 'slow'; bytesPerSecond: number }
  /** The connection is reset after so many bytes of answers have passed while the fault lasts. */
  | { mode: 'reset'; afterBytes: number }
  /** Open connections are reset, and new ones are refused. */
  | { mode: 'refuse' }

const PASS: Fault = { mode: 'pass' }
const REQUEST_LINE = /^(GET|HEAD|PUT|POST|DELETE|OPTIONS|PATCH) \S+(?= HTTP\/1\.1\r\n)/
/** Interval between the parts of a slow answer. */
const SLOW_TICK_MS = 50

export class FaultProxy {
  /** The HTTP requests that arrived, such as `GET /bucket/key`. */
  readonly requests: string[] = []
  private readonly sockets = new Set<Socket>()
  private readonly upstreams = new Set<Socket>()
  /** Both sockets of the connections of which bytes, or the end, were dropped: they are reset when the fault ends, as TCP would never deliver
   *  a stream with a gap. */
  private readonly broken = new Set<Socket>()
  private readonly server: Server
  private chosen: (request: string) => Fault = () => PASS
  private current: Fault = PASS
  private port = 0

  private constructor(
    private readonly target: { host: string; port: number },
    private readonly host: string,
  ) {
    this.server = createServer((client) => this.join(client))
  }

  /** @param target URL of the service, or its host and port. @param host the address on which the proxy listens */
  static async open(target: string | { host: string; port: number }, host = '127.0.0.1'): Promise<FaultProxy> {
    const proxy = new FaultProxy(typeof target === 'string' ? addressOf(target) : target, host)
    await proxy.listen()
    return proxy
  }

  get address(): { host: string; port: number } {
    return { host: this.host, port: this.port }
  }

  /** The URL of the service through this proxy. */
  url(original: string): string {
    const through = new URL(original)
    through.hostname = this.host
    through.port = String(this.port)
    return through.href.replace(/\/$/, original.endsWith('/') ? '/' : '')
  }

  /** Sets the fault of all connections, open ones included. */
  async set(fault: Fault): Promise<void> {
    this.chosen = () => fault
    this.current = fault
    if (fault.mode !== 'hang' && fault.mode !== 'blackHole') {
      for (const socket of this.broken) socket.resetAndDestroy()
      this.broken.clear()
    }
    if (fault.mode === 'refuse') {
      this.cut()
      await new Promise<void>((done) => (this.server.listening ? this.server.close(() => done()) : done()))
    } else if (!this.server.listening) await this.listen()
  }

  /** Chooses the fault of each HTTP request by its request line, such as `GET /bucket/key`. */
  async choose(faultOf: (request: string) => Fault): Promise<void> {
    await this.set(PASS)
    this.chosen = faultOf
  }

  /** Resets all open connections; new ones may be opened. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy()
  }

  /** Resets the connections to the service, but not those of the clients: what a service's keepalives do when its clients' host is gone. */
  expire(): void {
    for (const upstream of this.upstreams) upstream.resetAndDestroy()
  }

  async close(): Promise<void> {
    await this.set({ mode: 'refuse' })
  }

  private async listen(): Promise<void> {
    await new Promise<void>((done, fail) => {
      this.server.once('error', fail)
      this.server.listen(this.port, this.host, () => {
        this.server.off('error', fail)
        done()
      })
    })
    this.port = (this.server.address() as AddressInfo).port
  }

  private join(client: Socket): void {
    const upstream = connect(this.target.port, this.target.host)
    this.upstreams.add(upstream)
    let fault: () => Fault = () => this.current
    let answered = 0
    const lose = () => {
      this.broken.add(client).add(upstream)
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      this.sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('close', () => {
      this.sockets.delete(client)
      if (fault().mode === 'blackHole')
        lose() // the service does not learn that the client is gone
      else upstream.destroy()
    })
    upstream.on('close', () => {
      this.sockets.delete(upstream)
      this.upstreams.delete(upstream)
      const { mode } = fault()
      if (mode === 'hang' || mode === 'blackHole') lose()
      else if (!client.isPaused()) client.destroySoon()
    })
    client.on('data', (chunk) => {
      const [request] = REQUEST_LINE.exec(chunk.toString('latin1', 0, 4096)) ?? []
      if (request) {
        this.requests.push(request)
        const chosen = this.chosen(request)
        fault = chosen === this.current ? () => this.current : () => chosen
        answered = 0
      }
      const now = fault()
      if (now.mode === 'blackHole') return lose()
      if (now.mode !== 'status') return void upstream.write(chunk)
      if (request) client.write(`HTTP/1.1 ${now.status} Fault\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
      client.end()
    })
    upstream.on('data', (chunk) => {
      const now = fault()
      if (now.mode === 'hang' || now.mode === 'blackHole') return lose()
      if (now.mode === 'slow') return trickle(chunk, client, upstream, () => fault())
      if (now.mode === 'reset') {
        client.write(chunk.subarray(0, Math.max(0, now.afterBytes - answered)))
        answered += chunk.length
        if (answered >= now.afterBytes) setImmediate(() => client.resetAndDestroy())
        return
      }
      client.write(chunk)
    })
  }
}

/** Writes a chunk in small parts, as long as the fault lasts, and reads no more meanwhile. */
function trickle(chunk: Buffer, client: Socket, upstream: Socket, fault: () => Fault): void {
  upstream.pause()
  const timer = setInterval(() => {
    const now = fault()
    const part =
      now.mode === 'slow' ? Math.max(1, Math.round((now.bytesPerSecond * SLOW_TICK_MS) / 1000)) : chunk.length
    if (!client.destroyed) client.write(chunk.subarray(0, part))
    chunk = chunk.subarray(part)
    if (chunk.length && !client.destroyed) return
    clearInterval(timer)
    upstream.resume()
  }, SLOW_TICK_MS)
}

const DEFAULT_PORTS: Record<string, number> = {
  'http:': 80,
  'https:': 443,
  'postgresql:': 5432,
  'postgres:': 5432,
  'redis:': 6379,
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname, port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0) }
}
