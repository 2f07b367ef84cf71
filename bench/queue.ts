import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApi } from '#graphql/index.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { redisIsMissing, startRedis } from '#schema/test/redis.ts'
import { compareDurable } from './queueDurable.ts'
import { bareRunner, CONCURRENCY, type OurRunner, ourRunner, type QueueRunner } from './queueRunners.ts'
import { type BenchReport, emptyReport, type Figure, figure, percentile, ratio } from './report.ts'

export { setup } from './queueDurable.ts'

const ROUNDS = 5
const STARTS = 60
/** Rounds after which the compiler has optimised the way of a request. */
const EARLY_ROUNDS = 10
const JOBS = 400

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
    report.limit['mutation to start p50 target'] = 3
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
      const ourFigures = {
        start: figure(start, 'ms'),
        mutation: figure(mutation.steady, 'ms'),
        jobs: figure(rate, 'jobs/s'),
      }
      const peerFigures = { start: figure(peerStart, 'ms'), jobs: figure(peerRate, 'jobs/s') }
      report.ours[`${backend} start p50`] = ourFigures.start
      report.ours[`${backend} mutation to start p50`] = ourFigures.mutation
      report.ours[`${backend} mutation to start p50, just started`] = figure(mutation.early, 'ms')
      report.ours[`${backend} jobs`] = ourFigures.jobs
      report.peers[name] = { 'start p50': peerFigures.start, jobs: peerFigures.jobs }
      report.ratios[`${name} start p50`] = ratio(ourFigures.start, peerFigures.start, { lower: true })
      report.ratios[`${name} jobs`] = ratio(ourFigures.jobs, peerFigures.jobs)
      console.log(
        `${backend}: start p50 ${ourFigures.start.median} ms (from the mutation ${ourFigures.mutation.median} ms), ${ourFigures.jobs.median} jobs/s`,
      )
      if (backend === 'postgres') await compareDurable(report, ours, db)
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

/** As `starts`, but from sending a GraphQL mutation over HTTP, which is parsed, checked and stored first. The first rounds measure a server that has
 *  just started, whose code is not optimised yet; the last ones one that has answered some hundreds of requests. */
async function byMutation(runner: OurRunner, db: Database): Promise<{ early: number[]; steady: number[] }> {
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
  for (let round = 0; round < EARLY_ROUNDS + ROUNDS; round++) times.push(await starts({ ...runner, ask }))
  await api.stop()
  return { early: times.slice(1, 1 + ROUNDS), steady: times.slice(EARLY_ROUNDS) }
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
