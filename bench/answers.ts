import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApi } from '#graphql/index.ts'
import { openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { generateMarket } from './graphql/data.ts'
import { bareOptions } from './graphql/options.ts'
import { type BenchReport, emptyReport, figure } from './report.ts'

/** The first answers that an analyst gets over a million contributions, a hundred thousand votes and as many accounts: each query is asked on its own,
 *  through HTTP. `BENCH_DATABASE_URL` names a database that `generateMarket` filled earlier. No peer: the limit is what a person waits gladly. */

const ROUNDS = 5
const LIMIT_MS = 200

const list = (name: string, fields = 'id') => `{ ${name}(first: 20) { nodes { ${fields} } pageInfo { hasNextPage } } }`
const aggregate = (name: string, of: string) => `{ ${name} { aggregate { ${of} } } }`

const ACCOUNT = 'account: "0x0000000000000000000000000000000000000007"'
/** The middle of the chain. */
const EARLIER = 'asOf: { block: 10000 }'
const OVERVIEW = '{ proposals contributions acceptedContributions contributors votes fees jobs }'

const QUERIES: Record<string, string> = {
  'list contributions': list('contributions', 'id contributor status'),
  'list contributions by time':
    '{ contributions(first: 20, orderBy: [{ field: submittedAt, direction: desc }]) { nodes { id } } }',
  'list contributions of an account':
    '{ contributions(first: 20, where: { contributor: { eq: "0x0000000000000000000000000000000000000007" } }) { nodes { id } } }',
  'list votes': list('votes', 'id voter'),
  'list holders': list('holders', 'id account'),
  'list models': list('models'),
  'list versions with verdict': list('modelVersions', 'id meetsMandate { met }'),
  'list judgements': list('judgements'),
  'list reward lines': list('rewardLines', 'id account amount'),
  'list jobs': list('jobs'),
  'total count of contributions': '{ contributions(first: 1) { totalCount } }',
  'aggregate count': aggregate('contributions', 'count'),
  'aggregate sum': aggregate('contributions', 'values { stake { sum avg } }'),
  'aggregate groups by status': aggregate('contributions', 'groupBy(by: [{ field: status }]) { key { status } count }'),
  'aggregate groups by contributor': aggregate(
    'contributions',
    'groupBy(by: [{ field: contributor }], first: 5) { key { contributor } count }',
  ),
  'aggregate days': aggregate('contributions', 'groupBy(by: [{ field: submittedAt, every: day }]) { time count }'),
  'totals contributors': '{ contributors(first: 20) { nodes { account contributions earned } } }',
  'totals contributors, all':
    '{ contributors(first: 20) { totalCount nodes { account contributions earned weight claimed } } }',
  'totals contributor': `{ contributor(${ACCOUNT}) { contributions earned } }`,
  'totals versions': list('modelVersions', 'id totals { samples contributors judgements calls }'),
  'totals validators': list('validators', 'id totals { judgements }'),
  'search a hash': '{ search(text: "0x0000") { nodes { kind id } } }',
  'search a word': '{ search(text: "model") { nodes { kind id } } }',
  lineage: '{ lineage(versionId: "1200", depth: 6, first: 500) { nodes { key } edges { from to } } }',
  overview: `{ overview ${OVERVIEW} }`,
  'at an earlier block: total count': `{ contributions(first: 1, ${EARLIER}) { totalCount } }`,
  'at an earlier block: contributors': `{ contributors(first: 20, ${EARLIER}) { nodes { account contributions earned } } }`,
  'at an earlier block: contributor': `{ contributor(${ACCOUNT}, ${EARLIER}) { contributions earned } }`,
  'at an earlier block: validators': `{ validators(first: 20, ${EARLIER}) { nodes { id totals { judgements } } } }`,
  'at an earlier block: overview': `{ overview(${EARLIER}) ${OVERVIEW} }`,
}

export async function run(): Promise<BenchReport> {
  const given = process.env.BENCH_DATABASE_URL
  if (given) return measure(given)
  const folder = await mkdtemp(join(tmpdir(), 'bench-answers-'))
  await chmod(folder, 0o755) // PostgreSQL runs as another user
  const server = await startPostgres(join(folder, 'postgres'), {
    flags: { fsync: 'off', shared_buffers: '512MB', max_wal_size: '8GB' },
  })
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const began = performance.now()
    await generateMarket(db)
    console.log(`generated in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    await db.close()
    return await measure(server.url)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(url: string): Promise<BenchReport> {
  const report = emptyReport('answers')
  const db = await openDatabase(url)
  const api = await startApi({ ...bareOptions(db), host: '127.0.0.1', port: 0 })
  for (const [name, query] of Object.entries(QUERIES)) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now()
      const { errors } = await asked(`${api.url}/graphql`, query)
      if (errors) {
        report.absent.push(`${name}: ${errors[0]?.message}`)
        break
      }
      times.push(performance.now() - began)
    }
    if (times.length < ROUNDS) continue
    const took = figure(times, 'ms')
    report.ours[name] = took
    report.limit[name] = LIMIT_MS
    console.log(`${took.median > LIMIT_MS ? 'SLOW' : 'ok  '} ${name}: ${took.median} ms (${took.min} to ${took.max})`)
  }
  for (const one of report.absent) console.log(`absent: ${one}`)
  await api.stop()
  await db.close()
  return report
}

async function asked(url: string, query: string): Promise<{ errors?: { message: string }[] }> {
  const body = JSON.stringify({ query })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return (await response.json()) as { errors?: { message: string }[] }
}
