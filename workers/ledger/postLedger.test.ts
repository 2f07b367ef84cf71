import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RewardTree } from '#rules/merkle.ts'
import { localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { putDocument } from '#schema/documents.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { Redemption } from '#schema/onchain/market.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { freshDatabase } from '#test/database.ts'
import { account, blockTime, insertAll, insertChain, insert as insertRow, TEST_CHAIN_ID } from '#test/factory.ts'
import { temporaryFolder } from '../test/testWorker.ts'
import { postLedger } from './postLedger.ts'

const insert = (id: string, debit: string, credit: string, amount: string) => ({
  text: `insert into ledger_transfer (id, debit, credit, amount, event, block, reason, at) values ($1, $2, $3, $4, 'e', 1, 'test', now())`,
  values: [id, debit, credit, amount],
})

test('the database refuses an empty transfer, an overdraft, an update, a deletion and a written balance', async () => {
  const db = await freshDatabase()
  await db.query(insert('1', 'deposits', 'credit:0xa', '100'))
  await expect(db.query(insert('2', 'credit:0xa', 'credit:0xa', '1'))).rejects.toThrow(/between two accounts/)
  await expect(db.query(insert('3', 'credit:0xa', 'escrow', '0'))).rejects.toThrow(/positive amount/)
  await expect(db.query(insert('4', 'credit:0xa', 'escrow', '101'))).rejects.toThrow(/would overdraw credit:0xa/)
  await expect(db.query(`update ledger_transfer set amount = 5 where id = '1'`)).rejects.toThrow(/only added to/)
  await expect(db.query(`delete from ledger_transfer`)).rejects.toThrow(/only added to/)
  await expect(db.query(`update ledger_balance set balance = 0`)).rejects.toThrow(/follow from its transfers/)
  await db.query(insert('5', 'credit:0xa', 'escrow', '100'))
  expect((await db.query('select id from ledger_transfer order by id')).rows).toEqual([{ id: '1' }, { id: '5' }])
  expect((await db.query('select id, balance from ledger_balance order by id')).rows).toEqual([
    { id: 'credit:0xa', balance: 0n },
    { id: 'deposits', balance: -100n },
    { id: 'escrow', balance: 100n },
  ])
})

const hash = (digit: string) => `0x${digit.repeat(64)}`

const [MARKET, TREASURY, DISTRIBUTOR] = [account(8), account(9), account(10)]
const addresses = { Treasury: TREASURY, InferenceMarket: MARKET, RewardDistributor: DISTRIBUTOR } as never
const consumer = account(5)
const [CHANNEL, OTHER] = [hash('5'), hash('6')]

/** A database with blocks and the artifacts of a ledger. */
async function emptyLedger() {
  const db = await freshDatabase()
  const artifacts = localStore(join(await temporaryFolder(), 'artifacts'))
  await insertChain(db, 20)
  const sources = { db, artifacts, deployment: { chainId: TEST_CHAIN_ID, addresses } }
  return { ...sources, post: () => postLedger(sources), balances: () => balancesOf(db) }
}

/** The accounts that are not empty. */
async function balancesOf(db: Database): Promise<Record<string, bigint>> {
  const { rows } = await db.query('select id, balance from ledger_balance where balance <> 0 order by id')
  return Object.fromEntries(rows.map(({ id, balance }) => [id, balance]))
}

const insertEvent = (db: Database, block: number, name: string, args: Record<string, unknown>, index = 0) =>
  insertRow(db, ChainEvent, {
    id: `${String(block).padStart(10, '0')}-${String(index).padStart(6, '0')}`,
    fromBlock: block,
    contract: 'RewardDistributor',
    name,
    args,
    transactionHash: hash('1'),
    timestamp: blockTime(block),
  })

const deposit = (db: Database, block: number, channelId: string, amount: string, index = 0) =>
  insertEvent(db, block, 'CreditDeposited', { channelId, consumer, amount }, index)
const redemption = async (db: Database, block: number, channelId: string, total: number, amount = total, index = 0) => {
  await insertEvent(
    db,
    block,
    'Redeemed',
    { channelId, consumer, epoch: '1', total: String(total), amount: String(amount) },
    index,
  )
  await insertRow(db, Redemption, {
    id: `${block}-${index}`,
    channelId,
    epoch: 1,
    total: BigInt(total),
    amount: BigInt(amount),
  })
}
const gift = (db: Database, block: number, amount: string, index = 0) =>
  insertEvent(db, block, 'EpochFunded', { epoch: '1', from: account(6), amount }, index)
const claim = async (db: Database, block: number, epoch: number, who: string, amount: string, index = 0) => {
  await insertEvent(db, block, 'RewardClaimed', { epoch: String(epoch), account: who, amount }, index)
  const id = `${String(block).padStart(10, '0')}-${String(index).padStart(6, '0')}`
  await insertRow(db, RewardClaim, { id, mapId: String(epoch), account: who, amount: BigInt(amount), fromBlock: block })
}

/** Publishes the map of an epoch in which accounts have these amounts so far. Whoever reads it finds what `change` makes of its document. */
async function insertMap(
  { db, artifacts }: Pick<Awaited<ReturnType<typeof emptyLedger>>, 'db' | 'artifacts'>,
  epoch: number,
  total: number,
  amounts: Record<string, number>,
  change: { uri?: string; total?: string } = {},
) {
  const leaves = Object.entries(amounts).map(([who, amount]) => ({ account: who, cumulative: String(amount) }))
  const granted = Object.values(amounts).reduce((sum, amount) => sum + amount, 0)
  const { rows } = await db.query('select coalesce(sum(amount), 0) as fees from redemption')
  const place = { chain: BigInt(TEST_CHAIN_ID), distributor: DISTRIBUTOR as `0x${string}`, epoch: BigInt(epoch) }
  const { root } = new RewardTree(
    leaves.map((leaf) => ({ ...place, account: leaf.account as `0x${string}`, cumulative: BigInt(leaf.cumulative) })),
  )
  const uri = await putDocument(artifacts, rewardMapDocument, {
    epoch,
    chainId: TEST_CHAIN_ID,
    distributor: DISTRIBUTOR,
    fromBlock: epoch,
    toBlock: epoch,
    blockHash: hash('2'),
    root,
    total: change.total ?? String(total),
    leaves,
    carried: [{ versionId: '1', pot: 'rest', amount: String(Number(rows[0].fees) - granted) }],
    debts: [],
    lines: [],
    usage: [],
    absent: [],
    codeHash: hash('4'),
  })
  await insertRow(db, RewardMap, {
    id: String(epoch),
    epoch,
    root,
    total: BigInt(total),
    uri: change.uri ?? uri,
    status: 'Published',
    publishedAt: blockTime(epoch),
  })
}

test('fees are posted once; what others give is posted beside them, even in one transaction', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '100')
  await deposit(db, 2, OTHER, '20')
  await redemption(db, 3, CHANNEL, 60)
  await insertEvent(db, 3, 'RedemptionFailed', { channelId: OTHER, consumer, reason: '4' }, 1)
  await redemption(db, 3, OTHER, 3, 3, 2)
  await insertEvent(db, 3, 'EpochFunded', { epoch: '1', from: MARKET, amount: '63' }, 3)
  await gift(db, 3, '5', 4)
  await gift(db, 4, '7')
  await insertEvent(db, 5, 'CreditWithdrawn', { channelId: OTHER, consumer, amount: '17' })
  await insertMap(ledger, 1, 55, { [account(7)]: 50, [TREASURY]: 5 })
  await claim(db, 6, 1, account(7), '50')
  await claim(db, 6, 1, TREASURY, '5', 1)
  await ledger.post()
  expect(await ledger.balances()).toEqual({
    [`credit:${CHANNEL}`]: 40n,
    deposits: -132n,
    escrow: 20n, // 12 given, and 8 that the map carries
    [`paid:${account(7)}`]: 50n,
    treasury: 5n,
    [`withdrawn:${consumer}`]: 17n,
  })
  expect(await ledger.post()).toBe(0)
})

