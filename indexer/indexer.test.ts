import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { startIndexer } from './index.ts'
import { testChain } from './test/chain.ts'

test('a deployment and a deposit land in rows', async () => {
  const chain = await testChain()
  const db = await freshDatabase()
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await chain.send(1, 'GOpen', 'delegate', [chain.accounts[2]])
  const stop = new AbortController()
  const t = performance.now()
  const indexer = await startIndexer({
    db,
    rpcUrl: chain.url,
    deployment: chain.deployment,
    signal: stop.signal,
    log: console as never,
  })
  await indexer.caughtUp()
  console.log(performance.now() - t, indexer.status())
  const { rows } = await db.query('select * from holder order by id, from_block')
  console.log(
    rows,
    (await db.query('select contract, name, args from chain_event')).rows.map((r: any) => r.contract + ' ' + r.name),
  )
  for (let i = 0; i < 5; i++) {
    const t = performance.now()
    await chain.send(1, 'GOpen', 'deposit', [], 5n)
    const sent = performance.now() - t
    await indexer.caughtUp()
    console.log(sent, performance.now() - t)
  }
  stop.abort()
  await indexer.stopped
  expect(1).toBe(1)
})
