import type { Config } from '#config'
import { QUORUM_CHANGED } from '#rules/storedProposal.ts'
import { openDatabase, type Sql } from '#schema/database.ts'
import { pendingMigrations } from '#schema/migrate.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import { WORKER_ALIVE, WORKER_LOST } from '#schema/workers.ts'
import { ledgerDifferences, postedUpTo } from '#workers/ledger/identity.ts'
import { transactionsLeft } from '#workers/wallet.ts'
import { alerts, exceeds, LIMITS_OF_ALERTS, RUNBOOK, sectionOf } from '../dashboards/alerts.ts'
import { blockNumberAt, type DoctorCheck, fundsAt } from './chainChecks.ts'
import { DEVELOPMENT_CHAIN } from './developmentChain.ts'
import { relayCheck } from './relayServed.ts'
import { METRIC_PREFIX, type MetricSample, readSystemMetric, SYSTEM_METRICS } from './systemMetrics.ts'

/** A chain without a new block for so long has stopped, or its node has. */
const HEAD_RESTS_SECONDS = 600

/** The check that all others of the database follow. */
const SERVER = 'database'

/** What `modelcommons doctor` reads from the database: the schema, the work, and the alarms. `answering` are the endpoints of `RPC_URL` that
 *  the checks of the chain, which run before, found to answer. */
export function databaseChecks(
  url: string,
  answering: ReadonlySet<string> | undefined,
  { minesByItself, relay, relayerKey }: { minesByItself: boolean } & Pick<Config, 'relay' | 'relayerKey'>,
): DoctorCheck[] {
  let answered = false
  /** Before the first service has started, there is nothing to check but the server. One that does not answer is told once. */
  const check = (name: string, read: (sql: Sql) => Promise<string>, { needsTables = true } = {}): DoctorCheck => [
    name,
    async () => {
      if (!answered && name !== SERVER) return
      const db = await openDatabase(url, { max: 1, name: 'modelcommons doctor', statementTimeoutMs: 20_000 })
      answered = true
      try {
        if (needsTables && (await isEmpty(db))) return NOTHING_FOUND
        return await read(db)
      } finally {
        await db.close()
      }
    },
  ]
  return [
    check(SERVER, serverVersion, { needsTables: false }),
    check('schema', schemaIsCurrent, { needsTables: false }),
    check('index', indexAgrees),
    check('contracts', contractsIndexed),
    ...(answering
      ? [
          check('lag', (sql) => indexFollows(sql, [...answering])),
          check('head', (sql) => headMoves(sql, minesByItself)),
          check('signer', (sql) => signersCanPay(sql, [...answering])),
        ]
      : []),
    check('ledger', ledgerAgrees),
    check('workers', workersAlive),
    check('jobs', jobsUnderWay),
    ...(relay ? [check('relay', (sql) => relayCheck(relayerKey !== undefined, sql))] : []),
    ...ALARMS.map(({ alert, limit, metric }) =>
      check(alert.name, async (sql) => {
        const beyond = (await readSystemMetric(sql, metric)).filter((sample) => exceeds(limit, sample))
        if (beyond.length && alert.severity !== 'info')
          throw new Error(
            `${beyond.map((sample) => described(alert.summary, sample)).join(' ')} See ${sectionOf(alert)}.`,
          )
        return beyond.map((sample) => described(alert.summary, sample)).join(' ') || NOTHING_FOUND
      }),
    ),
  ]
}

/** Whether every wei is in one account of the ledger, and in the one that the chain says. */
async function ledgerAgrees(sql: Sql): Promise<string> {
  const block = await postedUpTo(sql)
  if (block === undefined) return NOTHING_FOUND
  const [wrong] = await ledgerDifferences(sql, block)
  if (wrong)
    throw new Error(
      `As of block ${block}, the ledger has ${wrong.ledger} wei as ${wrong.term}, and the chain ${wrong.chain}. Compare the index with the contracts (modelcommons reconcile); if it agrees, report this with a backup.`,
    )
  return `every wei is in one account, up to block ${block}`
}

/** What a check of an alarm finds when there is nothing to say. */
export const NOTHING_FOUND = ''

/** The alarms that are a limit of a metric which the database gives. */
const ALARMS = alerts.flatMap((alert) => {
  const metric = SYSTEM_METRICS.find(({ name }) => METRIC_PREFIX + name === alert.limit?.metric)
  return alert.limit && metric ? [{ alert, limit: alert.limit, metric }] : []
})

/** The text of an alarm, as Prometheus fills it in. */
const described = (summary: string, { labels, value }: MetricSample) =>
  summary
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
    .replace('{{ $value }}', String(Math.round(value * 100) / 100))

const isEmpty = async (sql: Sql): Promise<boolean> =>
  (await sql.query(`select to_regclass('migration') is null as empty`)).rows[0].empty

const serverVersion = async (sql: Sql): Promise<string> =>
  `PostgreSQL ${(await sql.query('show server_version')).rows[0].server_version}`

async function schemaIsCurrent(sql: Sql): Promise<string> {
  if (await isEmpty(sql)) return 'empty: the first service that starts creates it'
  const missing = await pendingMigrations(sql)
  if (missing.length)
    throw new Error(
      `The database lacks ${missing.length} migrations, the first is ${missing[0]?.name}. Run \`modelcommons migrate\`; every service does it at its start, too.`,
    )
  return 'as this release needs it'
}