test('a map is payable from the first claim by it or by a later one: a disputed map, although its window is over, is not', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '200')
  await redemption(db, 1, CHANNEL, 120, 120, 1)
  for (const epoch of [1, 2]) await insertMap(ledger, epoch, 60, { [account(7)]: 60 * epoch })
  await claim(db, 10, 1, account(7), '60')
  await ledger.post()
  expect(await ledger.balances()).toMatchObject({ escrow: 60n, [`paid:${account(7)}`]: 60n })
  await claim(db, 15, 2, account(7), '60')
  await ledger.post()
  const balances = await ledger.balances()
  expect(balances).toMatchObject({ [`paid:${account(7)}`]: 120n })
  expect(balances).not.toHaveProperty('escrow')
})

test.each<[string, { uri?: string; total?: string }]>([
  ['names no artifact', { uri: 'somewhere' }],
  ['nobody has', { uri: hash('7') }],
  ['is not what the chain says', { total: '61' }],
])(
  'a final map whose document %s is payable to whoever claims, until a readable one says to whom',
  async (_, change) => {
    const ledger = await emptyLedger()
    const { db } = ledger
    await deposit(db, 1, CHANNEL, '200')
    await redemption(db, 1, CHANNEL, 120, 120, 1)
    await insertMap(ledger, 1, 60, { [account(6)]: 10, [account(7)]: 50 }, change)
    await claim(db, 10, 1, account(7), '50')
    await ledger.post()
    expect(await ledger.balances()).toMatchObject({ escrow: 60n, payable: 10n, [`paid:${account(7)}`]: 50n })
    await insertMap(ledger, 2, 30, { [account(6)]: 15, [account(7)]: 75 })
    await claim(db, 12, 2, account(6), '15')
    await ledger.post()
    const balances = await ledger.balances()
    expect(balances).toMatchObject({ escrow: 30n, [`payable:${account(7)}`]: 25n, [`paid:${account(6)}`]: 15n })
    expect(balances).not.toHaveProperty('payable')
  },
)

