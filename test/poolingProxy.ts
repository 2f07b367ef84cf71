import { randomInt } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import pg from 'pg'

/** A pooler before PostgreSQL, in as much of its protocol as clients of ours use. In transaction mode each transaction gets the session that became
 *  free last, as with PgBouncer; in session mode each client keeps its own. It lets every client in. A session whose client leaves without giving it
 *  back is replaced: its transaction and its locks end.
 *  https://www.postgresql.org/docs/current/protocol-message-formats.html */
export class PoolingProxy {
  private readonly idle: Socket[] = []
  private readonly waiting = new Set<(session: Socket) => void>()
  private readonly sessions = new Set<Socket>()
  private readonly clients = new Set<Socket>()
  private readonly server: Server
  private closed = false

  private constructor(
    private readonly target: string,
    public mode: 'session' | 'transaction',
  ) {
    this.server = createServer((client) => this.serve(client))
  }

  static async open(target: string, mode: 'session' | 'transaction', sessions: number): Promise<PoolingProxy> {
    const proxy = new PoolingProxy(target, mode)
    for (let n = 0; n < sessions; n++) await proxy.addSession()
    await new Promise<void>((done) => proxy.server.listen(0, '127.0.0.1', done))
    return proxy
  }

  get url(): string {
    const url = new URL(this.target)
    url.hostname = '127.0.0.1'
    url.port = String((this.server.address() as AddressInfo).port)
    return url.href
  }

  close() {
    this.closed = true
    this.server.close()
    for (const socket of [...this.clients, ...this.sessions]) socket.destroy()
  }

  private async addSession() {
    const session = new pg.Client({ connectionString: this.target })
    session.on('error', () => {})
    await session.connect()
    const socket = (session as unknown as { connection: { stream: Socket } }).connection.stream
    socket.removeAllListeners('data') // from here on the proxy reads what it answers
    if (this.closed) return void socket.destroy()
    this.sessions.add(socket)
    socket.once('close', () => {
      this.sessions.delete(socket)
      if (this.idle.includes(socket)) this.idle.splice(this.idle.indexOf(socket), 1)
      if (!this.closed) void this.addSession()
    })
    this.free(socket)
  }

  private take(use: (session: Socket) => void) {
    const session = this.idle.pop()
    if (session) use(session)
    else this.waiting.add(use)
  }

  private free(session: Socket) {
    const [next] = this.waiting
    if (!next) return void this.idle.push(session)
    this.waiting.delete(next)
    next(session)
  }

  private serve(client: Socket) {
    this.clients.add(client)
    let started = false
    let session: Socket | undefined
    /** What the client has sent while it waits for a session. */
    const unsent: Buffer[] = []
    const leave = () => void client.destroy()
    const answers = () =>
      framed((message, type) => {
        client.write(message)
        if (this.mode === 'transaction' && type === 'Z' && message[5] === IDLE) giveBack()
      })
    const use = (taken: Socket) => {
      session = taken.on('data', answers()).once('close', leave)
      for (const message of unsent.splice(0)) taken.write(message)
    }
    const giveBack = () => {
      const used = session?.removeAllListeners('data').off('close', leave)
      session = undefined
      if (used) this.free(used)
    }
    const messages = framed((message, type) => {
      if (type === 'X') return leave()
      if (session) return void session.write(message)
      if (unsent.push(message) === 1) this.take(use)
    })
    client.on('error', leave)
    client.on('data', (bytes: Buffer) => {
      if (started) return messages(bytes)
      started = true
      client.write(GREETING())
    })
    client.on('close', () => {
      this.clients.delete(client)
      this.waiting.delete(use)
      session?.destroy()
    })
  }
}

/** The state of a session without a transaction. */
const IDLE = 'I'.charCodeAt(0)

/** Splits a stream of bytes into messages: a letter and a length before each. */
function framed(take: (message: Buffer, type: string) => void) {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 5 && rest.length >= 1 + rest.readUInt32BE(1)) {
      const message = rest.subarray(0, 1 + rest.readUInt32BE(1))
      rest = rest.subarray(message.length)
      take(message, String.fromCharCode(message[0] ?? 0))
    }
  }
}

const message = (type: string, body: Buffer) => {
  const head = Buffer.alloc(5, type)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Let in, some settings, a key of the pooler's own, ready. */
const GREETING = () => {
  const key = Buffer.alloc(8)
  key.writeUInt32BE(randomInt(2 ** 31), 0)
  return Buffer.concat([
    message('R', Buffer.alloc(4)),
    message('S', Buffer.from('client_encoding\0UTF8\0')),
    message('S', Buffer.from('server_version\x0017.0\0')),
    message('K', key),
    message('Z', Buffer.from('I')),
  ])
}
