import { randomBytes } from 'node:crypto'
import { keccak256, stringToHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { TERMS } from '#contracts/test/mandate.ts'
import { ETHER, hashOf, PROPOSER, startWorld } from '#contracts/test/world.ts'
import { freshDatabase } from '#test/database.ts'
import { startIndexer } from '../index.ts'

test('a proposer who names metrics at any length stops no index', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const name = (length: number) => randomBytes(length).toString('hex').slice(0, length) // no index can shorten it
  const [short, long] = [name(1_000), name(6_000)]
  const metrics = ['accuracy', short, long, `${long}.`, keccak256(stringToHex(long)), 'é'.repeat(1_000)]
  const targets = metrics.map((metric, minimum) => ({ metric, minimum: BigInt(minimum), mayFall: false }))
  await world.send(PROPOSER, 'ModelRegistry', 'propose', [
    hashOf('spec'),
    name(6_000),
    { ...TERMS, targets },
    10n * ETHER,
  ])
  const db = await freshDatabase()
  const stop = new AbortController()
  const { deployment, anvil } = world
  const indexer = await startIndexer({ db, rpcUrl: anvil.url, deployment, signal: stop.signal })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  const { rows } = await db.query('select id, metric from target where to_block is null order by minimum')
  expect(rows.map(({ metric }) => metric)).toEqual(metrics)
  expect(rows.slice(0, 3).map(({ id }) => id)).toEqual([
    '1-accuracy',
    `1-${short}`,
    `1-${keccak256(stringToHex(long))}`,
  ])
  expect(new Set(rows.map(({ id }) => id)).size).toBe(metrics.length)
})
