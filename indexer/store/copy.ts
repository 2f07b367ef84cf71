import type { EventEmitter } from 'node:events'
import type { Sql } from '#schema/database.ts'

/** `COPY … FROM STDIN`: rows are sent as text, message by message, so that PostgreSQL stores the first while the last are still serialised.
 *  @see https://www.postgresql.org/docs/current/protocol-message-formats.html (CopyData) */

/** The part of `pg`'s connection that a query may use to speak the protocol itself. */
interface Connection extends EventEmitter {
  stream: NodeJS.WritableStream & { writableLength: number }
  query(text: string): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

const COPY_DATA = 'd'.charCodeAt(0)
const HEADER_BYTES = 5
const MESSAGE_BYTES = 256 * 1024
/** This much may wait to be sent, so that PostgreSQL has work while the event loop is busy. */
const MAX_WAITING_BYTES = 4 * 2 ** 20
/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const MAX_BYTES_PER_UNIT = 3

/** Texts as messages of the protocol, each filled before the next starts. */
function* messages(texts: Iterable<string>): Generator<Buffer> {
  let message = Buffer.allocUnsafe(MESSAGE_BYTES)
  let end = HEADER_BYTES
  const close = () => {
    message[0] = COPY_DATA
    message.writeInt32BE(end - 1, 1) // the length includes itself, but not the first byte
    return message.subarray(0, end)
  }
  for (const text of texts) {
    const max = text.length * MAX_BYTES_PER_UNIT
    if (end + max > message.length) {
      if (end > HEADER_BYTES) yield close()
      message = Buffer.allocUnsafe(Math.max(MESSAGE_BYTES, HEADER_BYTES + max))
      end = HEADER_BYTES
    }
    end += message.write(text, end)
  }
  if (end > HEADER_BYTES) yield close()
}

/** A query as `pg` defines it (a "submittable"): it receives each message of the server. */
class CopyFrom {
  /** Set by a pool, which gets its connection back through it. */
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

  /** Yields to the event loop while the stream is full, so that data fetched ahead can arrive. */
  private async send(connection: Connection) {
    for (const message of messages(this.texts)) {
      if (this.failure) return
      connection.stream.write(message)
      if (connection.stream.writableLength > MAX_WAITING_BYTES) await drained(connection.stream)
    }
    if (!this.failure) connection.endCopyFrom()
  }
}

/** Resolves when the stream can take more, or is closed (`pg` then fails the query itself). */
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

/** Copies rows into a table inside the transaction of `sql`. `texts` are the rows' lines, concatenated.
 *  @throws the server's error, which aborts the transaction like any other. */
export function copyInto(sql: Sql, table: string, columns: readonly string[], texts: Iterable<string>): Promise<void> {
  const quoted = columns.map((column) => `"${column}"`).join(', ')
  return new Promise((done, fail) => {
    const end = (error: Error | null) => (error ? fail(error) : done())
    const copy = new CopyFrom(`copy "${table}" (${quoted}) from stdin`, texts, end)
    const sent: unknown = sql.query(copy as never) // pg takes any submittable, but Sql declares texts only
    if (sent instanceof Promise) sent.catch(() => {}) // a pool reports the same error again
  })
}
