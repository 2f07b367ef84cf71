import { Registry } from 'prom-client'
import { encodeAbiParameters, parseAbi, toEventSelector } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { type Indexer, startIndexer } from '#indexer/index.ts'
import { startReplay } from '#indexer/replay/server.ts'
import { testChain } from '#indexer/test/chain.ts'
import { faultyNode } from '#indexer/test/faultyNode.ts'
import { expectClean, follow } from '#indexer/test/follow.ts'
import { recordingLogger } from '#indexer/test/logger.ts'
import { noise, prepareNoise, seededInts } from '#indexer/test/noise.ts'
import { freshDatabase } from '#test/database.ts'
import { addIndexerMetrics } from './indexerMetrics.ts'

/** The metrics of an indexer, by name without prefix. */
async function metricsOf({ status }: Pick<Indexer, 'status'>) {
  const registry = new Registry()
  addIndexerMetrics(registry, () => [status()])
  return async () => {
    const text = await registry.metrics()
    const values = text.matchAll(/^modelcommons_index_(\w+)\{chain="31337"\} (\S+)$/gm)
    return Object.fromEntries([...values].map(([, name, value]) => [name, Number(value)]))
  }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

test('failures are logged at the 1st, 2nd, 4th, 8th … in a row and then the recovery; the metrics say the same', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  const { log, lines } = recordingLogger()
  const indexer = await follow(chain, db, { rpcUrl: node.url, log, patience: { delayMs: 1 } })
  await indexer.caughtUp()
  const metrics = await metricsOf(indexer)
  for (const wanted of [1, 9]) {
    const before = indexer.status().counters.failures
    await node.down()
    await expect.poll(() => indexer.status().counters.failures - before).toBeGreaterThanOrEqual(wanted)
    expect((await metrics()).consecutive_failures).toBeGreaterThanOrEqual(wanted)
    await chain.send(1, 'GOpen', 'deposit', [], 1n)
    await node.up()
    await indexer.caughtUp(await chain.head())
  }
  const recoveries = lines('Recovered').map(({ details }) => details)
  expect(recoveries).toHaveLength(2)
  const expected = recoveries.flatMap(({ failures }) => [1, 2, 4, 8, 16, 32, 64, 128].filter((one) => one <= failures))
  const failures = lines('A round failed; retrying')
  expect(failures.map(({ details }) => details.failures)).toEqual(expected)
  expect(failures[0]).toMatchObject({
    level: 'warn',
    details: { chainId: 31337, problem: expect.stringMatching(/^RPC_URL: .* does not answer/) },
  })
  expect(await metrics()).toMatchObject({
    failures_total: sum(recoveries.map((details) => details.failures)),
    consecutive_failures: 0,
    recoveries_total: 2,
  })
  expect((await metrics()).failing_seconds_total).toBeCloseTo(sum(recoveries.map(({ afterMs }) => afterMs)) / 1000, 2)
  await expectClean(chain, db)
})

test('each reorganisation is logged with its blocks and its duration; the metrics say the same', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const { log, lines } = recordingLogger()
  const indexer = await follow(chain, db, { log, confirmations: 30 })
  const next = seededInts(3)
  for (const depth of [1, 3, 7]) {
    for (let i = 0; i < 4; i++) await noise(chain, next)
    await indexer.caughtUp()
    const head = await chain.head()
    const known = lines('Reorganisation: rolled back to the last common block').length
    await chain.call('anvil_reorg', depth, [])
    await expect.poll(() => lines('Reorganisation: rolled back to the last common block').length).toBeGreaterThan(known)
    expect(lines('Reorganisation: rolled back to the last common block').at(-1)).toMatchObject({
      level: 'info',
      details: { chainId: 31337, from: head, to: head - depth, depth },
    })
    await indexer.caughtUp()
  }
  const logged = lines('Reorganisation: rolled back to the last common block').map(({ details }) => details)
  const shown = await (await metricsOf(indexer))()
  expect(shown).toMatchObject({
    reorganisations_total: logged.length,
    retracted_blocks_total: sum(logged.map(({ depth }) => depth)),
  })
  expect(shown.reorganisation_seconds_total).toBeCloseTo(sum(logged.map(({ durationMs }) => durationMs)) / 1000, 2)
  await expectClean(chain, db)
})

test('a standby says that it waits, and how long it waited when it takes over; the metrics say the same', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  const { log, lines } = recordingLogger()
  const second = await follow(chain, db, { log })
  const metrics = await metricsOf(second)
  await second.caughtUp()
  await expect.poll(() => second.status().state).toBe('waiting')
  expect(lines('Another indexer follows this chain into this database: waiting')).toMatchObject([
    { level: 'info', details: { chainId: 31337, holder: expect.stringMatching(new RegExp(`:${process.pid}$`)) } },
  ])
  expect(await metrics()).toMatchObject({ active: 0, standby: 1, takeovers_total: 0, standby_seconds_total: 0 })
  await first.stop()
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await second.caughtUp(await chain.head())
  expect(lines('Took over from another indexer')).toMatchObject([
    { level: 'info', details: { chainId: 31337, pid: process.pid, waitedMs: expect.any(Number) } },
  ])
  const waitedMs = sum(lines('Took over from another indexer').map(({ details }) => details.waitedMs))
  const shown = await metrics()
  expect(shown).toMatchObject({ active: 1, standby: 0, takeovers_total: 1, lease_losses_total: 0 })
  expect(shown.standby_seconds_total).toBeCloseTo(waitedMs / 1000, 2)
  expect(lines('Recovered')).toEqual([])
  expect(lines('Indexing')).toEqual([]) // it took over, it did not begin
  await expectClean(chain, db)
})

test('contracts that are set aside are counted', async () => {
  const [vote] = parseAbi(['event VoteCast(address voter, uint256 id, uint8 support, uint256 weight, string reason)'])
  const address = `0x${'cd'.repeat(20)}` as const
  const data = encodeAbiParameters(vote.inputs, [address, 1n, 1, 1n, 'not indexed'])
  const event = { block: 5, transaction: 0, index: 3, address, topics: [toEventSelector(vote)], data }
  const replay = await startReplay({ chainId: 31337, addresses: [address], events: [event] })
  onTestFinished(() => replay.close())
  const stop = new AbortController()
  const deployment = { chainId: 31337, startBlock: 1, addresses: {}, governors: [{ address }] }
  const db = await freshDatabase()
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: stop.signal })
  await indexer.caughtUp()
  expect(await (await metricsOf(indexer))()).toMatchObject({ set_aside_contracts: 1 })
  stop.abort()
  await indexer.stopped
})
