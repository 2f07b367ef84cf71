import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startApi } from '#graphql/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { CONTRIBUTIONS, generateMarket } from './graphql/data.ts'
import { HAND_WRITTEN } from './graphql/lineage.ts'
import type { LoadOrder, LoadResult } from './graphql/load.ts'
import { bareOptions } from './graphql/options.ts'
import { openIndexingEnvironment } from './indexing/environment.ts'
import { graphqlWhileIndexing, WHILE_INDEXING } from './indexing/graphql.ts'
import {
  atLeast,
  atMost,
  type BenchReport,
  emptyReport,
  entry,
  type Figure,
  figure,
  type Goal,
  percentile,
  ratio,
} from './report.ts'

const PEERS = join(import.meta.dirname, 'peers/graphql')
const ROUNDS = 5
const RATE = 300
const CLIENTS = 16
const QUIET = `p99 at ${RATE}/s`
/** Limit of the time for the lineage, relative to the hand-written statement. */
const LINEAGE_LIMIT = 1.5
const P99_LIMIT = 20
const APOLLO_LIMIT = 0.8
/** The largest export may use this much more memory than one of a tenth of its rows. */
const CONSTANT = 1.15

/** Rows with two relations: one to one, one to many. */
const ROWS = (first: number) => `query Rows($after: String) { contributions(first: ${first}, after: $after) {
  nodes { id contributor status quality submittedAt datanet { id owner licence } influences(first: 3) { nodes { id influence weight } } }
  pageInfo { endCursor hasNextPage } } }`
const LINEAGE = `query Lineage($id: ID!) { lineage(versionId: $id, depth: 6, first: 1000) { pageInfo { hasNextPage } nodes { key label } edges { from to relation amount } } }`

/** Installs the peers with the project's copy of graphql. */
export async function setup(): Promise<void> {
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: PEERS, stdio: 'inherit' })
}

/** On a generated million contributions: the lineage compared with a hand-written statement; the number of statements for nested lists;
 *  requests per second and latency compared with plain Apollo and Yoga with the same resolvers; queries of every ballot and delegate; exports; and requests while an index is made at full speed. `BENCH_DATABASE_URL` names a database that
 *  `generateMarket` filled earlier; `BENCH_ROWS` and `BENCH_BLOCKS` make it smaller. */
export async function run(): Promise<BenchReport> {
  const report = emptyReport('graphql')
  const generated = process.env.BENCH_DATABASE_URL
  if (generated) await measure(report, generated)
  else await generateAndMeasure(report)
  const indexing = await openIndexingEnvironment()
  try {
    Object.assign(report.ours, await graphqlWhileIndexing(indexing))
  } finally {
    await indexing.close()
  }
  return { ...report, goals: goalsOf(report) }
}

function goalsOf({ ours, ratios }: BenchReport): Record<string, Goal> {
  const goals: Record<string, Goal> = {}
  const lineage = entry(ratios, 'hand-written statement lineage depth 6')
  goals['lineage depth 6, speed by hand'] = atLeast(1 / LINEAGE_LIMIT, lineage)
  for (const [name, { limitMs }] of Object.entries(GOVERNANCE))
    goals[`${name}, ms`] = atMost(limitMs, entry(ours, name).median)
  const [, tenth, whole] = EXPORTED.map((rows) => ours[memoryOf(rows)])
  if (tenth && whole) goals['memory, largest export over one of a tenth'] = atMost(CONSTANT, whole.max / tenth.max)
  for (const name of [QUIET, WHILE_INDEXING]) goals[`${name}, ms`] = atMost(P99_LIMIT, entry(ours, name).median)
  goals['rows and relations, times bare Apollo'] = atLeast(APOLLO_LIMIT, entry(ratios, 'apollo rows and relations'))
  return goals
}

