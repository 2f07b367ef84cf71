import { randomBytes } from 'node:crypto'
import { keccak256, stringToHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { mandate, TERMS, version } from '#contracts/test/mandate.ts'
import { ALICE, ETHER, hashOf, OPERATOR, PROPOSER, startWorld } from '#contracts/test/world.ts'
import { freshDatabase } from '#test/database.ts'
import { startIndexer } from '../index.ts'

test('a name of any length stops no index: a proposer’s, or one of the thief of the operator’s key', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const name = (length: number) => randomBytes(length).toString('hex').slice(0, length) // no index can shorten it
  const hash = (text: string) => keccak256(stringToHex(text))
  const [short, long, wide] = [name(1_000), name(6_000), 'é'.repeat(1_000)]
  const names = ['accuracy', short, long, `${long}.`, hash(long), wide]
  const indexed = ['accuracy', short, hash(long), hash(`${long}.`), hash(hash(long)), hash(wide)]
  const targets = names.map((metric, minimum) => ({ metric, minimum: BigInt(minimum), mayFall: false }))
  const modelId = await mandate(world)
  const terms = { ...TERMS, targets }
  await world.send(PROPOSER, 'ModelRegistry', 'propose', [hashOf('spec'), name(2_048), terms, 10n * ETHER])
  const versionId = await version(world, modelId, OPERATOR.address)
  const metrics = names.map((metric) => ({ metric, score: 1n, lower: 1n, upper: 1n, n: 1n }))
  await world.send(OPERATOR, 'EvaluationRegistry', 'log', [versionId, hashOf('rubric'), metrics, hashOf('log')])
  for (const domain of names)
    await world.send(OPERATOR, 'FeedbackPool', 'updateReputation', [[ALICE.address], domain, [1], [1]])
  const db = await freshDatabase()
  const stop = new AbortController()
  const { deployment, anvil } = world
  const indexer = await startIndexer({ db, rpcUrl: anvil.url, deployment, signal: stop.signal })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  const metricsOf = async (table: string) =>
    (await db.query(`select metric from ${table}`)).rows.map((one) => one.metric)
  expect(await metricsOf(`target where model_id = '2' and to_block is null order by minimum`)).toEqual(indexed)
  expect(await metricsOf('evaluation order by id::numeric')).toEqual(indexed)
  const { rows } = await db.query('select domain from reputation where to_block is null')
  expect(new Set(rows.map(({ domain }) => domain))).toEqual(new Set(names))
})
