import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '#schema/database.ts'
import { listenNotifications } from '#schema/notifications.ts'
import { CONCURRENCY, type OurRunner } from './queueRunners.ts'
import { type BenchReport, figure, ratio } from './report.ts'

/** Ours and DBOS as durable runners, on one server with its default `synchronous_commit`, with the same number of clients, of jobs at a time and of connections.
 *
 *  The guarantee: an accepted job survives a crash of every process and runs to its end; what it stores is stored once; its status can be
 *  asked for; each worker bounds how many it runs; any worker may run it.
 *  - Through its queue DBOS gives this, except that a workflow that has begun is continued only by a process with the name of the one that
 *    died, or by DBOS's commercial Conductor: ours are taken over by any worker after 15 s.
 *  - In one process DBOS gives less: the process that accepts a workflow runs it, no other does, and nothing bounds how many run. So each client
 *    waits for its result before the next request; ours then do, too.
 *
 *  DBOS stores the row in a step, made idempotent by the row's key, which costs it less than a transaction that also records the step; ours
 *  stores it in the transaction that ends the job. */

const DBOS = join(import.meta.dirname, 'peers/dbos')
const ROUNDS = 5
const JOBS = 1000
/** As many as ours has: 20 of the database, 12 of the queue. */
const CONNECTIONS = 32

export async function setup(): Promise<void> {
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock']
  execFileSync('npm', ['install', ...options], { cwd: DBOS, stdio: 'inherit' })
}

const CASES = [
  { name: 'durable jobs', storesRow: false, awaited: false },
  { name: 'durable jobs, each awaited', storesRow: false, awaited: true },
  { name: 'durable jobs that store a row', storesRow: true, awaited: false },
  { name: 'durable jobs that store a row, each awaited', storesRow: true, awaited: true },
] as const
type Case = (typeof CASES)[number]

/** Jobs per second from the first request to the last stored result, with the workers running. Awaited: each client waits for the result of its
 *  job before its next request; DBOS then runs in one process, otherwise through its queue. */
export async function compareDurable(report: BenchReport, ours: OurRunner, db: Database): Promise<void> {
  if (!existsSync(join(DBOS, 'node_modules'))) {
    report.absent.push('dbos: not installed (`npm run bench -- queue --setup`)')
    return
  }
  const url = new URL(db.url)
  url.pathname = '/dbos'
  const child = fork(join(DBOS, 'main.js'), [url.href, `${CONCURRENCY}`, `${CONNECTIONS}`])
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`The process of DBOS ended: ${code}.`)))
  const answer = async (): Promise<{ ms?: number }> => (await Promise.race([once(child, 'message'), exited]))[0]
  try {
    await answer()
    for (const one of CASES) {
      const [mine, theirs]: [number[], number[]] = [[], []]
      for (let round = -1; round < ROUNDS; round++) {
        const rate = await ourRate(ours, db, one)
        child.send({ jobs: JOBS, queued: !one.awaited, storesRow: one.storesRow })
        const { ms = 0 } = await answer()
        if (round < 0) continue // the first round warms up
        mine.push(rate)
        theirs.push((JOBS / ms) * 1000)
      }
      const [our, dbos] = [figure(mine, 'jobs/s'), figure(theirs, 'jobs/s')]
      report.ours[`postgres ${one.name}`] = our
      report.peers.dbos = { ...report.peers.dbos, [`${one.name} (${one.awaited ? 'in one process' : 'queue'})`]: dbos }
      report.ratios[`dbos ${one.name}`] = ratio(our, dbos)
      console.log(`${one.name}: ours ${our.median} jobs/s, dbos ${dbos.median} jobs/s`)
    }
  } finally {
    exited.catch(() => {})
    child.kill()
  }
}

async function ourRate(ours: OurRunner, db: Database, { storesRow, awaited }: Case): Promise<number> {
  const stop = await ours.work(CONCURRENCY, () => {})
  const ended = new Map<string, () => void>()
  const over = new Set<string>()
  const stopListening = await listenNotifications(db, (notification) => {
    if (notification.type !== 'job' || notification.status !== 'Succeeded') return
    over.add(notification.id)
    ended.get(notification.id)?.()
  })
  const result = (id: string) => over.has(id) || new Promise<void>((resolve) => ended.set(id, resolve))
  const results: (true | Promise<void>)[] = []
  let asked = 0
  const client = async () => {
    while (asked++ < JOBS) {
      const one = result(await ours.request(storesRow))
      if (awaited) await one
      else results.push(one)
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: CONCURRENCY }, client))
  await Promise.all(results)
  const ms = performance.now() - begun
  await stopListening()
  await stop()
  return (JOBS / ms) * 1000
}
