import { expect, test, vi } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { follow, until } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noise, noisyChain } from '../test/noise.ts'
import { newCounters } from './counters.ts'
import { Failures } from './failures.ts'
import { rpcEvents } from './rpcEvents.ts'

test('while logs are not answered, the indexer knows how far it is behind what the nodes say now, and warns again and again', async () => {
  const { chain, next } = await noisyChain(5, 41)
  const node = await faultyNode(chain.url)
  const { log, lines } = recordingLogger()
  const patience = { delayMs: 5, stallMs: 300 }
  const indexer = await follow(chain, await freshDatabase(), { rpcUrl: node.url, log, patience })
  await indexer.caughtUp()
  const warnings = () => lines('The index does not follow the chain')
  const early = warnings().length // a busy machine may have needed more than 300 ms for a step
  const stalled = () => warnings().slice(early)
  node.fault = ({ method }) => (method === 'eth_getLogs' ? { delayMs: 20_000 } : undefined)
  const before = await chain.head()
  for (let n = 0; n < 7; n++) await noise(chain, next)
  await until('three warnings', () => stalled().length >= 3)
  const head = await chain.head()
  const { headBlock, counters } = indexer.status()
  expect([headBlock, counters.stallWarnings]).toEqual([head, warnings().length])
  for (const [index, { level, details }] of stalled().entries()) {
    expect(level).toBe('warn')
    expect(details).toMatchObject({ chainId: 31337, block: before, times: index + 1 })
    expect(details.stalledMs).toBeGreaterThanOrEqual(300 * (index + 1))
  }
  expect(stalled().at(-1)?.details).toMatchObject({ headBlock: head, lag: head - before })
  node.fault = () => undefined
})

test('failures and events of endpoints that go on are logged again every minute, with their number', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const { log, lines } = recordingLogger()
    const failures = new Failures(newCounters(), { details: {}, signal: new AbortController().signal, log })
    const events = rpcEvents(newCounters(), 1, log)
    for (let second = 0; second < 600; second += 10) {
      failures.failed(new Error('away'), 'A round failed; retrying')
      events.transport.onSilence?.('node', 'no answer')
      vi.advanceTimersByTime(10_000)
    }
    const counts = lines('A round failed; retrying').map(({ details }) => details.failures)
    expect(counts).toEqual([1, 2, 4, 8, 14, 16, 22, 28, 32, 38, 44, 50, 56])
    expect(lines('An RPC endpoint does not answer in time').map(({ details }) => details.times)).toEqual(counts)
  } finally {
    vi.useRealTimers()
  }
})
