import { createPublicClient, http, toHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { OPERATOR, startWorld } from '#contracts/test/world.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { openChainClient } from './chain.ts'
import { silent } from './test/testWorker.ts'

const KEY = toHex(OPERATOR.getHdKey().privateKey as Uint8Array)

test('a signer that is cut off while it holds the lock keeps nobody from signing for 30 s, and cannot use its nonce any more', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const db = await freshDatabase()
  const proxy = await FaultProxy.open(db.url)
  const far = await openDatabase(proxy.url(db.url))
  onTestFinished(async () => {
    await proxy.set({ mode: 'refuse' })
    await far.close()
  })

  // The far worker has the lock and has signed; then its network is gone, and it goes on when the network is back.
  let cut!: () => void
  let heal!: () => void
  const isCut = new Promise<void>((resolve) => (cut = resolve))
  const isHealed = new Promise<void>((resolve) => (heal = resolve))
  const interrupted: Database = {
    ...far,
    transaction: (work, isolation) =>
      far.transaction(
        (sql) =>
          work({
            async query(text, values) {
              if (typeof text === 'string' && /insert into chain_transaction/.test(text)) {
                await proxy.set({ mode: 'blackHole' })
                cut()
                await isHealed
              }
              return sql.query(text as string, values)
            },
          }),
        isolation,
      ),
  }
  const client = (database: Database) =>
    openChainClient({
      rpcUrl: world.anvil.url,
      deployment: world.deployment,
      operatorKey: KEY,
      db: database,
      log: silent,
    })
  const deposit = async (database: Database, key: string) =>
    (await client(database)).transact(key, { contract: 'GOpen', functionName: 'deposit', args: [], value: 7n })

  const nonces = createPublicClient({ transport: http(world.anvil.url) })
  const before = await nonces.getTransactionCount({ address: OPERATOR.address })
  const far1 = deposit(interrupted, 'far').then(
    () => 'sent',
    () => 'refused',
  )
  await isCut
  const began = performance.now()
  await deposit(db, 'near')
  expect(performance.now() - began).toBeLessThan(30_000)

  await proxy.set({ mode: 'pass' })
  heal()
  expect(await far1).toBe('refused') // its transaction had ended: what it signed was neither stored nor sent
  await deposit(db, 'far')
  const { rows } = await db.query('select id, nonce, status from chain_transaction order by nonce')
  expect(rows).toEqual([
    { id: 'near', nonce: before, status: 'Mined' },
    { id: 'far', nonce: before + 1, status: 'Mined' },
  ])
  expect(await nonces.getTransactionCount({ address: OPERATOR.address })).toBe(before + 2)
})
