import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPostgresBackend, Queue, Worker } from 'bullmq'
import pino from 'pino'
import { startApi } from '#graphql/index.ts'
import { type ArtifactStore, checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { redisIsMissing, startRedis } from '#schema/test/redis.ts'
import type { ChainClient } from '#workers/chain.ts'
import { startWorker } from '#workers/index.ts'
import type { JobHandlers } from '#workers/job.ts'
import { type BenchReport, emptyReport, type Figure, figure, percentile, ratio } from './report.ts'

const ROUNDS = 5
const STARTS = 60
const JOBS = 400
const CONCURRENCY = 50

/** A way to run jobs; `started` is called when a job begins. */
interface QueueRunner {
  /** Enqueues one job. */
  ask(): Promise<void>
  /** Enqueues `count` jobs as fast as possible. */
  askAll(count: number): Promise<void>
  work(concurrency: number, started: () => void): Promise<() => Promise<void>>
}

interface OurRunner extends QueueRunner {
  queues: Queues
  /** A new idempotency key. */
  key(): string
  close(): Promise<void>
}

const DBOS = join(import.meta.dirname, 'peers/dbos')

export async function setup(): Promise<void> {
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock']
  execFileSync('npm', ['install', ...options], { cwd: DBOS, stdio: 'inherit' })
}

/** The time from enqueuing a job until its code runs, and jobs per second, on both back ends, compared with plain BullMQ (without rows,
 *  claims and results) on the same server. */
export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-queue-'))
  await chmod(folder, 0o755)
  const server = await startPostgres(join(folder, 'postgres'))
  const missing = redisIsMissing()
  const redis = missing ? undefined : await startRedis()
  const report = emptyReport('queue')
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url, { max: 20 })
    report.limit['start p50 target'] = 20
    report.limit['postgres notify round trip'] = await notifyRoundTrip(db)
    for (const [backend, redisUrl] of Object.entries({ postgres: undefined, redis: redis?.url })) {
      if (backend === 'redis' && !redisUrl) {
        report.absent.push(`redis: ${missing}`)
        continue
      }
      const ours = await ourRunner(db, server.url, redisUrl, folder)
      const peer = bareRunner(server.url, redisUrl)
      const name = `bullmq on ${backend}`
      const [start, peerStart] = await alternate(starts, ours, peer)
      const mutation = await byMutation(ours, db)
      const [rate, peerRate] = await alternate(rates, ours, peer)
      const ourFigures = { start: figure(start, 'ms'), mutation: figure(mutation, 'ms'), jobs: figure(rate, 'jobs/s') }
      const peerFigures = { start: figure(peerStart, 'ms'), jobs: figure(peerRate, 'jobs/s') }
      report.ours[`${backend} start p50`] = ourFigures.start
      report.ours[`${backend} mutation to start p50`] = ourFigures.mutation
      report.ours[`${backend} jobs`] = ourFigures.jobs
      report.peers[name] = { 'start p50': peerFigures.start, jobs: peerFigures.jobs }
      report.ratios[`${name} start p50`] = ratio(ourFigures.start, peerFigures.start, { lower: true })
      report.ratios[`${name} jobs`] = ratio(ourFigures.jobs, peerFigures.jobs)
      console.log(
        `${backend}: start p50 ${ourFigures.start.median} ms (from the mutation ${ourFigures.mutation.median} ms), ${ourFigures.jobs.median} jobs/s`,
      )
      if (backend === 'postgres') await compareDurable(report, ours, server.url)
      await ours.close()
      await peer.close()
    }
    await db.close()
    return report
  } finally {
    await redis?.stop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Ours and the peer take turns, so that other load on the machine affects both equally. */
async function alternate(measure: (runner: QueueRunner) => Promise<number>, ours: QueueRunner, peer: QueueRunner) {
  const [mine, theirs]: [number[], number[]] = [[], []]
  await measure(ours) // warm up
  await measure(peer)
  for (let round = 0; round < ROUNDS; round++) {
    mine.push(await measure(ours))
    theirs.push(await measure(peer))
  }
  return [mine, theirs] as const
}

/** Median of the milliseconds from enqueuing to the first line of the job, one job at a time. */
async function starts(runner: QueueRunner): Promise<number> {
  let onReceived = () => {}
  const stop = await runner.work(4, () => onReceived())
  const times: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const begun = new Promise<number>((resolve) => {
      onReceived = () => resolve(performance.now())
    })
    const asked = performance.now()
    await runner.ask()
    times.push((await begun) - asked)
  }
  await stop()
  return percentile(times, 0.5)
}