async function generateAndMeasure(report: BenchReport): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-graphql-'))
  const server = await startPostgres(join(folder, 'postgres'), {
    flags: { fsync: 'off', shared_buffers: '512MB', max_wal_size: '8GB' },
  })
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const begun = performance.now()
    await generateMarket(db)
    console.log(`generated in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
    await db.close()
    await measure(report, server.url)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(report: BenchReport, databaseUrl: string): Promise<void> {
  const db = await openDatabase(databaseUrl)
  const started: ChildProcess[] = []
  try {
    const serve = async (kind: string) => {
      const { child, url } = await startServer(kind, databaseUrl)
      started.push(child)
      return `${url}/graphql`
    }
    const ours = await serve('ours')
    await lineage(report, db, ours)
    await governance(report, ours)
    await exports(report, ours, started[0]?.pid)
    await statements(report, db)
    const peers: Record<string, string> = { apollo: await serve('apollo') }
    if (existsSync(join(PEERS, 'node_modules'))) peers.yoga = await serve('yoga')
    else report.absent.push('yoga: not installed; run "npm run bench -- graphql --setup"')
    await load(report, ours, peers, started)
  } finally {
    for (const child of started) child.kill()
    await db.close()
  }
}

/** The lineage over HTTP compared with the statement through the same driver, after checking that both return the same edges. */
async function lineage(report: BenchReport, db: Database, url: string): Promise<void> {
  const ids = Array.from({ length: 40 }, (_, i) => String(i * 50 + 10))
  const { block } = (await db.query('select block from cursor')).rows[0]
  const byHand = async (id: string) =>
    (await db.query({ name: 'lineage', text: HAND_WRITTEN, values: [id, 6, block] })).rows
  const asked = async (id: string) => (await ask(url, LINEAGE, { id })).lineage
  for (const id of ids.slice(0, 3)) {
    const print = (edge: Record<string, unknown>) =>
      `${edge.source ?? edge.from} ${edge.relation} ${edge.target ?? edge.to} ${edge.amount}`
    const [left, right] = [(await byHand(id)).map(print).sort(), (await asked(id)).edges.map(print).sort()]
    const different = left.filter((edge, i) => edge !== right[i])
    if (different.length > 0 || left.length !== right.length)
      throw new Error(
        `The lineage of ${id} differs from the statement's: ${right.length} instead of ${left.length} edges, ${different[0]}`,
      )
  }
  const [mine, theirs]: [number[], number[]] = [[], []]
  for (let round = -1; round < ROUNDS; round++) {
    const times = [await timed(ids, asked), await timed(ids, byHand)] as const
    if (round < 0) continue
    mine.push(times[0])
    theirs.push(times[1])
  }
  const [ours, handWritten] = [figure(mine, 'ms'), figure(theirs, 'ms')]
  report.ours['lineage depth 6'] = ours
  report.peers['hand-written statement'] = { 'lineage depth 6': handWritten }
  report.ratios['hand-written statement lineage depth 6'] = ratio(ours, handWritten, { lower: true })
  report.limit['lineage ratio, at least'] = Number((1 / LINEAGE_LIMIT).toFixed(3))
  console.log(`lineage ${ours.median} ms, by hand ${handWritten.median} ms`)
}

/** Queries that read every ballot and every delegate, and the longest that each may take in milliseconds. */
const GOVERNANCE: Record<string, { query: string; limitMs: number }> = {
  'voters(first: 1000) of 100,000 ballots': {
    query: `{ governors(first: 1) { nodes { voters(first: 1000) { account power voted weight eligible participation decided agreement proposed } } } }`,
    limitMs: 100,
  },
  'participationBySize of 50 proposals': {
    query: `{ proposals(first: 50) { nodes { participationBySize { from to accounts voted power votedPower } } } }`,
    limitMs: 200,
  },
}

async function governance(report: BenchReport, url: string): Promise<void> {
  for (const [name, { query, limitMs }] of Object.entries(GOVERNANCE)) {
    const times: number[] = []
    for (let round = -1; round < ROUNDS; round++) {
      const ms = await timed([name], () => ask(url, query, {}))
      if (round >= 0) times.push(ms)
    }
    report.ours[name] = figure(times, 'ms')
    report.limit[`${name}, at most`] = limitMs
    console.log(name, report.ours[name].median, 'ms')
  }
}

const EXPORTED = [CONTRIBUTIONS / 100, CONTRIBUTIONS / 10, CONTRIBUTIONS]
const memoryOf = (rows: number) => `export of ${rows.toLocaleString('en')} rows, memory`
const SAMPLE_MS = 50

/** The resident memory of the server while it exports lists of three sizes: constant, when it does not grow with them. */
async function exports(report: BenchReport, url: string, pid: number | undefined): Promise<void> {
  const memoryMiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  if (!existsSync(`/proc/${pid}/status`)) return void report.absent.push('exports: their memory is read from /proc')
  for (const rows of EXPORTED) {
    const seen: number[] = []
    const sampling = setInterval(() => seen.push(memoryMiB()), SAMPLE_MS)
    const begun = performance.now()
    const query = `{ contributions(first: ${rows}) { nodes { id contributor status quality submittedAt } } }`
    const lines = await exportedLines(url.replace(/\/graphql$/, '/export.jsonl'), query)
    clearInterval(sampling)
    if (lines !== rows) throw new Error(`The export has ${lines} lines instead of ${rows}.`)
    const name = `export of ${rows.toLocaleString('en')} rows`
    const memory = figure([...seen, memoryMiB()], 'MiB')
    report.ours[memoryOf(rows)] = memory
    report.ours[name] = figure([rows / ((performance.now() - begun) / 1000)], 'rows/s')
    console.log(name, report.ours[name].median, 'rows/s,', memory.max, 'MiB')
  }
}

