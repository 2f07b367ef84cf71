import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { WorkerNode } from '#schema/offchain/jobs.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { runProgram } from '#test/testSystem.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { addRelayMetric, relayCheck, UNSERVED, UNSERVED_HERE, watchRelay } from './relayServed.ts'

test('that nobody relays is told once in the log, in the metric and by the doctor, until a worker with the key is alive', async () => {
  const db = await freshDatabase()
  const lines: { msg: string }[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const stop = new AbortController()
  const watching = watchRelay(db, log, stop.signal, { graceMs: 1, everyMs: 5 })
  const registry = new Registry()
  addRelayMetric(registry, db)
  const metric = async () => /^modelcommons_relay_unserved (\d)$/m.exec(await registry.metrics())?.[1]
  const told = () => lines.map(({ msg }) => msg)

  const node = { stoppedAt: null, heartbeatAt: new Date() }
  await insert(db, WorkerNode, { ...node, id: 'other', slots: { relay: 0, chain: 1 } })
  await vi.waitFor(() => expect(told()).toEqual([UNSERVED]))
  expect(await metric()).toBe('1')
  await expect(relayCheck(false, db)).rejects.toThrow(UNSERVED)
  expect(await relayCheck(true, db)).toMatch(/this RELAYER_KEY will send/)

  await insert(db, WorkerNode, { ...node, id: 'relayer', slots: { relay: 1 } })
  await vi.waitFor(() => expect(told()).toEqual([UNSERVED, 'a worker relays again']))
  expect(await metric()).toBe('0')
  expect(await relayCheck(false, db)).toBe('a worker sends what accounts sign')

  await db.query(`update worker_node set stopped_at = now() where id = 'relayer'`)
  await vi.waitFor(() => expect(told()).toHaveLength(3))
  stop.abort()
  await watching
  expect(told()).toEqual([UNSERVED, 'a worker relays again', UNSERVED])
})

test('the doctor tells it before anything runs', async () => {
  await expect(relayCheck(false)).rejects.toThrow(UNSERVED_HERE)
  expect(await relayCheck(true)).toMatch(/this RELAYER_KEY will send/)
  const env = { MODELCOMMONS_HOME: await temporaryFolder(), PORT: '0', RELAY: 'on' }
  const { code, output } = await runProgram('doctor', env)
  expect(output).toMatch(/^✗ relay +RELAY is on, but RELAYER_KEY is not set/m)
  expect(code).toBe(1)
})
