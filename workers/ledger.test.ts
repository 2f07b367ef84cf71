import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AccountName, ledgerIdentity } from '#rules/ledger.ts'
import { localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
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

const hash = (digit: string) => `0x${digit.repeat(64)}`

const MARKET = account(8)
const addresses = { Treasury: account(9), InferenceMarket: MARKET } as never // the addresses that the ledger looks at

/** A database with blocks and the artifacts of a ledger. */
async function emptyLedger() {
  const db = await freshDatabase()
  const artifacts = localStore(join(await temporaryFolder(), 'artifacts'))
  await insertChain(db, 20)
  return { db, artifacts, deployment: { chainId: TEST_CHAIN_ID, addresses } }
}

const insertEvent = (db: Database, block: number, name: string, args: object, index = 0) =>
  insertRow(db, ChainEvent, {
    id: `${String(block).padStart(10, '0')}-${String(index).padStart(6, '0')}`,
    contract: 'RewardDistributor',
    name,
    args: { ...args },
    transactionHash: hash('1'),
    timestamp: blockTime(block),
  })

/** Publishes a map in which account 7 has `cumulative`. */
async function insertMap(
  { db, artifacts }: Awaited<ReturnType<typeof emptyLedger>>,
  epoch: number,
  cumulative: number,
) {
  const uri = await putDocument(artifacts, rewardMapDocument, {
    epoch,
    chainId: TEST_CHAIN_ID,
    distributor: account(1),
    fromBlock: epoch,
    toBlock: epoch,
    blockHash: hash('2'),
    root: hash('3'),
    total: '60',
    leaves: [{ account: account(7), cumulative: String(cumulative) }],
    carried: [],
    debts: [],
    lines: [],
    usage: [],
    absent: [],
    codeHash: hash('4'),
  })
  await insertRow(db, RewardMap, {
    id: String(epoch),
    epoch,
    uri,
    status: 'Published',
    publishedAt: blockTime(epoch),
  })
}

test('fees are posted once, into the epoch that their redemption names; what others give is posted beside them, even in one transaction', async () => {
  const sources = await emptyLedger()
  const { db } = sources
  const consumer = account(5)
  await insertEvent(db, 1, 'CreditDeposited', { channelId: hash('5'), consumer, amount: '100' })
  await insertEvent(db, 2, 'CreditDeposited', { channelId: hash('6'), consumer, amount: '20' })
  await insertEvent(db, 3, 'Redeemed', { channelId: hash('5'), consumer, epoch: '1', total: '60', amount: '60' })
  await insertEvent(db, 3, 'RedemptionFailed', { channelId: hash('6'), consumer, reason: '4' }, 1)
  await insertEvent(db, 3, 'Redeemed', { channelId: hash('6'), consumer, epoch: '1', total: '3', amount: '3' }, 2)
  await insertEvent(db, 3, 'EpochFunded', { epoch: '1', from: MARKET, amount: '63' }, 3)
  await insertEvent(db, 3, 'EpochFunded', { epoch: '1', from: account(6), amount: '5' }, 4)
  await insertEvent(db, 4, 'EpochFunded', { epoch: '2', from: account(6), amount: '7' })
  await insertEvent(db, 5, 'CreditWithdrawn', { channelId: hash('6'), consumer, amount: '17' })
  await insertMap(sources, 1, 50)
  await insertEvent(db, 6, 'RewardClaimed', { epoch: '1', account: account(7), amount: '50' })
  await postLedger(sources)
  const { rows } = await db.query<{ account: AccountName; balance: bigint }>(
    `select account, sum(amount) as balance from (
       select credit as account, amount from ledger_transfer union all select debit, -amount from ledger_transfer) t group by account order by account`,
  )
  const balances = rows
    .filter(({ balance }) => balance !== 0n)
    .map(({ account, balance }) => [account, balance] as const)
  expect(balances).toEqual([
    [`credit:${consumer}`, 40n],
    ['deposits', -132n],
    ['escrow:2', 25n], // 7 given, and 18 carried
    [`paid:${account(7)}`, 50n],
    [`withdrawn:${consumer}`, 17n],
  ])
  expect(ledgerIdentity(balances).difference).toBe(0n)
  expect(await postLedger(sources)).toBe(0)
})

test('a map is payable from the first claim by it or by a later one: a disputed map, although its window is over, is not', async () => {
  const sources = await emptyLedger()
  const { db } = sources
  for (const epoch of [1, 2]) {
    await insertMap(sources, epoch, 60 * epoch)
    await insertEvent(db, epoch, 'EpochFunded', { epoch: String(epoch), from: account(6), amount: '60' })
  }
  const maps = async () =>
    (
      await db.query(
        `select distinct split_part(id, '/', 2) as epoch from ledger_transfer where id like 'rewardMap/%' order by 1`,
      )
    ).rows.map(({ epoch }) => epoch)
  await insertEvent(db, 10, 'RewardClaimed', { epoch: '1', account: account(7), amount: '60' })
  await postLedger(sources)
  expect(await maps()).toEqual(['1'])
  await insertEvent(db, 15, 'RewardClaimed', { epoch: '2', account: account(7), amount: '60' })
  await postLedger(sources)
  expect(await maps()).toEqual(['1', '2'])
})