async function exportedLines(url: string, query: string): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  if (!response.ok || !response.body)
    throw new Error(`The export answered ${response.status}: ${await response.text()}`)
  let lines = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>)
    for (const byte of chunk) if (byte === NEWLINE) lines++
  return lines
}

const NEWLINE = 10

async function timed(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (const id of ids) {
    const begun = performance.now()
    await work(id)
    times.push(performance.now() - begun)
  }
  return percentile(times, 0.5)
}

/** The number of statements of one request for 5, 20 and 500 rows with two relations, which must be the same. */
async function statements(report: BenchReport, db: Database): Promise<void> {
  let count = 0
  const counted: Database = {
    ...db,
    query: (text, values) => {
      count++
      return db.query(text, values)
    },
  }
  const api = await startApi({ ...bareOptions(counted), host: '127.0.0.1', port: 0 })
  const counts: number[] = []
  for (const rows of [5, 20, 500]) {
    count = 0
    const { contributions } = await ask(`${api.url}/graphql`, ROWS(rows), {})
    if (contributions.nodes.length !== rows)
      throw new Error(`The answer has ${contributions.nodes.length} rows instead of ${rows}.`)
    counts.push(count)
  }
  await api.stop()
  if (new Set(counts).size > 1)
    throw new Error(`The number of statements grows with the number of rows: ${counts.join(', ')}.`)
  report.ours['statements for 5, 20 and 500 rows'] = figure(counts, 'statements')
}

async function load(
  report: BenchReport,
  ours: string,
  peers: Record<string, string>,
  started: ChildProcess[],
): Promise<void> {
  const loader = fork(join(import.meta.dirname, 'graphql/load.ts'), { execArgv: ['--import', 'tsx'] })
  started.push(loader)
  const order = (given: LoadOrder) =>
    new Promise<LoadResult>((resolve, reject) => {
      loader.once('message', (told: LoadResult | { error: string }) =>
        'error' in told ? reject(new Error(told.error)) : resolve(told),
      )
      loader.send(given)
    })
  const body = JSON.stringify({ query: ROWS(20) })
  const urls = { ours, ...peers }
  const rates: Record<string, number[]> = {}
  const p99s: Record<string, number[]> = {}
  for (const url of Object.values(urls)) await order({ url, body, seconds: 3, clients: CLIENTS }) // warm up
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, url] of Object.entries(urls)) {
      const full = await order({ url, body, seconds: 3, clients: CLIENTS })
      ;(rates[name] ??= []).push(full.perSecond)
      const paced = await order({ url, body, seconds: 5, rate: RATE, clients: 0 })
      ;(p99s[name] ??= []).push(paced.p99)
    }
  const figures = (name: string): Record<string, Figure> => ({
    'rows and relations': figure(entry(rates, name), 'requests/s'),
    [QUIET]: figure(entry(p99s, name), 'ms'),
  })
  Object.assign(report.ours, figures('ours'))
  for (const name of Object.keys(peers)) {
    report.peers[name] = figures(name)
    report.ratios[`${name} rows and relations`] = ratio(
      entry(figures('ours'), 'rows and relations'),
      entry(figures(name), 'rows and relations'),
    )
  }
  report.limit[`${QUIET}, at most`] = P99_LIMIT
  report.limit['apollo rows and relations, at least'] = APOLLO_LIMIT
  for (const name of Object.keys(urls)) console.log(name, JSON.stringify(figures(name)))
}

// biome-ignore lint/suspicious/noExplicitAny: each query has its own shape
async function ask(url: string, query: string, variables: object): Promise<Record<string, any>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: object; errors?: object[] }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

async function startServer(kind: string, databaseUrl: string): Promise<{ child: ChildProcess; url: string }> {
  const file = join(import.meta.dirname, 'graphql/server.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, kind, databaseUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`The server ${kind} ended with exit code ${code}.`)))
  })
  return { child, url }
}