test('who claims by a false map what readable maps granted to others is paid, as on the chain', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '200')
  await redemption(db, 1, CHANNEL, 120, 120, 1)
  await insertMap(ledger, 1, 60, { [account(6)]: 20, [account(7)]: 40 })
  await insertMap(ledger, 2, 1, { [account(4)]: 50 })
  await claim(db, 10, 2, account(4), '50')
  await ledger.post()
  expect(await ledger.balances()).toMatchObject({
    escrow: 59n,
    [`payable:${account(7)}`]: 11n,
    [`paid:${account(4)}`]: 50n,
  })
})

/** A call that is accepted at the time of a block, and answered at that of another one. */
async function call(
  db: Database,
  {
    id,
    at,
    answered,
    maximum = 30,
    fee = 10,
    cumulative = 10,
    channelId = CHANNEL,
  }: {
    id: string
    at: number
    answered?: number | 'failed'
    maximum?: number
    fee?: number
    cumulative?: number
    channelId?: string
  },
) {
  const open = answered === undefined
  const paid = typeof answered === 'number'
  await insertRow(db, CreditHold, {
    id,
    consumer,
    channelId,
    maximum: BigInt(maximum),
    fee: open ? null : BigInt(paid ? fee : 0),
    open,
    createdAt: blockTime(at),
  })
  if (paid)
    await insertRow(db, Receipt, {
      id,
      jobId: id,
      channelId,
      fee: BigInt(fee),
      cumulative: BigInt(cumulative),
      answeredAt: blockTime(answered),
    })
}

const transfersOf = async (db: Database, id: string) =>
  (
    await db.query(
      `select id, debit, credit, amount, block from ledger_transfer where id like '%/' || $1 || '/%' order by id`,
      [id],
    )
  ).rows

