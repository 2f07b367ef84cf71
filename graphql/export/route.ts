import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Request, RequestHandler, Response } from 'express'
import { execute, GraphQLError } from 'graphql'
import type { Database, Sql } from '#schema/database.ts'
import { sequential } from '#schema/sequential.ts'
import type { Caller } from '../access.ts'
import { viewerOf } from '../confidential.ts'
import { contextOf, type Services } from '../context.ts'
import { ApiError, formatError } from '../errors.ts'
import { apiSchema } from '../schema.ts'
import { csv, type Format, jsonLines } from './formats.ts'
import { type ExportPlan, type ExportRequest, planExport } from './plan.ts'
import { ExportReader } from './reader.ts'

/** Each export holds a database connection and a snapshot. */
const MAX_CONCURRENT_EXPORTS = 3
/** One is kept for callers with a key: whoever reads slowly takes no more than the others. */
const MAX_ANONYMOUS_EXPORTS = MAX_CONCURRENT_EXPORTS - 1
/** An export ends when the client reads nothing for this time. */
const STALL_TIMEOUT_MS = 60_000
/** The longest time for a whole export. */
const MAX_EXPORT_MS = 15 * 60_000
const STATEMENT_TIMEOUT_MS = 60_000

export const EXPORT_PATHS = ['/export.csv', '/export.jsonl']

/** Streams all rows of one connection as CSV or JSON Lines, from one snapshot. When an export fails after its start, the connection is broken
 *  off, so that the client does not take a part for the whole. */
export function serveExport(services: Services): RequestHandler {
  let running = 0
  return async (request, response) => {
    const format = request.path.endsWith('.csv') ? csv({ spreadsheet: flag(request, 'spreadsheet') }) : jsonLines
    let admitted = false
    try {
      const plan = planExport(apiSchema(), readRequest(request))
      const { caller } = response.locals as { caller: Caller }
      const max = caller.kind === 'anonymous' ? MAX_ANONYMOUS_EXPORTS : MAX_CONCURRENT_EXPORTS
      if (running >= max)
        throw new ApiError('TOO_MANY_EXPORTS', `${max} exports are already running. Try again when one has ended.`)
      admitted = true
      running++
      await send(services, caller, plan, format, response)
    } catch (error) {
      fail(response, error, services)
    } finally {
      if (admitted) running--
    }
  }
}

function fail(response: Response, error: unknown, { log }: Services): void {
  const failure = error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })
  if (response.headersSent || response.destroyed) {
    if (!(error instanceof ClientGone)) formatError(failure.toJSON(), failure, log)
    response.destroy()
    return
  }
  const formatted = formatError(failure.toJSON(), failure, log)
  const status =
    formatted.extensions?.code === 'INTERNAL' ? 500 : formatted.extensions?.code === 'TOO_MANY_EXPORTS' ? 503 : 400
  response.status(status).json({ errors: [formatted] })
}

