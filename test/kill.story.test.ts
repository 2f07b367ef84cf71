import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openLog } from '#cli/log.ts'
import { type System, startSystem } from '#cli/system.ts'
import { readConfig } from '#config'
import { playExample } from '#example/story/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { must } from '#test/must.ts'

/** The whole lifecycle at small scale, while processes are killed during their work. */

const SEED = 7

interface TestedSystem {
  home: string
  system: System
  db: Database
}

async function openSystem(): Promise<TestedSystem> {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-kill-'))
  await chmod(home, 0o755) // the database server may run as another user
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  vi.stubEnv('LOG_LEVEL', 'silent')
  const config = readConfig({ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'silent' })
  const system = await startSystem(config, openLog('test', config))
  onTestFinished(() => system.stop())
  const db = await openDatabase(system.databaseUrl)
  onTestFinished(() => db.close())
  return { home, system, db }
}

const play = ({ system: { url, rpcUrl } }: TestedSystem) => playExample({ url, rpcUrl, seed: SEED, scale: 'small' })

/** Waits until a query returns a row; errors of a database that is down are ignored. */
async function until(db: Database, question: string, over: AbortSignal): Promise<void> {
  for (;;) {
    over.throwIfAborted()
    const { rows } = await db.query(question).catch(() => ({ rows: [] }))
    if (rows.length > 0) return
    await sleep(5)
  }
}

const lives = (pid: number) => {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/s.test(existsSync('/proc') ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '')
  } catch {
    return false
  }
}

/** The child processes of `pid`; empty on systems without /proc. */
const childrenOf = (pid: number): number[] =>
  (existsSync('/proc/self/stat') ? readdirSync('/proc') : [])
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .filter((name) => {
      try {
        return Number(/\) . (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]) === pid
      } catch {
        return false
      }
    })
    .map(Number)

async function killService({ system }: TestedSystem, name: 'index' | 'worker'): Promise<void> {
  const pid = must(system.services[name].pid)
  const children = childrenOf(pid)
  process.kill(pid, 'SIGKILL')
  await vi.waitFor(
    () => {
      expect(children.filter(lives)).toEqual([])
      expect(system.services[name].pid).toBeDefined()
      expect(system.services[name].pid).not.toBe(pid)
    },
    { timeout: 30_000 },
  )
}

/** Kills each part during its work, in the order of the story; returns the names of the killed parts. */
async function killAll(tested: TestedSystem, over: AbortSignal): Promise<string[]> {
  const { db, home } = tested
  const killed: string[] = []
  await until(db, 'select from contribution having count(*) between 16 and 96', over)
  await killService(tested, 'index')
  killed.push('index')

  await until(
    db,
    `select from job_run where kind = 'fineTune' and idempotency_key like '%after 1%' and status = 'Running' and progress > 0.1`,
    over,
  )
  await killService(tested, 'worker')
  killed.push('worker')

  await until(
    db,
    `select from job_run, chain_transaction sent where kind = 'settleEpoch' and job_run.status = 'Running' and sent.id like 'redeem:%'`,
    over,
  )
  process.kill(Number(readFileSync(join(home, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
  killed.push('postgres')
  return killed
}

/** The rows of the system when the story is over. */
async function books({ db }: TestedSystem) {
  const all = async (question: string) => (await db.query(question)).rows
  return {
    // A kill may change the fees that are offered, and with them the hashes of blocks: a map names one, and its document has it. The key of a redemption
    // says in which blocks its channels changed.
    events: await all(
      `select contract, name, case name when 'RewardMapPublished' then args - 'blockHash' - 'uri' else args end as args
       from chain_event where to_block is null order by id`,
    ),
    receipts: await all('select id, fee, cumulative, epoch from receipt order by id'),
    credits: await all('select id, balance, redeemed from payment_channel where to_block is null order by id'),
    transactions: await all(
      `select regexp_replace(id, '^(publish:[0-9]+|redeem):.*', '\\1') as id, nonce, status from chain_transaction order by nonce`,
    ),
    // Whoever looks first starts the resolution of a dispute: the story, or the resolver by itself.
    jobs: await all(`select id, kind, status from job_run where kind <> 'resolveDispute' order by id`),
    retried: await all('select kind from job_run where attempt > 1 order by created_at'),
    roots: await all(`select epoch, root, total from reward_map where to_block is null order by epoch`),
  }
}

test('worker, indexer and PostgreSQL are killed during their work: the roots are the same, and nothing happens twice', async () => {
  const [calm, stormy] = [await openSystem(), await openSystem()]
  const over = new AbortController()
  const playing = Promise.all([play(calm), play(stormy)]).finally(() => over.abort(new Error('The story is over.')))
  const [[undisturbed, disturbed], killed] = await Promise.all([playing, killAll(stormy, over.signal)])
  expect(killed).toEqual(['index', 'worker', 'postgres'])

  const [expected, found] = [await books(calm), await books(stormy)]
  expect(expected.roots.map(({ epoch }) => epoch)).toEqual([1, 2])
  expect(found.roots).toEqual(expected.roots)
  expect(disturbed.rewards).toEqual(undisturbed.rewards)
  expect(disturbed.rewards.difference).toBe('0')
  expect(BigInt(disturbed.rewards.fees)).toBeGreaterThan(0n)

  expect(found.retried).toContainEqual({ kind: 'fineTune' })

  const once = (name: string, ...keys: string[]) =>
    found.events.filter((event) => event.name === name).map(({ args }) => keys.map((key) => args[key]).join('-'))
  const perEpoch = ['1', '1', '1', '2', '2', '2'] // three consumers
  expect(once('Redeemed', 'epoch')).toEqual(perEpoch)
  expect(new Set(once('Redeemed', 'epoch', 'channelId')).size).toBe(perEpoch.length)
  expect(once('VersionRegistered', 'versionId')).toEqual(['1', '2', '3'])
  expect(once('RewardMapPublished', 'epoch')).toEqual(['1', '2'])
  expect(found.receipts).toEqual(expected.receipts)
  expect(found.credits).toEqual(expected.credits)
  // The seats of a round are drawn by whoever comes first, a worker or the round's first commitment; who comes second has sent for nothing.
  // A resolver may give its verdict before the vote, or find the dispute decided.
  const acts = ({ transactions }: typeof found) => transactions.filter(({ id }) => !/^(seats|dispute):/.test(id))
  const idsOf = (transactions: { id: string }[]) => transactions.map(({ id }) => id).sort()
  expect(idsOf(acts(found))).toEqual(idsOf(acts(expected)))
  expect(acts(found).every(({ status }) => status === 'Mined')).toBe(true)
  expect(new Set(found.transactions.map(({ nonce }) => nonce)).size).toBe(found.transactions.length)
  expect(found.jobs).toEqual(expected.jobs)
  expect(found.events).toEqual(expected.events)
}, 600_000)
