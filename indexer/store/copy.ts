import type { EventEmitter } from 'node:events'
import type { Sql } from '#schema/database.ts'

/** `COPY … FROM STDIN`: rows travel as text, message by message, so that PostgreSQL stores the first while the last are still written out.
 *  @see https://www.postgresql.org/docs/current/protocol-message-formats.html (CopyData) */

/** What `pg` offers of its connection to a query that speaks the protocol itself. */
interface Connection extends EventEmitter {
  stream: NodeJS.WritableStream & { writableLength: number }
  query(text: string): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

const COPY_DATA = 'd'.charCodeAt(0)
const HEADER_BYTES = 5
const MESSAGE_BYTES = 256 * 1024
/** So much may wait to be sent: while the event loop is busy, PostgreSQL has something to do. */
const MOST_WAITING_BYTES = 4 * 2 ** 20
/** A UTF-16 unit is at most three bytes of UTF-8. */
const MOST_BYTES = 3

/** Texts as messages of the protocol, each full before the next is begun. */
function* messages(texts: Iterable<string>): Generator<Buffer> {
  let message = Buffer.allocUnsafe(MESSAGE_BYTES)
  let end = HEADER_BYTES
  const close = () => {
    message[0] = COPY_DATA
    message.writeInt32BE(end - 1, 1) // the length counts itself, and not the first byte
    return message.subarray(0, end)
  }
  for (const text of texts) {
    const most = text.length * MOST_BYTES
    if (end + most > message.length) {
      if (end > HEADER_BYTES) yield close()
      message = Buffer.allocUnsafe(Math.max(MESSAGE_BYTES, HEADER_BYTES + most))
      end = HEADER_BYTES
    }
    end += message.write(text, end)
  }
  if (end > HEADER_BYTES) yield close()
}

/** A query in `pg`'s own terms (a "submittable"): it is handed each message that the server answers. */
class CopyFrom {
  /** Set by a pool that wants its connection back. */
  callback: ((error: Error | null) => void) | undefined
  private failure: Error | undefined

  constructor(
    private readonly text: string,
    private readonly texts: Iterable<string>,
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
    for (const message of messages(this.texts)) {
      if (this.failure) return
      connection.stream.write(message)
      if (connection.stream.writableLength > MOST_WAITING_BYTES) await drained(connection.stream)
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

/** Copies rows into a table inside the transaction of `sql`. `texts` are the rows' lines, end to end.
 *  @throws the server's error, which spoils the transaction like any other. */
export function copyInto(sql: Sql, table: string, columns: readonly string[], texts: Iterable<string>): Promise<void> {
  const quoted = columns.map((column) => `"${column}"`).join(', ')
  return new Promise((done, fail) => {
    const end = (error: Error | null) => (error ? fail(error) : done())
    const sent: unknown = sql.query(new CopyFrom(`copy "${table}" (${quoted}) from stdin`, texts, end) as never)
    if (sent instanceof Promise) sent.catch(() => {}) // a pool tells the same again
  })
}
