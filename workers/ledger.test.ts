import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localStore } from '#schema/artifacts/index.ts'
import { putDocument, rewardMapDocument } from '#schema/documents.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { freshDatabase } from '#test/database.ts'
import { account, blockTime, insertChain, insert as insertRow, TEST_CHAIN_ID } from '#test/factory.ts'
import { postLedger } from './ledger.ts'
import { temporaryFolder } from './test/testWorker.ts'

const insert = (id: string, debit: string, credit: string, amount: string) => ({
  text: `insert into ledger_transfer (id, debit, credit, amount, event, reason, at) values ($1, $2, $3, $4, 'e', 'test', now())`,
  values: [id, debit, credit, amount],
})

test('the database refuses an empty transfer, an overdraft, an update and a deletion', async () => {
  const db = await freshDatabase()
  await db.query(insert('1', 'deposits', 'credit:0xa', '100'))
  await expect(db.query(insert('2', 'credit:0xa', 'credit:0xa', '1'))).rejects.toThrow(/between two accounts/)
  await expect(db.query(insert('3', 'credit:0xa', 'escrow:1', '0'))).rejects.toThrow(/positive amount/)
  await expect(db.query(insert('4', 'credit:0xa', 'escrow:1', '101'))).rejects.toThrow(/would overdraw credit:0xa/)
  await expect(db.query(`update ledger_transfer set amount = 5 where id = '1'`)).rejects.toThrow(/only added to/)
  await expect(db.query(`delete from ledger_transfer`)).rejects.toThrow(/only added to/)
  await db.query(insert('5', 'credit:0xa', 'escrow:1', '100'))
  expect((await db.query('select id from ledger_transfer order by id')).rows).toEqual([{ id: '1' }, { id: '5' }])
})

test('a map is payable from the first claim by it or by a later one: a disputed map, although its window is over, is not', async () => {
  const db = await freshDatabase()
  const artifacts = localStore(join(await temporaryFolder(), 'artifacts'))
  await insertChain(db, 20)
  const hash = (digit: string) => `0x${digit.repeat(64)}`
  const event = (block: number, name: string, args: object) =>
    insertRow(db, ChainEvent, {
      id: `${String(block).padStart(10, '0')}-000000`,
      contract: 'RewardDistributor',
      name,
      args: { ...args },
      transactionHash: hash('1'),
      timestamp: blockTime(block),
    })
  for (const epoch of [1, 2]) {
    const leaves = [{ account: account(7), cumulative: String(60 * epoch) }]
    const uri = await putDocument(artifacts, rewardMapDocument, {
      epoch,
      chainId: TEST_CHAIN_ID,
      distributor: account(1),
      fromBlock: epoch,
      toBlock: epoch,
      blockHash: hash('2'),
      root: hash('3'),
      total: '60',
      leaves,
      carried: [],
      debts: [],
      lines: [],
      codeHash: hash('4'),
    })
    await insertRow(db, RewardMap, {
      id: String(epoch),
      epoch,
      uri,
      status: 'Published',
      publishedAt: blockTime(epoch),
    })
    await event(epoch, 'EpochFunded', { epoch: String(epoch), amount: '60' })
  }
  const addresses = { Treasury: account(9) } as never // the one address that the ledger looks at
  const sources = { db, artifacts, deployment: { chainId: TEST_CHAIN_ID, addresses } }
  const maps = async () =>
    (
      await db.query(
        `select distinct split_part(id, '/', 2) as epoch from ledger_transfer where id like 'rewardMap/%' order by 1`,
      )
    ).rows.map(({ epoch }) => epoch)
  await event(10, 'RewardClaimed', { epoch: '1', account: account(7), amount: '60' })
  await postLedger(sources)
  expect(await maps()).toEqual(['1'])
  await event(15, 'RewardClaimed', { epoch: '2', account: account(7), amount: '60' })
  await postLedger(sources)
  expect(await maps()).toEqual(['1', '2'])
})
