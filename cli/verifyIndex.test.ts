import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { testApi } from '#graphql/test/api.ts'
import { startIndexer } from '#indexer/index.ts'
import { type TestChain, testChain } from '#indexer/test/chain.ts'
import { noise, prepareNoise, seededInts } from '#indexer/test/noise.ts'
import type { Database } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { apiIndex, compareIndexes } from './compareIndexes.ts'
import { writeDeployment } from './deployment.ts'

async function noisyChain() {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(29)
  for (let i = 0; i < 20; i++) await noise(chain, next)
  return chain
}

/** Indexes the chain as it is now, and stops. */
async function indexed(chain: TestChain, db: Database) {
  const stop = new AbortController()
  const { url: rpcUrl, deployment } = chain
  const indexer = await startIndexer({ db, rpcUrl, deployment, signal: stop.signal, confirmations: 5, pollMs: 10 })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
}

/** Another instance: its database, and its API on a port. */
async function instance(chain: TestChain) {
  const { chainId, addresses } = chain.deployment
  const api = await testApi({ deployment: { chainId, addresses } })
  await indexed(chain, api.db)
  return api
}

async function compared(chain: TestChain, db: Database, url: string) {
  const { rows } = await db.query('select contracts from cursor')
  return compareIndexes(db, chain.deployment.chainId, rows[0].contracts, apiIndex(url))
}

const changed = `select id, from_block, balance from holder where to_block is not null order by from_block, id limit 1`

test('two equal instances agree; a value changed on either side is named by block, table, row and column', async () => {
  const chain = await noisyChain()
  const [db, other] = [await freshDatabase(), await instance(chain)]
  await indexed(chain, db)
  const { rows } = await db.query('select root from state_root where to_block is null')
  const head = await chain.head()
  expect(await compared(chain, db, other.url)).toEqual({ block: head, root: rows[0].root, difference: null })

  const [{ id, from_block: block, balance }] = (await db.query(changed)).rows
  const place = { block, table: 'holder', id, column: 'balance' }
  const where = `id = '${id}' and from_block = ${block}`
  await db.query(`update holder set balance = balance + 1 where ${where}`)
  expect((await compared(chain, db, other.url)).difference).toEqual({
    ...place,
    says: `"${balance + 1n}" here, "${balance}" there`,
  })
  await db.query(`update holder set balance = balance - 1 where ${where}`)

  // the other's rows, while its roots are as they were
  await other.db.query(`update holder set balance = balance + 2 where ${where}`)
  expect((await compared(chain, db, other.url)).difference).toEqual({
    ...place,
    says: `"${balance}" here, "${balance + 2n}" there`,
  })
  await other.db.query(`update holder set balance = balance - 2 where ${where}`)
  await other.db.query(`delete from vote`)
  await other.db.query(`delete from chain_event where id = (select max(id) from chain_event)`)
  expect((await compared(chain, db, other.url)).difference).toMatchObject({
    table: 'chain_event',
    says: expect.stringContaining('exists only here'),
  })
})

test('of two indexes that are each consistent, the first block with different roots is found with few queries', async () => {
  const chain = await noisyChain()
  const snapshot = await chain.call('evm_snapshot')
  const other = await instance(chain)
  await chain.call('evm_revert', snapshot)
  const db = await freshDatabase()
  const common = await chain.head()
  await chain.call('anvil_reorg', 4, [])
  for (let i = 0; i < 3; i++) await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await indexed(chain, db)
  const { difference } = await compared(chain, db, other.url)
  expect(must(difference).block).toBeGreaterThan(common - 4)
  expect(must(difference).block).toBeLessThanOrEqual(common)
  expect(must(difference).says).toMatch(/different forks|exists only there/)
})

test('the program compares with a fresh sync or another instance, exits with 1 when they differ, and names missing options', async () => {
  const chain = await noisyChain()
  const db = await freshDatabase()
  await indexed(chain, db)
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-deployment-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'deployment.json')
  await writeDeployment(file, chain.deployment)
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['bin/modelcommons.js', 'verify', 'index', ...args], {
      env: {
        ...process.env,
        DATABASE_URL: db.url,
        RPC_URL: chain.url,
        DEPLOYMENT: file,
      },
    }).catch((error) => error as { code: number; stdout: string; stderr: string })
  const [{ id, from_block: block, balance }] = (await db.query(changed)).rows
  await db.query(`update holder set balance = 1 where id = '${id}' and from_block = ${block}`)
  const parted = (await run('--clean')) as { code: number; stderr: string }
  expect(parted.stderr).toContain(`differ from block ${block}, table holder, row ${id}, column balance: "1" here`)
  expect(parted.code).toBe(1)
  await db.query(`update holder set balance = $1 where id = '${id}' and from_block = ${block}`, [String(balance)])
  const { url } = await instance(chain)
  expect((await run('--against', url)).stdout).toMatch(/the same up to block \d+: state root 0x[0-9a-f]{64}/)
  expect((await run()).stderr).toContain('either --against URL')
  expect((await run('--against', 'http://127.0.0.1:9')).stderr).toContain('no API answers')
})
