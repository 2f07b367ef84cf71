import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Tally } from './coverage.ts'

/** The wire between one life of the indexer and PostgreSQL: it counts the statements that pass and can be cut at any of them, with
 *  the statement lost, or done and its answer lost. */

/** What happens at a statement. `strike` is told, and the wire is cut: before the statement arrives, or after it was done. */
export interface Trap {
  /** Springs at this many statements from now, or at the next commit. */
  at: number | 'commit'
  when: 'before' | 'after'
  strike: () => void | Promise<void>
}

const RETRACTED = /"type":"retracted","from":(\d+),"to":(\d+)/
/** A frontend message `Query` of PostgreSQL's protocol with this text. */
const COMMIT = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1')

export class Wire {
  trap: Trap | undefined
  private readonly sockets = new Set<Socket>()
  private readonly server: Server
  private closed = false

  constructor(
    private readonly target: URL,
    private readonly tally: Tally,
  ) {
    this.server = createServer((client) => this.join(client))
  }

  /** @returns the database's URL through this wire. */
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
      const trap = this.sprung(chunk)
      if (trap?.when === 'before') {
        muted = true
        return void this.strike(trap)
      }
      if (trap) {
        muted = true
        struck = () => void this.strike(trap)
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

  private async strike({ strike }: Trap) {
    await strike()
    this.cut()
  }

  private sprung(chunk: Buffer): Trap | undefined {
    const { trap } = this
    if (!trap) return undefined
    if (trap.at === 'commit' ? !chunk.equals(COMMIT) : --trap.at > 0) return undefined
    this.trap = undefined
    return trap
  }

  private watch(chunk: Buffer) {
    const [, from, to] = RETRACTED.exec(chunk.toString('latin1')) ?? []
    if (to) this.tally.forkSeen(Number(to) - Number(from) + 1)
  }
}