/** The result of the newest comparison with the contracts. */
async function indexAgrees(sql: Sql): Promise<string> {
  const { rows } = await sql.query(
    `select distinct on (governor_id) governor_id, block, compared, drift from reconciliation order by governor_id, block desc, at desc`,
  )
  if (!rows.length) return 'not compared with the contracts yet'
  const wrong = rows.find(({ drift }) => drift > 0)
  if (wrong)
    throw new Error(
      `${wrong.drift} of ${wrong.compared} values of ${wrong.governor_id} differ from the contracts’ at block ${wrong.block}: \`modelcommons reconcile\` lists them. Index again into an empty database.`,
    )
  return rows
    .map(({ compared, block }) => `agrees with the contracts in ${compared} values at block ${block}`)
    .join(', ')
}

/** Whether everything of the followed contracts is indexed. */
async function contractsIndexed(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ id: string; block: number; reason: string }>(
    'select id, from_block as block, reason from set_aside_contract where to_block is null order by from_block, id',
  )
  const { rows: governors } = await sql.query<{ id: string }>(
    'select id from governor where to_block is null and quorum_unknown = $1 order by id',
    [QUORUM_CHANGED],
  )
  const problems = [
    ...rows.map(({ id, block, reason }) => `Nothing of ${id} is indexed since block ${block}: ${reason}`),
    ...governors.map(({ id }) => `States of proposals of ${id} that depend on the quorum are null: ${QUORUM_CHANGED}`),
  ]
  if (problems.length) throw new Error(problems.join(' '))
  return NOTHING_FOUND
}

/** The head is asked of the node itself: what the indexer last saw is no measure of an indexer that sees nothing. */
async function indexFollows(sql: Sql, urls: readonly string[]): Promise<string> {
  const { rows } = await sql.query<{ chain: string; block: number }>('select id as chain, block from cursor')
  if (!rows[0]) return 'nothing is indexed yet'
  const heads = await Promise.allSettled(urls.map(blockNumberAt))
  const known = heads.flatMap((head) => (head.status === 'fulfilled' ? [head.value] : []))
  if (!known.length) throw new Error('No endpoint of RPC_URL tells its head, so the lag is not known.')
  const lag = Math.max(...known) - rows[0].block
  if (lag > LIMITS_OF_ALERTS.lagBlocks)
    throw new Error(
      `The index is ${lag} blocks behind the head ${Math.max(...known)} of the chain. See ${RUNBOOK}#indexerlagging.`,
    )
  return `${Math.max(0, lag)} blocks behind the head`
}

/** On a development chain of RPC_URL, nobody may have sent anything for long. */
async function headMoves(sql: Sql, minesByItself: boolean): Promise<string> {
  const { rows } = await sql.query<{ chain: string; block: string; seconds: number }>(
    'select id as chain, block, extract(epoch from clock_timestamp() - updated_at)::float8 as seconds from cursor',
  )
  const [newest] = rows
  if (!newest) return NOTHING_FOUND
  const seconds = Math.max(0, Math.round(newest.seconds))
  const text = `block ${newest.block} came ${seconds} s ago`
  const mayRest = Number(newest.chain) === DEVELOPMENT_CHAIN && !minesByItself
  if (seconds <= HEAD_RESTS_SECONDS || mayRest) return text
  throw new Error(
    `${text}, and none since then: the node of the chain may have stopped. See ${RUNBOOK}#indexerlagging.`,
  )
}

/** The accounts that have signed so far: this host need not have their key. */
async function signersCanPay(sql: Sql, urls: readonly string[]): Promise<string> {
  const { rows } = await sql.query<{ sender: string }>('select distinct sender from chain_transaction')
  if (rows.length && !urls.length)
    throw new Error('No endpoint of RPC_URL answers, so what the signers can pay is not known.')
  const signers = await Promise.all(
    rows.map(async ({ sender }) => {
      const { balance, gasPrice } = await Promise.any(urls.map((url) => fundsAt(url, sender)))
      return { sender, tokens: Number(balance) / 1e18, left: await transactionsLeft(sql, sender, balance, gasPrice) }
    }),
  )
  const alert = alerts.find(({ name }) => name === 'SignerBalanceLow')
  for (const { sender, tokens, left } of signers)
    if (alert?.limit && exceeds(alert.limit, { labels: {}, value: left }))
      throw new Error(
        `${sender} has ${tokens} native tokens for gas, which pay for about ${left} transactions: when they are used up, jobs wait. Send it more. See ${sectionOf(alert)}.`,
      )
  return (
    signers.map(({ sender, tokens, left }) => `${sender} has ${tokens}, enough for ${left} transactions`).join(', ') ||
    'nothing is signed yet'
  )
}

async function workersAlive(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ host: string; device: string; alive: boolean; running: number }>(
    `select host, device, ${WORKER_ALIVE} as alive,
       (select count(*) from job_run where status = 'Running' and worker_id = worker_node.id) as running
     from worker_node where ${WORKER_ALIVE} or ${WORKER_LOST} order by host, started_at`,
  )
  const alive = rows.filter((one) => one.alive)
  if (!alive.length)
    throw new Error(`No worker is alive: jobs wait. Start \`modelcommons worker\`. See ${RUNBOOK}#noworker.`)
  return alive.map(({ host, device, running }) => `${host} (${device}, runs ${running})`).join(', ')
}

async function jobsUnderWay(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ status: string; reason: string | null; count: number }>(
    `select status, case when status = 'Waiting' then error->>'code' end as reason, count(*) as count from job_run
     where ${IS_LIVE} group by 1, 2 order by 1, 2`,
  )
  return (
    rows.map(({ status, reason, count }) => `${count} ${status}${reason ? ` for ${reason}` : ''}`).join(', ') || 'none'
  )
}
