import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import type { Sql } from '#schema/database.ts'
import { isUnserved } from '#schema/workers.ts'
import { METRIC_PREFIX } from './systemMetrics.ts'

/** What tells that an API takes signed acts (RELAY=on) although no worker sends them. */

export const UNSERVED =
  'RELAY is on, but no live worker has RELAYER_KEY: acts are taken and wait. Start a worker with RELAYER_KEY, or set RELAY=off.'

/** Of a worker, or of a system that is about to start. */
export const UNSERVED_HERE =
  'RELAY is on, but RELAYER_KEY is not set: this worker sends nothing of what accounts sign, and it waits for one with RELAYER_KEY. Set it, or RELAY=off.'

/** A worker that starts beside the API has this time to sign on. */
const GRACE_MS = 20_000
const EVERY_MS = 10_000

export async function relayIsServed(sql: Sql): Promise<boolean> {
  return (await sql.query(`select not ${isUnserved("'relay'")} as served`)).rows[0].served
}

/** What `doctor` finds about relaying where it is on. Without `sql`, no system runs. @throws Error when nobody sends what accounts sign. */
export async function relayCheck(hasKey: boolean, sql?: Sql): Promise<string> {
  if (sql && (await relayIsServed(sql))) return 'a worker sends what accounts sign'
  if (!hasKey) throw new Error(sql ? UNSERVED : UNSERVED_HERE)
  return 'the worker with this RELAYER_KEY will send what accounts sign'
}

/** Tells in the log, once each, that nobody relays and that somebody does again. */
export async function watchRelay(
  sql: Sql,
  log: Logger,
  signal: AbortSignal,
  { graceMs = GRACE_MS, everyMs = EVERY_MS } = {},
): Promise<void> {
  let told = false
  for (let wait = graceMs; await slept(wait, signal); wait = everyMs) {
    const served = await relayIsServed(sql).catch(() => !told) // /ready tells that the database is away
    if (served !== told) continue
    told = !served
    if (served) log.info('a worker relays again')
    else log.warn(UNSERVED)
  }
}

const slept = (ms: number, signal: AbortSignal) => sleep(ms, true, { signal, ref: false }).catch(() => false)

/** For APIs that take acts: whether somebody sends them, at each scrape. */
export function addRelayMetric(registry: Registry, sql: Sql): void {
  new Gauge({
    name: `${METRIC_PREFIX}relay_unserved`,
    help: '1 while this API takes signed acts and no live worker has RELAYER_KEY, else 0; absent where RELAY is off.',
    registers: [registry],
    async collect() {
      this.reset()
      const served = await relayIsServed(sql).catch(() => undefined)
      if (served !== undefined) this.set(served ? 0 : 1)
    },
  })
}
