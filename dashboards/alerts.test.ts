import { readFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { openApiMetrics } from '#cli/apiMetrics.ts'
import { storeObserver } from '#cli/artifactMetrics.ts'
import { addIndexerMetrics } from '#cli/indexerMetrics.ts'
import { addIndexHealth, INDEX_HEALTH_METRICS } from '#cli/indexHealthMetrics.ts'
import { addQueueMetric } from '#cli/queueMetric.ts'
import { addRelayMetric } from '#cli/relayServed.ts'
import { METRIC_PREFIX, SYSTEM_METRICS } from '#cli/systemMetrics.ts'
import { addEngineMetrics, addNodeMetric, addWorkerMetrics } from '#cli/workerMetrics.ts'
import { openGatewayMetrics } from '#gateway/metrics.ts'
import { metricsPlugin } from '#graphql/plugins/metrics.ts'
import { freshDatabase } from '#test/database.ts'
import type { ChainClient } from '#workers/chain.ts'
import { alertRules, alerts, expressionOf, LIMITS_OF_ALERTS, RUNBOOK } from './alerts.ts'
import { boards } from './grafana/emit.ts'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

/** The names of all metrics that the services export. */
async function exported(): Promise<Set<string>> {
  const db = await freshDatabase()
  const api = openApiMetrics(db, { home: '.' })
  addIndexHealth(api, { db, chainId: 1 })
  metricsPlugin(api)
  openGatewayMetrics(api)
  storeObserver(api)
  addNodeMetric(api)
  addQueueMetric(api, { ping: async () => {} })
  addRelayMetric(api, db)
  const others = new Registry()
  addIndexerMetrics(others, () => [])
  addEngineMetrics(others, () => [])
  addWorkerMetrics(others, { running: 0 }, { chainId: 1, account: '0x' } as ChainClient) // asked for nothing here
  const all = await Promise.all([api, others].map((one) => one.getMetricsAsArray()))
  return new Set(all.flat().map(({ name }) => name))
}

/** All expressions of alarms and boards. */
function expressions(): string[] {
  const found = alerts.map(expressionOf)
  JSON.stringify(boards(), (key, value) => {
    if (key === 'expr') found.push(value)
    return value
  })
  return found
}

test('the committed rule file is what the code emits', async () => {
  expect(await read('dashboards/alerts.yml'), 'run: node --import tsx dashboards/emitAlerts.ts').toBe(alertRules())
})

test('every metric that an alarm or a board names is exported by a service', async () => {
  const known = await exported()
  const named = expressions().flatMap((expr) => expr.match(/modelcommons_\w+/g) ?? [])
  expect(named.length).toBeGreaterThan(50)
  for (const name of named)
    expect(known, name).toContain(known.has(name) ? name : name.replace(/_(bucket|count|sum)$/, ''))
})

test('what every API or worker exports alike is never added up: with two of them nothing doubles', () => {
  const measured = [...SYSTEM_METRICS, ...INDEX_HEALTH_METRICS].map(({ name }) => name)
  const alike = [...measured, 'signer_balance_wei', 'signer_transactions_left', 'signer_missing_nonces']
  for (const name of alike) {
    const uses = expressions().filter((expr) => new RegExp(`${METRIC_PREFIX}${name}\\b`).test(expr))
    const extremum = new RegExp(`(max|min|absent)( by \\([\\w, ]+\\) )?\\(${METRIC_PREFIX}${name}({[^}]*})?\\)`, 'g')
    for (const expr of uses)
      expect(expr.replace(extremum, ''), expr).not.toMatch(new RegExp(`${METRIC_PREFIX}${name}\\b`))
  }
})

test('a limit names a metric with its labels', () => {
  const labels = new Map(SYSTEM_METRICS.map((one) => [METRIC_PREFIX + one.name, one.labels ?? []]))
  for (const { name, limit } of alerts)
    if (limit && labels.has(limit.metric))
      for (const label of [...(limit.by ?? []), ...Object.keys({ ...limit.where, ...limit.whereNot })])
        expect(labels.get(limit.metric), name).toContain(label)
})

test('every alarm has its section in the operators’ page, and the page has no section of an alarm that is gone', async () => {
  const page = await read(RUNBOOK)
  const part = page.slice(page.indexOf('\n## Alarms'))
  const sections = [...part.matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading)
  expect(sections).toEqual(alerts.map(({ name }) => name))
  for (const section of part.split(/^### /m).slice(1)) {
    const [name = ''] = section.split('\n')
    for (const word of ['**Meaning.**', '**Look.**', '**Mend.**']) expect(section, name).toContain(word)
  }
  for (const name of Object.keys(LIMITS_OF_ALERTS)) expect(await read('dashboards/alerts.ts')).toContain(`L.${name}`)
})
