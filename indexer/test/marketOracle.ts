import { type Abi, decodeEventLog, type Hex, zeroAddress, zeroHash } from 'viem'
import { expect } from 'vitest'
import { type ContractName, contracts } from '#contracts/events.ts'
import type { Database } from '#schema/database.ts'
import type { TestChain } from './chain.ts'
import { integer, type PgRow, present } from './present.ts'

/** Compares the rows of market and rewards with what the contracts answer, and with their logs as viem decodes them. */

const REASONS = [
  'UnknownEndpoint',
  'NotHost',
  'OtherChannel',
  'BadSignature',
  'BeyondCeiling',
  'NothingNew',
  'InsufficientCredit',
]

/** The arguments of all events with one name, in the order of the chain. */
async function argsOf(chain: TestChain, contract: ContractName, eventName: string): Promise<PgRow[]> {
  const address = chain.deployment.addresses[contract]
  const logs = (await chain.call('eth_getLogs', { address, fromBlock: '0x0', toBlock: 'latest' })) as {
    data: Hex
    topics: [Hex, ...Hex[]]
  }[]
  return logs
    .map(({ data, topics }) => decodeEventLog({ abi: contracts[contract].abi as Abi, data, topics }))
    .filter((event) => event.eventName === eventName)
    .map(({ args }) => args as unknown as PgRow)
}

const lower = (address: unknown) => String(address).toLowerCase()
const sum = (rows: PgRow[]) => rows.reduce((total, { amount }) => total + integer(amount), 0n)

export async function expectMarket(chain: TestChain, db: Database) {
  const [deposits, withdrawals, redeemed, failed] = await Promise.all(
    ['CreditDeposited', 'CreditWithdrawn', 'Redeemed', 'RedemptionFailed'].map((name) =>
      argsOf(chain, 'InferenceMarket', name),
    ),
  )
  const channels = await present(db, 'payment_channel')
  expect(channels.map(({ id }) => id)).toEqual([...new Set(deposits?.map((one) => one.channelId))].sort())
  for (const { id, endpoint_id, consumer, key, salt, withdrawable_at, ...row } of channels) {
    const own = (events: PgRow[] = []) => events.filter(({ channelId }) => channelId === id)
    const [opening] = own(deposits)
    expect([integer(endpoint_id), consumer, key, salt]).toEqual([
      opening?.endpointId,
      lower(opening?.consumer),
      lower(opening?.key),
      opening?.salt,
    ])
    const [balance, total, withdrawing, at] = (await chain.read('InferenceMarket', 'channels', [id])) as bigint[]
    const { deposited, withdrawn } = row
    expect({ balance: row.balance, redeemed: row.redeemed, withdrawing: row.withdrawing }).toEqual({
      balance,
      redeemed: total,
      withdrawing,
    })
    expect(withdrawable_at).toEqual(at ? new Date(Number(at) * 1000) : null)
    expect([deposited, withdrawn, row.redeemed]).toEqual([deposits, withdrawals, redeemed].map((all) => sum(own(all))))
  }
  const fees = await present(db, 'redemption')
  expect(
    fees.map(({ endpoint_id, version_id, channel_id, consumer, epoch, total, amount }) => [
      ...[endpoint_id, version_id, epoch].map(integer),
      ...[channel_id, consumer, total, amount],
    ]),
  ).toEqual(
    redeemed?.map(({ endpointId, versionId, epoch, channelId, consumer, total, amount }) => [
      ...[endpointId, versionId, epoch],
      ...[channelId, lower(consumer), total, amount],
    ]),
  )
  const failures = await present(db, 'failed_redemption')
  expect(failures.map((row) => [integer(row.endpoint_id), row.channel_id, row.consumer, row.reason])).toEqual(
    failed?.map((one) => [one.endpointId, one.channelId, lower(one.consumer), REASONS[Number(one.reason) - 1]]),
  )
  for (const { id, host, version_id, price_in, price_out } of await present(db, 'endpoint')) {
    const [owner, version, ...prices] = (await chain.read('InferenceMarket', 'endpoints', [id])) as [
      string,
      bigint,
      bigint,
      bigint,
    ]
    expect([host, integer(version_id), price_in, price_out]).toEqual([owner.toLowerCase(), version, ...prices])
  }
}

export async function expectRewardMaps(chain: TestChain, db: Database) {
  const maps = await present(db, 'reward_map')
  expect(BigInt(maps.length)).toBe(await chain.read('RewardDistributor', 'epochCount'))
  const endOf = async (epoch: bigint) => (await chain.read('RewardDistributor', 'endOf', [epoch])) as bigint
  const market = lower(chain.deployment.addresses.InferenceMarket)
  const given = (await argsOf(chain, 'RewardDistributor', 'EpochFunded')).filter(({ from }) => lower(from) !== market)
  const released = await argsOf(chain, 'RewardDistributor', 'BondReleased')
  for (const { id, funded, root, status, first_block, last_block, ...row } of maps) {
    const epoch = integer(id)
    expect(funded).toBe(await chain.read('RewardDistributor', 'funded', [epoch]))
    const { rows } = await db.query('select coalesce(sum(amount), 0) as fees from redemption where epoch = $1', [id])
    expect(funded).toBe(rows[0]?.fees + sum(given.filter((one) => one.epoch === epoch)))
    expect(integer(last_block)).toBe(await endOf(epoch))
    const begin = epoch > 1n ? (await endOf(epoch - 1n)) + 1n : await chain.read('RewardDistributor', 'firstBlock')
    if (epoch > 1n || status !== 'Open') expect(integer(first_block)).toBe(begin)
    const [held, , at, bonded] = (await chain.read('RewardDistributor', 'maps', [epoch])) as [Hex, bigint, bigint, Hex]
    expect(status === 'Published' ? root : zeroHash).toBe(held)
    if (status === 'Published') expect(row.published_at).toEqual(new Date(Number(at) * 1000))
    expect(row.bond).toBe(bonded === zeroAddress ? 0n : chain.deployment.settings.publisherBond)
    if (row.bond) expect(row.publisher).toBe(lower(bonded))
    const last = released.filter((one) => one.epoch === epoch).at(-1)
    if (row.bond_released_to) expect(row.bond_released_to).toBe(lower(last?.to))
  }
}