test('calls are reserved, charged and released, each once, up to the time of the last final block', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '100')
  await call(db, { id: 'answered', at: 2, answered: 3 })
  await call(db, { id: 'running', at: 2 })
  await call(db, { id: 'failed', at: 2, answered: 'failed' })
  await call(db, { id: 'later', at: 99 })
  await ledger.post()
  expect(await ledger.balances()).toEqual({
    [`charged:${CHANNEL}`]: 10n,
    [`credit:${CHANNEL}`]: 60n,
    deposits: -100n,
    'hold:running': 30n,
  })
  const [credit, charged] = [`credit:${CHANNEL}`, `charged:${CHANNEL}`]
  expect(await transfersOf(db, 'answered')).toEqual([
    { id: 'charge/answered/1/0', debit: 'hold:answered', credit: charged, amount: 10n, block: 1 },
    { id: 'charge/answered/1/1', debit: 'hold:answered', credit, amount: 20n, block: 1 },
    { id: 'reserve/answered/0/0', debit: credit, credit: 'hold:answered', amount: 30n, block: 1 },
  ])
  expect(await ledger.post()).toBe(0)

  await db.query(`update credit_hold set open = false, fee = 0 where id = 'running'`)
  await redemption(db, 5, CHANNEL, 10)
  await ledger.post()
  expect(await ledger.balances()).toEqual({ [credit]: 90n, deposits: -100n, escrow: 10n })
  expect(await ledger.post()).toBe(0)
  expect((await db.query('select id from credit_hold where not is_settled')).rows).toEqual([{ id: 'later' }])
})

test('a call that is tried again is reserved again', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '100')
  await call(db, { id: 'k', at: 2 })
  await ledger.post()
  await db.query(`update credit_hold set open = false, fee = 0`)
  await ledger.post()
  await db.query(`update credit_hold set open = true, fee = null, is_settled = false, maximum = 50, created_at = $1`, [
    blockTime(4),
  ])
  await ledger.post()
  expect(await ledger.balances()).toMatchObject({ 'hold:k': 50n, [`credit:${CHANNEL}`]: 50n })
  await db.query(`update credit_hold set maximum = 20, created_at = $1`, [blockTime(5)]) // its end was not posted
  await ledger.post()
  expect(await ledger.balances()).toMatchObject({ 'hold:k': 20n, [`credit:${CHANNEL}`]: 80n })
})

test('what is redeemed before its call is posted is not charged again', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '100')
  await redemption(db, 4, CHANNEL, 14)
  await call(db, { id: 'a', at: 2, answered: 5 }) // by a clock that is ahead
  await call(db, { id: 'b', at: 3, answered: 6, fee: 7, cumulative: 17 })
  await ledger.post()
  expect(await ledger.balances()).toEqual({
    [`charged:${CHANNEL}`]: 3n,
    [`credit:${CHANNEL}`]: 83n,
    deposits: -100n,
    escrow: 14n,
  })
})

test('a withdrawal takes what is reserved and charged, when it was not redeemed in time; the ledger goes on', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  await deposit(db, 1, CHANNEL, '100')
  await call(db, { id: 'a', at: 2, answered: 3, maximum: 60, fee: 40, cumulative: 40 })
  await call(db, { id: 'b', at: 3, maximum: 50 })
  await insertEvent(db, 6, 'CreditWithdrawn', { channelId: CHANNEL, consumer, amount: '95' })
  await ledger.post()
  expect(await ledger.balances()).toEqual({
    [`charged:${CHANNEL}`]: 5n,
    deposits: -100n,
    [`withdrawn:${consumer}`]: 95n,
  })
  await db.query(`update credit_hold set open = false, fee = 0 where id = 'b'`)
  expect(await ledger.post()).toBe(0)
  await deposit(db, 7, CHANNEL, '50')
  await redemption(db, 8, CHANNEL, 40)
  await ledger.post()
  expect(await ledger.balances()).toEqual({
    [`credit:${CHANNEL}`]: 15n,
    deposits: -150n,
    escrow: 40n,
    [`withdrawn:${consumer}`]: 95n,
  })
})

test('many events of one channel are posted in parts', async () => {
  const ledger = await emptyLedger()
  const { db } = ledger
  const count = 12_000
  await deposit(db, 1, CHANNEL, '1000000')
  await insertAll(
    db,
    ChainEvent,
    Array.from({ length: count }, (_, n) => ({
      id: `${String(2).padStart(10, '0')}-${String(n).padStart(6, '0')}`,
      fromBlock: 2,
      contract: 'InferenceMarket',
      name: 'Redeemed',
      args: { channelId: CHANNEL, consumer, epoch: '1', total: String(n + 1), amount: '1' },
      timestamp: blockTime(2),
    })),
  )
  expect(await ledger.post()).toBe(count + 1)
  expect(await ledger.balances()).toMatchObject({
    [`credit:${CHANNEL}`]: BigInt(1_000_000 - count),
    escrow: BigInt(count),
  })
})
