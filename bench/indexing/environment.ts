import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_FLAGS } from '#cli/supervisor.ts'
import { rpc } from '#contracts/anvil.ts'
import type { FollowedDeployment } from '#indexer/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { ensureDatabase, startPostgres } from '#schema/postgres.ts'
import { BENCH_ADDRESSES, BENCH_CHAIN_ID, type ChainPlan, FINALITY, type RequestCounts, TOPICS } from './chain.ts'
import { type BenchProcess, startProcess } from './processes.ts'

/** The environment of an indexing benchmark: a PostgreSQL server with its durable defaults, a new database per run, and a chain. */

const here = (name: string) => join(import.meta.dirname, name)
const peer = (name: string, ...path: string[]) => join(import.meta.dirname, '..', 'peers', name, ...path)
const POLL_MS = 10

export interface IndexingEnvironment {
  /** A migrated database for one run. */
  database(): Promise<Database>
  /** A database without tables, for a peer. */
  emptyDatabase(): Promise<Database>
  close(): Promise<void>
}

export async function openIndexingEnvironment(): Promise<IndexingEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-index-'))
  await chmod(folder, 0o755)
  const server = await startPostgres(join(folder, 'postgres'))
  let runs = 0
  const at = (name: string) => {
    const url = new URL(server.url)
    url.pathname = `/${name}`
    return url.href
  }
  await ensureDatabase(server.url, 'template')
  await migrate(at('template'))
  const open = async (template?: string) => {
    const name = `run${++runs}`
    await ensureDatabase(server.url, name, template)
    const db = await openDatabase(at(name), { max: 2 })
    const close = async () => {
      await db.close()
      const admin = await openDatabase(server.url, { max: 1 })
      await admin.query(`drop database ${name} with (force)`)
      await admin.query('checkpoint') // the next run starts with clean buffers
      await admin.close()
    }
    return { ...db, close }
  }
  return {
    database: () => open('template'),
    emptyDatabase: () => open(),
    async close() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface BenchChain {
  url: string
  plan: ChainPlan
  call(method: string, ...params: unknown[]): Promise<unknown>
  stop(): Promise<void>
}

/** Starts the chain in a child process; its events are generated before the measurement. */
export async function startBenchChain(plan: ChainPlan): Promise<BenchChain> {
  const program = startProcess(here('chain.ts'), plan)
  const { url } = await program.waitForMessage<{ url: string }>()
  const call = (method: string, ...params: unknown[]) => rpc(url, method, params)
  await call('bench_warm')
  return { url, plan, call, stop: () => program.stop() }
}

export interface Run {
  /** Milliseconds from the first request to the chain until the row of the last event is visible. */
  ms: number
  requests: number
  calls: number
  megabytes: number
  /** Over ids and arguments of all events, by whatever indexer; addresses in either case. */
  digest?: string
  /** Of ours. */
  root?: string
}

const pad = (value: number, digits: number) => String(value).padStart(digits, '0')

async function visible(
  db: Database,
  { blocks, events }: ChainPlan,
  program: BenchProcess,
  schema = 'public',
): Promise<number> {
  const id = `${pad(blocks, 12)}-${pad(events, 6)}`
  for (;;) {
    if (program.child.exitCode !== null) await program.waitForMessage()
    const { rowCount } = await db
      .query(`select 1 from ${schema}.chain_event where id = $1`, [id])
      .catch(() => ({ rowCount: 0 })) // its tables do not exist yet
    if (rowCount) return performance.timeOrigin + performance.now()
    await sleep(POLL_MS)
  }
}

async function measured(chain: BenchChain, done: () => Promise<number>): Promise<Run> {
  const end = await done()
  const { first, requests, calls, bytes } = (await chain.call('bench_tally')) as RequestCounts
  if (first === null) throw new Error('No request reached the chain.')
  return { ms: end - first, requests, calls, megabytes: bytes / 1e6 }
}

/** The state root of an index. */
export async function rootOf(db: Database): Promise<string> {
  const { rows } = await db.query('select root from state_root where to_block is null')
  if (!rows[0]) throw new Error('The index has no state root.')
  return rows[0].root
}

/** A digest of the events that a run stored. @throws Error unless it stored the expected number of rows. */
async function storedRows(db: Database, { blocks, events, kind }: ChainPlan, schema = 'public'): Promise<string> {
  const count = async (table: string) =>
    Number(
      (await db.query(`select count(*) from ${schema}.${table} where name in ('VoteCast', 'Approval')`)).rows[0].count,
    )
  const found = await count('chain_event')
  if (found !== blocks * events) throw new Error(`${found} of ${blocks * events} events were stored`)
  if (kind === 'votes') {
    const { rows } = await db.query(`select count(*)::int as votes from ${schema}.vote`)
    if (rows[0].votes !== blocks * events) throw new Error(`${rows[0].votes} of ${blocks * events} votes were stored`)
  }
  const { rows } = await db.query(
    `select md5(string_agg(md5(id || lower(args::text)), '' order by id)) as digest
     from ${schema}.chain_event where name in ('VoteCast', 'Approval')`,
  )
  return rows[0].digest
}

export async function runLimit(chain: BenchChain): Promise<Run> {
  await chain.call('bench_reset')
  const program = startProcess(here('limit.ts'), { rpcUrl: chain.url })
  const run = await measured(chain, async () => (await program.waitForMessage<{ done: number }>()).done)
  await program.stop()
  return run
}

/** Our indexer as `modelcommons up` starts it. */
export const startIndexerOf = (
  rpcUrl: string,
  databaseUrl: string,
  { chainId, startBlock, addresses, clock }: FollowedDeployment,
) =>
  startProcess(
    here('ours.ts'),
    { rpcUrl, databaseUrl, deployment: { chainId, startBlock: Number(startBlock), addresses, clock } },
    { flags: NODE_FLAGS },
  )

export const startOurs = (rpcUrl: string, databaseUrl: string) =>
  startIndexerOf(rpcUrl, databaseUrl, {
    chainId: BENCH_CHAIN_ID,
    startBlock: 1,
    addresses: BENCH_ADDRESSES,
    clock: 'Timestamp',
  })

export async function runOurs(environment: IndexingEnvironment, chain: BenchChain): Promise<Run> {
  const db = await environment.database()
  await chain.call('bench_reset')
  const program = startOurs(chain.url, db.url)
  try {
    const run = await measured(chain, () => visible(db, chain.plan, program))
    return { ...run, digest: await storedRows(db, chain.plan), root: await rootOf(db) }
  } finally {
    await program.stop()
    await db.close()
  }
}

export async function runSquid(environment: IndexingEnvironment, chain: BenchChain): Promise<Run> {
  const db = await environment.emptyDatabase()
  await chain.call('bench_reset')
  const needs = {
    rpcUrl: chain.url,
    databaseUrl: db.url,
    addresses: BENCH_ADDRESSES,
    finality: FINALITY,
    topics: TOPICS,
  }
  const program = startProcess(peer('squid', 'main.cjs'), needs, { cwd: peer('squid') })
  try {
    const run = await measured(chain, () => visible(db, chain.plan, program))
    return { ...run, digest: await storedRows(db, chain.plan) }
  } finally {
    await program.stop()
    await db.close()
  }
}

export async function runPonder(environment: IndexingEnvironment, chain: BenchChain, raised: boolean): Promise<Run> {
  const db = await environment.emptyDatabase()
  await chain.call('bench_reset')
  const env = {
    BENCH_RPC: chain.url,
    BENCH_CHAIN: String(BENCH_CHAIN_ID),
    BENCH_ADDRESSES: JSON.stringify(BENCH_ADDRESSES),
    ...(raised ? { BENCH_RPS: '100000' } : {}),
    DATABASE_URL: db.url,
    PONDER_TELEMETRY_DISABLED: 'true',
  }
  const args = ['start', '--schema', 'ponder_run', '--port', '42970', '--log-level', 'warn']
  const program = startProcess(
    peer('ponder', 'node_modules', 'ponder', 'dist', 'esm', 'bin', 'ponder.js'),
    {},
    { cwd: peer('ponder'), args, env },
  )
  try {
    const run = await measured(chain, () => visible(db, chain.plan, program, 'ponder_run'))
    return { ...run, digest: await storedRows(db, chain.plan, 'ponder_run') }
  } finally {
    await program.stop()
    await db.close()
  }
}

/** Stock envio over RPC, without Hasura; `npm run bench -- index --setup` generates the program. */
export async function runEnvio(environment: IndexingEnvironment, chain: BenchChain): Promise<Run> {
  const db = await environment.emptyDatabase()
  await chain.call('bench_reset')
  const { hostname, port, username, password, pathname } = new URL(db.url)
  const env = {
    BENCH_RPC: chain.url,
    ENVIO_PG_HOST: hostname,
    ENVIO_PG_PORT: port,
    ENVIO_PG_USER: username,
    ENVIO_PG_PASSWORD: password,
    ENVIO_PG_DATABASE: pathname.slice(1),
    ENVIO_HASURA: 'false',
    ENVIO_INDEXER_PORT: '42971',
    LOG_LEVEL: 'warn',
    TUI_OFF: 'true',
  }
  const generated = peer('envio', 'generated')
  const program = startProcess(join(generated, 'src', 'Index.res.js'), {}, { cwd: generated, args: [], env })
  try {
    const run = await measured(chain, () => visible(db, chain.plan, program))
    return { ...run, digest: await storedRows(db, chain.plan) }
  } finally {
    await program.stop()
    await db.close()
  }
}
