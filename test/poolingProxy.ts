import { randomInt } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import pg from 'pg'

/** A pooler before PostgreSQL, in as much of its protocol as clients of ours use. In transaction mode each transaction gets the session that became
 *  free last, as with PgBouncer; in session mode each client keeps its own. It lets every client in.
 *  https://www.postgresql.org/docs/current/protocol-message-formats.html */
export class PoolingProxy {
  private readonly idle: Socket[] = []
  private readonly waiting: ((session: Socket) => void)[] = []
  private readonly sessions: pg.Client[] = []
  private readonly server: Server

  private constructor(
    private readonly target: string,
    public mode: 'session' | 'transaction',
  ) {
    this.server = createServer((client) => void this.serve(client))
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

  async close() {
    this.server.close()
    await Promise.all(this.sessions.map((session) => session.end().catch(() => {})))
  }

  private async addSession() {
    const session = new pg.Client({ connectionString: this.target })
    session.on('error', () => {})
    await session.connect()
    this.sessions.push(session)
    const socket = (session as unknown as { connection: { stream: Socket } }).connection.stream
    socket.removeAllListeners('data') // from here on the proxy reads what it answers
    this.idle.push(socket)
  }

  private async take(): Promise<Socket> {
    return this.idle.pop() ?? new Promise((free) => this.waiting.push(free))
  }

  private free(session: Socket) {
    session.removeAllListeners('data')
    const next = this.waiting.shift()
    if (next) next(session)
    else this.idle.push(session)
  }

  private async serve(client: Socket) {
    client.on('error', () => client.destroy())
    let started = false
    let session: Socket | undefined
    let taking: Promise<void> = Promise.resolve()
    const give = (message: Buffer, state?: string) => {
      client.write(message)
      if (state !== 'I' || this.mode === 'session' || !session) return
      const used = session
      session = undefined
      this.free(used)
    }
    const messages = framed((message, type) => {
      taking = taking.then(async () => {
        if (type === 'X') return void client.end()
        if (!session) {
          session = await this.take()
          const answers = framed((answer, kind) =>
            give(answer, kind === 'Z' ? String.fromCharCode(answer[5] ?? 0) : undefined),
          )
          session.on('data', answers)
        }
        session.write(message)
      })
    })
    client.on('data', (bytes: Buffer) => {
      if (started) return messages(bytes)
      started = true
      client.write(GREETING())
    })
    client.on('close', () => {
      // What a client leaves behind is ended with its session's transaction, as a pooler's reset does.
      if (session) this.free(session)
      session = undefined
    })
  }
}

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