function readRequest({ method, query, body }: Request): ExportRequest {
  const given = (method === 'GET' ? query : body) as Record<string, unknown>
  const variables = typeof given.variables === 'string' ? parsed(given.variables) : (given.variables ?? {})
  if (
    typeof given.query !== 'string' ||
    typeof variables !== 'object' ||
    variables === null ||
    Array.isArray(variables)
  )
    throw new ApiError(
      'BAD_REQUEST',
      'Send a GraphQL query, and its variables as an object: {"query": "…", "variables": {…}}.',
    )
  const { operationName } = given
  return {
    query: given.query,
    variables: variables as Record<string, unknown>,
    operationName: typeof operationName === 'string' && operationName ? operationName : undefined,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const flag = ({ method, query, body }: Request, name: string): boolean => {
  const value = (method === 'GET' ? query : { ...query, ...body })[name]
  return value !== undefined && value !== 'false' && value !== '0' && value !== false
}

async function send(
  services: Services,
  caller: Caller,
  plan: ExportPlan,
  format: Format,
  response: Response,
): Promise<void> {
  const startedAt = performance.now()
  await services.db.transaction(async (connection) => {
    const sql: Sql = { query: sequential(connection.query) } // resolvers send several statements at once
    await sql.query('set transaction read only')
    await sql.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`) // the first batch may wait for a sort of the whole table
    const reader = new ExportReader(sql, services.deployment.chainId, viewerOf(caller), plan.limit)
    const db: Database = { ...services.db, query: sql.query }
    const contextValue = { ...contextOf({ ...services, db }, caller), reader }
    await cancelOnClose(services.db, sql, response, async () => {
      let started = false
      while (!reader.done && plan.limit !== 0) {
        const rows = await nextRows(plan, reader, contextValue)
        if (!started) {
          started = true
          await start(response, plan, format, reader)
        }
        await write(response, rows.map((row) => format.row(plan.columns, row)).join(''))
        if (performance.now() - startedAt > MAX_EXPORT_MS)
          throw new Error(`The export took longer than ${MAX_EXPORT_MS / 60_000} minutes.`)
      }
      if (!started) await start(response, plan, format, reader)
    })
  }, 'repeatable read')
  response.end()
}

/** Runs `work`; when the client disconnects, cancels the statement that `work` waits for, such as a sort of the whole table. */
async function cancelOnClose(db: Sql, sql: Sql, response: Response, work: () => Promise<void>): Promise<void> {
  const { rows } = await sql.query('select pg_backend_pid() as pid')
  let cancelled: Promise<unknown> | undefined
  const cancel = () => {
    cancelled = db.query('select pg_cancel_backend($1)', [rows[0].pid]).catch(() => {})
  }
  response.once('close', cancel)
  try {
    if (response.destroyed) throw new ClientGone()
    await work()
  } finally {
    response.off('close', cancel)
    await cancelled // it must not hit the next statement of this connection
  }
}

async function nextRows(
  plan: ExportPlan,
  reader: ExportReader,
  contextValue: object,
): Promise<Record<string, unknown>[]> {
  reader.begin()
  const { document, variables: variableValues, operationName } = plan
  const { data, errors } = await execute({ schema: apiSchema(), document, variableValues, operationName, contextValue })
  const [error] = errors ?? []
  if (error) throw error
  let found: unknown = data
  for (const key of plan.path) found = (found as Record<string, unknown> | null)?.[key]
  if (found === null || found === undefined) reader.done = true // the object above the list does not exist
  return ((found as { nodes?: Record<string, unknown>[] } | null)?.nodes ?? []) as Record<string, unknown>[]
}

/** Sends the headers: the file name, and the block as of which its rows are read. */
async function start(response: Response, plan: ExportPlan, format: Format, reader: ExportReader): Promise<void> {
  const head = await reader.head()
  const { block, hash } = reader.rowsAsOf ?? (await reader.asOf())
  const extension = format === jsonLines ? 'jsonl' : 'csv'
  response.set({
    'content-type': format.contentType,
    'content-disposition': `attachment; filename="${plan.name}.${extension}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(block !== null && {
      'modelcommons-block': String(block),
      'modelcommons-final': String(block <= (head?.finalBlock ?? -1)),
    }),
    ...(hash && { 'modelcommons-block-hash': hash }),
  })
  await write(response, format.head(plan.columns))
}

/** The client disconnected, or stopped reading. */
class ClientGone extends Error {}

/** Writes `text` and waits while the client's buffer is full. */
async function write(response: Response, text: string): Promise<void> {
  if (response.destroyed) throw new ClientGone()
  if (text === '' || response.write(text)) return
  const abort = new AbortController()
  try {
    await Promise.race([
      once(response, 'drain', abort),
      once(response, 'close', abort).then(() => Promise.reject(new ClientGone())),
      setTimeout(STALL_TIMEOUT_MS, undefined, abort).then(() => Promise.reject(new ClientGone())),
    ])
  } finally {
    abort.abort()
  }
}
