import { setTimeout as sleep } from 'node:timers/promises'
import { alerts, expressionOf } from '../../../dashboards/alerts.ts'
import type { ServiceHost } from './host.ts'
import { evaluateRule, parseMetrics, type Scrape, type Series } from './promql.ts'
import type { InjectedFault } from './schedule.ts'

/** Which of the operator's alarms fire during a run. The rules are those of Prometheus; it is their `expr` alone that counts here, because a fault
 *  lasts seconds. */

/** Faults last seconds, and disks have megabytes: such values are multiplied by this, so that the rules' limits fit. */
const SCALES: readonly [RegExp, number][] = [
  [/_seconds$/, 20],
  [/^modelcommons_disk_/, 64],
]
const INTERVAL_MS = 1_500
const SCRAPE_TIMEOUT_MS = 3_000
/** An alarm belongs to the faults that act when it fires, or have acted this long before. */
const AFTERMATH_MS = 6_000

/** Alarms that fire at one moment. */
export interface Firing {
  at: number
  names: ReadonlySet<string>
}

/** Scrapes all services and evaluates the rules until `over` is aborted. @returns what fired when, in milliseconds after the call. */
export async function watchAlarms(hosts: readonly ServiceHost[], over: AbortSignal): Promise<Firing[]> {
  const began = performance.now()
  const scrapes: Scrape[] = []
  const firings: Firing[] = []
  while (!over.aborted) {
    const scraped = await Promise.all(
      hosts.flatMap(({ name, metricsUrls }) =>
        Object.entries(metricsUrls).map(([service, url]) => scrape(url, { service, instance: `${service}-${name}` })),
      ),
    )
    scrapes.push(scraped.flat())
    const names = alerts
      .filter((alert) => evaluateRule(expressionOf(alert), scrapes).length > 0)
      .map(({ name }) => name)
    firings.push({ at: performance.now() - began, names: new Set(names) })
    await sleep(INTERVAL_MS, undefined, { signal: over }).catch(() => {})
  }
  return firings
}

async function scrape(url: string, target: Readonly<Record<string, string>>): Promise<Series[]> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
    .then((response) => (response.ok ? response.text() : undefined))
    .catch(() => undefined)
  const up: Series = { name: 'up', labels: target, value: Number(answer !== undefined) }
  return [up, ...parseMetrics(answer ?? '')].map(({ name, labels, value }) => ({
    name,
    labels: { ...labels, ...target },
    value: value * (SCALES.find(([pattern]) => pattern.test(name))?.[1] ?? 1),
  }))
}

/** The alarms that fired during or soon after a fault, but not when it began. */
export function alarmsOf({ from, to }: InjectedFault, firings: readonly Firing[]): string[] {
  const before = firings.findLast(({ at }) => at <= from)?.names ?? new Set()
  const during = firings.filter(({ at }) => at > from && at < to + AFTERMATH_MS)
  return [...new Set(during.flatMap(({ names }) => [...names]))].filter((name) => !before.has(name)).sort()
}
