import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Coverage } from './coverage.ts'

/** A proxy between one run of the indexer and PostgreSQL. It can cut the connections at any statement: before the statement arrives, or after
 *  it was executed and before its answer arrives. */

/** A fault at a statement: `trigger` is called, and the connections are cut. */
export interface ConnectionFault {
  /** The fault happens after this number of statements, or at the next commit. */
  at: number | 'commit'
  when: 'before' | 'after'
  trigger: () => void | Promise<void>
}

const RETRACTED = /"type":"retracted","from":(\d+),"to":(\d+)/
/** The frontend message `Query` of PostgreSQL's protocol with the text `commit`. */
const COMMIT = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1')

export class DatabaseProxy {
  fault: ConnectionFault | undefined
  private readonly sockets = new Set<Socket>()
  private readonly server: Server
  private closed = false

  constructor(
    private readonly target: URL,
    private readonly coverage: Coverage,
  ) {
    this.server = createServer((client) => this.join(client))
  }

  /** @returns the URL of the database through this proxy. */
  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    const through = new URL(this.target.href)
    through.port = String((this.server.address() as AddressInfo).port)
    return through.href
  }

  /** Breaks all connections; new ones may be opened. */
  cut() {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Breaks all connections and accepts no new ones. */
  close() {
    this.closed = true
    this.cut()
    this.server.close()
  }

  private join(client: Socket) {
    if (this.closed) return void client.destroy()
    const upstream = connect(Number(this.target.port), this.target.hostname)
    let muted = false
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    let struck: (() => void) | undefined
    client.on('data', (chunk) => {
      this.watch(chunk)
      const fault = this.sprung(chunk)
      if (fault?.when === 'before') {
        muted = true
        return void this.strike(fault)
      }
      if (fault) {
        muted = true
        struck = () => void this.strike(fault)
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (struck) {
        const now = struck
        struck = undefined
        now() // the statement was executed, and its answer is lost
      } else if (!muted) client.write(chunk)
    })
  }

  private async strike({ trigger }: ConnectionFault) {
    await trigger()
    this.cut()
  }

  private sprung(chunk: Buffer): ConnectionFault | undefined {
    const { fault } = this
    if (!fault) return undefined
    if (fault.at === 'commit' ? !chunk.equals(COMMIT) : --fault.at > 0) return undefined
    this.fault = undefined
    return fault
  }

  private watch(chunk: Buffer) {
    const [, from, to] = RETRACTED.exec(chunk.toString('latin1')) ?? []
    if (to) this.coverage.forkSeen(Number(to) - Number(from) + 1)
  }
}
