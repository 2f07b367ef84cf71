import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#config'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { storeObserver } from './artifactMetrics.ts'
import { openStores } from './openArtifacts.ts'

test('what mirrors answer is counted from zero, and their circuits are told', async () => {
  const server = createServer((_, response) => void response.end('wrong bytes'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const registry = new Registry()
  const config = readConfig({ MODELCOMMONS_HOME: await temporaryFolder(), ARTIFACT_MIRRORS: mirror })
  const { artifacts } = await openStores(config, pino({ level: 'silent' }), storeObserver(registry))
  const counted = async (outcome: string) =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => /^modelcommons_mirror/.test(line) && (!/reads/.test(line) || line.includes(`"${outcome}"`)))
  expect(await counted('corrupt')).toEqual([
    `modelcommons_mirror_circuit_open{mirror="${mirror}"} 0`,
    `modelcommons_mirror_reads_total{mirror="${mirror}",outcome="corrupt"} 0`,
  ])
  for (let i = 0; i < 6; i++) await artifacts.get(`0x${'1'.repeat(64)}`).catch(() => {})
  expect(await counted('corrupt')).toEqual([
    `modelcommons_mirror_circuit_open{mirror="${mirror}"} 1`,
    `modelcommons_mirror_reads_total{mirror="${mirror}",outcome="corrupt"} 5`,
  ])
  expect((await counted('unreachable'))[1]).toMatch(/ 1$/)
})
