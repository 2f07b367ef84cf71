import pg from 'pg'
import { RetriableError } from './errors.ts'
import { redactCredentials } from './redact.ts'

/** Type parsers for PostgreSQL: bigint columns are read as numbers (block heights), numerics without fraction as bigint (wei). */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return Number
    if (oid === pg.types.builtins.NUMERIC) return (text: string) => (text.includes('.') ? Number(text) : BigInt(text))
    return pg.types.getTypeParser(oid, format as 'text')
  }) as typeof pg.types.getTypeParser,
}

/** Runs SQL: the pool itself, or one connection inside a transaction. */
export interface Sql {
  // biome-ignore lint/suspicious/noExplicitAny: the statement decides the shape of its rows
  query<Row extends pg.QueryResultRow = any>(
    text: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>
}

export interface Database extends Sql {
  readonly url: string
  readonly pool: pg.Pool
  /** Runs `work` in one transaction, which is rolled back when `work` throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>, isolation?: 'read committed' | 'repeatable read'): Promise<T>
  /** Calls `listener` with each payload notified on `channel`, and reconnects when the connection is lost, which it tells `onReturn`: what was notified
   *  meanwhile is lost, and the database may be an older copy. Returns a function that stops it. */
  listen(channel: string, listener: (payload: string) => void, onReturn?: () => void): Promise<() => Promise<void>>
  /** Breaks every open connection of the pool: whatever waits for an answer fails at once. New connections are opened as needed. */
  breakConnections(): void
  close(): Promise<void>
}

/** No PostgreSQL answers. */
export class DatabaseError extends RetriableError {
  override name = 'DatabaseError'
}

/** What every session of ours asks of PostgreSQL. A host that vanishes sends no end of its connections: keepalives find it after 5 s of
 *  silence and two unanswered probes, 5 s apart, and unacknowledged data after 15 s. Then PostgreSQL ends the session, and its locks are free.
 *  A process that is frozen still acknowledges: its transaction ends after five minutes without a statement, and sooner where it holds a
 *  lock that others wait for (`advisoryLocks.ts`).
 *  https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP */
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '2',
  tcp_user_timeout: '15000',
  idle_in_transaction_session_timeout: '300000',
}
/** The same for our end: the system sends the first probe after this time, and gives up ten seconds later. */
const KEEPALIVE_DELAY_MS = 5_000
const CONNECT_TIMEOUT_MS = 10_000

/** How every connection of ours is opened: with the settings above, `extra` ones, and those that the URL has in `options`, which win. */
export function sessionConfig(url: string, extra: Readonly<Record<string, string>> = {}): pg.ClientConfig {
  const connection = new URL(url)
  const own = connection.searchParams.get('options') ?? ''
  connection.searchParams.delete('options') // or `pg` would use it in place of ours
  const ours = Object.entries({ ...SESSION_SETTINGS, ...extra }).map(([name, value]) => `-c ${name}=${value}`)
  return {
    connectionString: own ? connection.href : url,
    options: [...ours, own].join(' ').trim(),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  }
}

/** The database's clock, which all hosts share: times that are stored or compared come from it, never from a host's own clock. */
export async function databaseTime(sql: Sql): Promise<Date> {
  return (await sql.query<{ time: Date }>('select clock_timestamp() as time')).rows[0]?.time as Date
}

export interface DatabaseOptions {
  /** The maximum number of connections. */
  max?: number
  name?: string
  /** PostgreSQL cancels a statement that takes longer, with the code 57014. */
  statementTimeoutMs?: number
  /** After this time without an answer a statement fails and its connection is replaced: packets to a server that vanished are sent again for a quarter
   *  of an hour. Default: 10 s more than `statementTimeoutMs`, or unlimited. */
  answerTimeoutMs?: number
}

/** What PostgreSQL has cancelled must be told before the connection is given up. */
const ANSWER_MARGIN_MS = 10_000

/** What a person does about a server that refuses, by its SQLSTATE. */
const MEND_REFUSAL: Record<string, string> = {
  '28000': 'Correct the user in DATABASE_URL, or the rules of its pg_hba.conf.',
  '28P01': 'Correct the user and the password in DATABASE_URL, or DATABASE_PASSWORD.',
  '3D000': 'Create the database, or correct its name in DATABASE_URL.',
  '53300': 'Raise its max_connections, or run fewer services.',
}

function whyNotOpened(server: string, cause: Error & { code?: string }): string {
  if (cause instanceof pg.DatabaseError)
    return `DATABASE_URL: PostgreSQL at ${server} refuses the connection (${cause.message}). ${MEND_REFUSAL[cause.code ?? ''] ?? 'Its own log says more.'}`
  return `DATABASE_URL: no PostgreSQL answers at ${server} (${cause.message || 'connection refused'}). Start it, correct the URL, or unset DATABASE_URL to use the embedded server.`
}

/** Opens a pool on `url`. @throws DatabaseError when no server answers, with `DATABASE_URL` and the host but never the password. */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const settings: pg.ClientConfig = { ...sessionConfig(url), types, application_name: options.name ?? 'modelcommons' }
  const { statementTimeoutMs, answerTimeoutMs = statementTimeoutMs && statementTimeoutMs + ANSWER_MARGIN_MS } = options
  const limits = { statement_timeout: statementTimeoutMs, query_timeout: answerTimeoutMs }
  const pool = new pg.Pool({ ...settings, ...limits, max: options.max ?? 10 })
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client)).on('remove', (client) => clients.delete(client))
  pool.on('error', () => {}) // a broken idle connection is replaced at its next use, which reports the error
  try {
    await pool.query('select 1')
  } catch (cause) {
    await pool.end().catch(() => {})
    throw new DatabaseError(whyNotOpened(redactCredentials(url), cause as Error), { cause })
  }
  return {
    url,
    pool,
    query: (text, values) => pool.query(text as string, values),
    transaction: (work, isolation = 'read committed') => transaction(pool, work, isolation),
    listen: (channel, listener, onReturn) => listen(settings, channel, listener, onReturn),
    breakConnections: () => {
      for (const client of clients) client.connection.stream.destroy()
    },
    close: () => pool.end(),
  }
}

async function transaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>, isolation: string): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  client.on('error', (error) => {
    broken = error
  })
  try {
    await client.query(`begin isolation level ${isolation}`)
    const result = await work({ query: (text, values) => client.query(text as string, values) })
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken ??= failure
    })
    throw error
  } finally {
    client.removeAllListeners('error')
    client.release(broken)
  }
}

/** Listens on one connection. A single timer reconnects, whether the connection could not be opened or broke later. */
async function listen(
  settings: pg.ClientConfig,
  channel: string,
  listener: (payload: string) => void,
  onReturn: () => void = () => {},
) {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const connect = async () => {
    const next = new pg.Client(settings)
    next.on('error', () => {})
    next.on('notification', (message) => listener(message.payload ?? ''))
    try {
      await next.connect()
      await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      next.end().catch(() => {})
      throw error
    }
    client = next
    next.on('end', retry)
    if (closed) await next.end()
  }
  const retry = () => {
    if (!closed) timer = setTimeout(() => connect().then(onReturn, retry), 500).unref()
  }
  await connect()
  return async () => {
    closed = true
    clearTimeout(timer)
    await client?.end()
  }
}