/** As `starts`, but from sending a GraphQL mutation over HTTP, which is parsed, checked and stored first. */
async function byMutation(runner: OurRunner, db: Database): Promise<number[]> {
  const api = await startApi({
    db,
    queues: runner.queues,
    artifacts: undefined as unknown as ArtifactStore, // no job here touches one
    deployment: { chainId: 1, addresses: {} },
    auth: 'open',
    log: { error: (details, message) => console.error(message, details) },
    host: '127.0.0.1',
    port: 0,
  })
  const query = 'mutation ($key: String!) { settleEpoch(input: { epoch: 1 }, idempotencyKey: $key) { id status } }'
  const ask = async () => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { key: runner.key() } }),
    })
    const { errors } = (await response.json()) as { errors?: object[] }
    if (errors) throw new Error(JSON.stringify(errors))
  }
  const times: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const time = await starts({ ...runner, ask })
    if (round >= 0) times.push(time)
  }
  await api.stop()
  return times
}

/** Jobs per second, from the start of the worker until all enqueued jobs are done. */
async function rates(runner: QueueRunner): Promise<number> {
  await runner.askAll(JOBS)
  let left = JOBS
  let finish = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const begun = performance.now()
  const stop = await runner.work(CONCURRENCY, () => {
    if (--left === 0) finish()
  })
  await done
  await stop() // the last results are stored by then
  return (JOBS / (performance.now() - begun)) * 1000
}

/** Jobs per second from the first request to the last stored result, with the workers running: ours and DBOS, a durable runner. DBOS is measured in two ways:
 *  through its queue, so that any process may run an accepted request, as ours may (the same guarantee); and without it, where the process that accepted a
 *  request runs it at once. */
async function compareDurable(report: BenchReport, ours: QueueRunner, databaseUrl: string): Promise<void> {
  if (!existsSync(join(DBOS, 'node_modules'))) {
    report.absent.push('dbos: not installed (`npm run bench -- queue --setup`)')
    return
  }
  const url = new URL(databaseUrl)
  url.pathname = '/dbos'
  const child = fork(join(DBOS, 'main.js'), [url.href])
  try {
    await once(child, 'message')
    const dbos = async (queued: boolean) => {
      child.send({ jobs: JOBS, concurrency: CONCURRENCY, queued })
      const [{ ms }] = (await once(child, 'message')) as [{ ms: number }]
      return (JOBS / ms) * 1000
    }
    const rounds: { ours: number; queued: number; inProcess: number }[] = []
    for (let round = -1; round < ROUNDS; round++) {
      const rates = { ours: await durableRate(ours), queued: await dbos(true), inProcess: await dbos(false) }
      if (round >= 0) rounds.push(rates)
    }
    const rate = (name: 'ours' | 'queued' | 'inProcess') =>
      figure(
        rounds.map((one) => one[name]),
        'jobs/s',
      )
    const [mine, queued, inProcess] = [rate('ours'), rate('queued'), rate('inProcess')]
    report.ours['postgres durable jobs'] = mine
    report.peers.dbos = { 'durable jobs': queued, 'durable jobs in one process': inProcess }
    report.ratios['dbos durable jobs'] = ratio(mine, queued)
    report.ratios['dbos durable jobs in one process'] = ratio(mine, inProcess)
    console.log(
      `durable: ours ${mine.median} jobs/s, dbos ${queued.median} jobs/s, in one process ${inProcess.median} jobs/s`,
    )
  } finally {
    child.kill()
  }
}

