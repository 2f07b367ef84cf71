import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Request, RequestHandler, Response } from 'express'
import { execute, GraphQLError } from 'graphql'
import type { Database, Sql } from '#schema/database.ts'
import { sequential } from '#schema/sequential.ts'
import type { Caller } from '../access.ts'
import { contextOf, type Services } from '../context.ts'
import { ApiError, formatError } from '../errors.ts'
import { apiSchema } from '../schema.ts'
import { csv, type Format, jsonLines } from './formats.ts'
import { type ExportPlan, type ExportRequest, planExport } from './plan.ts'
import { ExportReader } from './reader.ts'

/** Exports hold a connection and a snapshot each. */
const MAX_CONCURRENT_EXPORTS = 3
/** How long a client may take nothing, and an export in all. */
const STALL_TIMEOUT_MS = 60_000
const MAX_EXPORT_MS = 15 * 60_000
const STATEMENT_TIMEOUT_MS = 60_000

export const EXPORT_PATHS = ['/export.csv', '/export.jsonl']

/** Streams all rows of one connection as CSV or JSON Lines, as they stood in one snapshot. An export that fails on the way is cut off, so that
 *  nobody takes a part for the whole. */
export function serveExport(services: Services): RequestHandler {
  let running = 0
  return async (request, response) => {
    const format = request.path.endsWith('.csv') ? csv({ spreadsheet: flag(request, 'spreadsheet') }) : jsonLines
    let admitted = false
    try {
      const plan = planExport(apiSchema(), readRequest(request))
      if (running >= MAX_CONCURRENT_EXPORTS)
        throw new ApiError(
          'TOO_MANY_EXPORTS',
          `${MAX_CONCURRENT_EXPORTS} exports run already. Try again when one has ended.`,
        )
      admitted = true
      running++
      await send(services, (response.locals as { caller: Caller }).caller, plan, format, response)
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
  const told = formatError(failure.toJSON(), failure, log)
  const status = told.extensions?.code === 'INTERNAL' ? 500 : told.extensions?.code === 'TOO_MANY_EXPORTS' ? 503 : 400
  response.status(status).json({ errors: [told] })
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
  const begun = Date.now()
  await services.db.transaction(async (connection) => {
    const sql: Sql = { query: sequential(connection.query) } // resolvers ask for several at once
    await sql.query('set transaction read only')
    await sql.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`) // the first batch may wait for a sort of everything
    const reader = new ExportReader(sql, services.deployment.chainId, plan.limit)
    const db: Database = { ...services.db, query: sql.query }
    const contextValue = { ...contextOf({ ...services, db }, caller), reader }
    await whileThere(services.db, sql, response, async () => {
      let started = false
      while (!reader.done && plan.limit !== 0) {
        const rows = await nextRows(plan, reader, contextValue)
        if (!started) {
          started = true
          await start(response, plan, format, reader)
        }
        await write(response, rows.map((row) => format.row(plan.columns, row)).join(''))
        if (Date.now() - begun > MAX_EXPORT_MS) throw new Error('an export took too long')
      }
      if (!started) await start(response, plan, format, reader)
    })
  }, 'repeatable read')
  response.end()
}

/** Does `work`, and ends the statement that it waits for when the client leaves: a sort of everything goes on for nobody else. */
async function whileThere(db: Sql, sql: Sql, response: Response, work: () => Promise<void>): Promise<void> {
  const { rows } = await sql.query('select pg_backend_pid() as pid')
  let ended: Promise<unknown> | undefined
  const end = () => {
    ended = db.query('select pg_cancel_backend($1)', [rows[0].pid]).catch(() => {})
  }
  response.once('close', end)
  try {
    if (response.destroyed) throw new ClientGone()
    await work()
  } finally {
    response.off('close', end)
    await ended // it is not to meet what the connection does next
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
  if (errors) throw errors[0]!
  let found: unknown = data
  for (const key of plan.path) found = (found as Record<string, unknown> | null)?.[key]
  if (found === null || found === undefined) reader.done = true // what the list hangs below does not exist
  return ((found as { nodes?: Record<string, unknown>[] } | null)?.nodes ?? []) as Record<string, unknown>[]
}

/** Names the file, and the block at which its rows hold. */
async function start(response: Response, plan: ExportPlan, format: Format, reader: ExportReader): Promise<void> {
  const head = await reader.head()
  const { block, hash } = reader.at ?? (await reader.asOf())
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

/** The client went away, or stopped reading. */
class ClientGone extends Error {}

/** Writes, and waits until the client has taken enough of it. */
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
