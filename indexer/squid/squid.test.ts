import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import type { IndexerOptions } from '../index.ts'
import type { TestChain } from '../test/chain.ts'
import { expectClean, follow as followWith } from '../test/follow.ts'
import { gateway } from '../test/gateway.ts'
import { noise, noisyChain } from '../test/noise.ts'
import { runProcessorProcess } from './backfill.ts'

const CONFIRMATIONS = 12

const follow = (chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}) =>
  followWith(chain, db, { confirmations: CONFIRMATIONS, ...options })

test('final blocks come from a gateway through evm-processor, the rest from the node: the rows are the same', async () => {
  const { chain } = await noisyChain(90, 99)
  const db = await freshDatabase()
  const archive = await gateway(chain, (await chain.head()) - 20)
  const indexer = await follow(chain, db, { gatewayUrl: archive.url })
  await indexer.caughtUp()
  expect(archive.queries.length).toBeGreaterThan(1)
  expect(indexer.status().counters.blocks).toBe(20)
  await expectClean(chain, db)
})

test('a URL that is not a gateway is refused', async () => {
  const { chain } = await noisyChain(1, 99)
  const indexer = await follow(chain, await freshDatabase(), { gatewayUrl: `${chain.url}/nothing` })
  await expect(indexer.stopped).rejects.toThrow(/GATEWAY_URL: http:.* is not a Subsquid Network gateway/)
})

test('evm-processor alone follows a node through a reorganisation into the same rows, and our source goes on from there', async () => {
  const { chain, next } = await noisyChain(30, 99)
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  await first.stop()
  const stop = new AbortController()
  const { deployment, url: rpcUrl } = chain
  const needs = {
    databaseUrl: db.url,
    deployment: { ...deployment, clock: 'Timestamp' as const },
    rpcUrl,
    confirmations: CONFIRMATIONS,
  }
  const running = runProcessorProcess(needs, stop.signal)
  running.catch(() => {})
  onTestFinished(() => stop.abort())
  const atHead = async () => {
    const hash = async () => ((await chain.call('eth_getBlockByNumber', 'latest', false)) as { hash: string }).hash
    const stored = async () => (await db.query('select hash from cursor')).rows[0].hash
    for (const before = Date.now() + 40_000; Date.now() < before; await sleep(50))
      if ((await hash()) === (await stored())) return
    throw new Error('The processor did not reach the head within 40 s')
  }
  for (let i = 0; i < 10; i++) await noise(chain, next)
  await atHead()
  await chain.call('anvil_reorg', 5, [])
  for (let i = 0; i < 8; i++) await noise(chain, next)
  await atHead()
  stop.abort()
  await running
  await expectClean(chain, db)
  for (let i = 0; i < 5; i++) await noise(chain, next)
  const last = await follow(chain, db)
  await last.caughtUp()
  await expectClean(chain, db)
})