async function durableRate(ours: QueueRunner): Promise<number> {
  let left = JOBS
  let finish = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const stop = await ours.work(CONCURRENCY, () => {
    if (--left === 0) finish()
  })
  const begun = performance.now()
  let asked = 0
  const askSome = async () => {
    while (asked++ < JOBS) await ours.ask()
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, askSome))
  await done
  const ms = performance.now() - begun
  await stop()
  return (JOBS / ms) * 1000
}

async function ourRunner(db: Database, databaseUrl: string, redisUrl: string | undefined, folder: string) {
  const queues = await openQueues({ databaseUrl, redisUrl })
  let keys = 0
  const key = () => `${redisUrl ? 'redis' : 'postgres'} ${++keys}`
  const ask = async () =>
    void (await enqueue({ db, queues }, 'settleEpoch', { epoch: 1 }, { key: key(), requestedBy: null }))
  const runner: OurRunner = {
    ask,
    queues,
    key,
    async askAll(count) {
      for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, ask))
    },
    async work(concurrency, started) {
      const handlers: Partial<JobHandlers> = {
        async settleEpoch() {
          started()
          return { result: {} }
        },
      }
      const worker = await startWorker({
        db,
        queues,
        artifacts: localStore(join(folder, 'artifacts')),
        chain: undefined as unknown as ChainClient, // no job here touches one
        handlers: handlers as JobHandlers,
        log: pino({ level: 'silent' }),
        slots: { infer: 0, attribute: 0, training: 0, chain: concurrency, recourse: 0 },
        device: 'cpu',
        checkpoints: join(folder, 'checkpoints'),
        checkpointStore: checkpointsIn(folderObjects(join(folder, 'artifacts'))),
      })
      return () => worker.stop()
    },
    close: () => queues.close(),
  }
  return runner
}

function bareRunner(databaseUrl: string, redisUrl: string | undefined): QueueRunner & { close(): Promise<void> } {
  const url = new URL(redisUrl ?? 'redis://localhost')
  const connection = redisUrl
    ? { host: url.hostname, port: Number(url.port) }
    : { connectionString: databaseUrl, schema: 'bullmq', max: 12 }
  // `as never` three times: the types of BullMQ know only Redis connections; its PostgreSQL backend takes these options.
  const open = <T>(make: (options: { connection: object }, backend: never) => T) =>
    // as never, here and below: BullMQ declares its back end and options for Redis alone
    make({ connection }, (redisUrl ? undefined : createPostgresBackend) as never)
  // as never: as above
  const queue = open((options, backend) => new Queue('bare', options as never, backend))
  const opts = { removeOnComplete: true }
  return {
    ask: async () => void (await queue.add('job', {}, opts)),
    askAll: async (count) =>
      void (await queue.addBulk(Array.from({ length: count }, () => ({ name: 'job', data: {}, opts })))),
    async work(concurrency, started) {
      const worker = open(
        // as never: as above
        (options, backend) => new Worker('bare', async () => started(), { ...options, concurrency } as never, backend),
      )
      worker.on('error', () => {})
      await worker.waitUntilReady()
      return () => worker.close()
    },
    close: () => queue.close(),
  }
}

/** The time from NOTIFY to its arrival, with PostgreSQL alone. */
async function notifyRoundTrip(db: Database): Promise<Figure> {
  let onReceived = () => {}
  const stop = await db.listen('bench', () => onReceived())
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const times: number[] = []
    for (let i = 0; i < STARTS; i++) {
      const done = new Promise<void>((resolve) => {
        onReceived = resolve
      })
      const begun = performance.now()
      await db.query(`notify bench, 'x'`)
      await done
      times.push(performance.now() - begun)
    }
    rounds.push(percentile(times, 0.5))
  }
  await stop()
  return figure(rounds, 'ms')
}
