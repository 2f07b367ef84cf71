import type { EventEmitter } from 'node:events'
import type { Sql } from '#schema/database.ts'

/** `COPY … FROM STDIN`: rows travel as text, in pieces, so that PostgreSQL stores the first while the last are still written out.
 *  @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS (text format) */

const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** A text as a field of a COPY row. */
export const copyText = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : text

/** What `pg` offers of its connection to a query that speaks the protocol itself. */
interface Connection extends EventEmitter {
  stream: NodeJS.WritableStream & { writableNeedDrain: boolean }
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

/** A query in `pg`'s own terms (a "submittable"): it is handed each message that the server answers. */
class CopyFrom {
  /** Set by a pool that wants its connection back. */
  callback: ((error: Error | null) => void) | undefined
  private failure: Error | undefined

  constructor(
    private readonly text: string,
    private readonly pieces: Iterator<string>,
    private readonly done: (error: Error | null) => void,
  ) {}

  submit(connection: Connection) {
    connection.query(this.text)
  }

  handleCopyInResponse(connection: Connection) {
    this.send(connection).catch((error: Error) => {
      this.failure ??= error
      connection.sendCopyFail(error.message)
    })
  }

  handleError(error: Error, _connection: Connection) {
    this.failure ??= error
    this.end()
  }

  handleReadyForQuery() {
    this.end()
  }

  handleCommandComplete() {}
  handleRowDescription() {}
  handleDataRow() {}
  handlePortalSuspended() {}
  handleEmptyQuery() {}

  private end() {
    this.done(this.failure ?? null)
    this.callback?.(this.failure ?? null)
  }

  /** Lets the event loop turn between pieces: what is fetched ahead arrives meanwhile. */
  private async send(connection: Connection) {
    for (let piece = this.pieces.next(); !piece.done && !this.failure; piece = this.pieces.next()) {
      connection.sendCopyFromChunk(Buffer.from(piece.value))
      if (connection.stream.writableNeedDrain) await drained(connection.stream)
    }
    if (!this.failure) connection.endCopyFrom()
  }
}

/** Until the stream takes more, or is gone (then the query hears of it by itself). */
const drained = (stream: NodeJS.WritableStream) =>
  new Promise<void>((done) => {
    const end = () => {
      stream.off('drain', end)
      stream.off('close', end)
      done()
    }
    stream.on('drain', end)
    stream.on('close', end)
  })

/** Copies rows into a table inside the transaction of `sql`. `pieces` yields whole lines.
 *  @throws the server's error, which spoils the transaction like any other. */
export function copyInto(sql: Sql, table: string, columns: readonly string[], pieces: Iterator<string>): Promise<void> {
  const quoted = columns.map((column) => `"${column}"`).join(', ')
  return new Promise((done, fail) => {
    const end = (error: Error | null) => (error ? fail(error) : done())
    const sent: unknown = sql.query(new CopyFrom(`copy "${table}" (${quoted}) from stdin`, pieces, end) as never)
    if (sent instanceof Promise) sent.catch(() => {}) // a pool tells the same again
  })
}
