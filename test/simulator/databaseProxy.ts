import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Coverage } from './coverage.ts'

/** The proxy between one run of the indexer and PostgreSQL: it counts the statements that pass and can be cut at any of them, with
 *  the statement lost, or done and its answer lost. */

/** What happens at a statement. `strike` is told, and the proxy is cut: before the statement arrives, or after it was done. */
export interface ConnectionFault {
  /** Springs at this many statements from now, or at the next commit. */
  at: number | 'commit'
  when: 'before' | 'after'
  trigger: () => void | Promise<void>
}

const RETRACTED = /"type":"retracted","from":(\d+),"to":(\d+)/
/** A frontend message `Query` of PostgreSQL's protocol with this text. */
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

  /** @returns the database's URL through this proxy. */
  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    const through = new URL(this.target.href)
    through.port = String((this.server.address() as AddressInfo).port)
    return through.href
  }

  /** Breaks every connection; new ones may be made. */
  cut() {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Nothing passes any more. */
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
        now() // the statement is done, and nobody will hear of it
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
