import { createHash } from 'node:crypto'
import { recoverTypedDataAddress } from 'viem'
import { channelConfig, type MarketPlace, voucherData } from '#rules/channel.ts'
import { REDEMPTION_FAILURES } from '#schema/onchain/market.ts'
import type { ChainClient, DecodedReceipt } from '../chain.ts'
import { waitUntilIndexed } from '../finality.ts'
import type { JobContext } from '../job.ts'
import { transactInBatches } from '../transactInBatches.ts'
import { type OwedChannel, owedChannels } from './owedFees.ts'

type FailureReason = (typeof REDEMPTION_FAILURES)[number]

/** The result of a redemption. Amounts in wei. */
export interface RedeemedFees {
  channels: number
  amount: bigint
  /** Fees for which consumers have no credit left. */
  owed: bigint
  /** `ceiling`: of the voucher that failed. */
  failed: { channelId: string; ceiling: string; reason: FailureReason }[]
}

/** More redemptions are split into several transactions at once; a transaction that needs too much gas is split further. */
const MAX_REDEMPTIONS = 64
/** A consumer may withdraw, or another worker redeem, between the reading of the index and the transaction: then the rest is tried again, at most this often. */
const MAX_ROUNDS = 3
const CHANGED_MEANWHILE: readonly FailureReason[] = ['InsufficientCredit', 'NothingNew']

type Job = Pick<JobContext, 'db' | 'chain' | 'signal'>

/** Redeems what consumers owe at the endpoints of the workers' account, by their newest vouchers, as far as their credit goes, and waits until that is indexed.
 *  Fees of a channel below `min` wei are left for later, unless a withdrawal would take their credit. A redemption that fails stops no other.
 *
 *  No gas is spent for a voucher that the contract would refuse. A transaction is identified by what it redeems and by the state of the channels, so that
 *  repeating it, in another attempt or by another worker, costs none either. */
export async function redeemFees(job: Job, min: bigint): Promise<RedeemedFees> {
  const { chain, db } = job
  await waitUntilIndexed(job, Number(await chain.client.getBlockNumber()))
  const place = await marketPlace(chain)
  const redeemed = new Map<string, bigint>()
  const failed = new Map<string, { ceiling: string; reason: FailureReason }>()
  let again: Set<string> | undefined
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const due = (await owedChannels(db, chain.account)).filter(
      (one) => isDue(one, min) && (again?.has(one.channelId) ?? true),
    )
    const fail = (channelId: string, reason: FailureReason) => {
      const ceiling = String(due.find((one) => one.channelId === channelId)?.ceiling)
      failed.set(channelId, { ceiling, reason })
    }
    const signed: OwedChannel[] = []
    for (const one of due)
      if (await isSigned(one, chain.chainId)) signed.push(one)
      else fail(one.channelId, 'BadSignature')
    if (signed.length === 0) break
    const receipts = await send(job, place, signed)
    for (const [channelId, { amount, reason }] of outcomesOf(receipts)) {
      redeemed.set(channelId, (redeemed.get(channelId) ?? 0n) + amount)
      if (reason) fail(channelId, reason)
      else failed.delete(channelId)
    }
    await waitUntilIndexed(job, Math.max(...receipts.map((one) => Number(one.blockNumber))))
    again = new Set([...failed].filter(([, { reason }]) => CHANGED_MEANWHILE.includes(reason)).map(([id]) => id))
    if (again.size === 0) break
  }
  const paid = [...redeemed.values()].filter((amount) => amount > 0n)
  return {
    channels: paid.length,
    amount: sum(paid),
    owed: sum((await owedChannels(db, chain.account)).map((one) => one.used - one.redeemable)),
    failed: [...failed]
      .filter(([, { reason }]) => reason !== 'NothingNew')
      .map(([channelId, failure]) => ({ channelId, ...failure })),
  }
}

const isDue = ({ redeemable, redeemed, isThreatened }: OwedChannel, min: bigint) =>
  redeemable > redeemed && (isThreatened || redeemable - redeemed >= min)

/** Whether the channel's key signed its voucher. */
async function isSigned({ channelId, ceiling, key, signature }: OwedChannel, chainId: number): Promise<boolean> {
  const data = voucherData(chainId, { channelId, ceiling })
  const signer = await recoverTypedDataAddress({ ...data, signature }).catch(() => undefined)
  return signer?.toLowerCase() === key.toLowerCase()
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)

const marketPlace = async ({ chainId, addresses, read }: ChainClient): Promise<MarketPlace> => ({
  chainId,
  market: addresses.InferenceMarket,
  token: addresses.GOpen,
  withdrawalDelay: Number(await read('InferenceMarket', 'withdrawalDelay', [])),
})

const send = ({ chain, signal }: Job, place: MarketPlace, channels: readonly OwedChannel[]) =>
  transactInBatches(chain, {
    items: channels,
    maxItems: MAX_REDEMPTIONS,
    key: (batch) => `redeem:${digestOf(batch)}`,
    send: (key, batch) =>
      chain.transact(
        key,
        {
          contract: 'InferenceMarket',
          functionName: 'redeem',
          args: [batch.map((one) => redemptionOf(place, chain.account, one))],
        },
        { signal, again: true },
      ),
  })

const digestOf = (batch: readonly OwedChannel[]) =>
  createHash('sha256')
    .update(
      batch
        .map(({ channelId, redeemable, ceiling, changedIn }) => [channelId, redeemable, ceiling, changedIn].join())
        .join(' '),
    )
    .digest('hex')

const redemptionOf = (place: MarketPlace, host: `0x${string}`, { endpointId, ...channel }: OwedChannel) => ({
  endpointId: BigInt(endpointId),
  channel: channelConfig(place, { ...channel, endpointId: BigInt(endpointId), host }),
  ceiling: channel.ceiling,
  total: channel.redeemable,
  signature: channel.signature,
})

/** What the transactions have done to each channel. */
function outcomesOf(receipts: readonly DecodedReceipt[]): [string, { amount: bigint; reason?: FailureReason }][] {
  return receipts
    .flatMap(({ events }) => events)
    .flatMap((event): [string, { amount: bigint; reason?: FailureReason }][] => {
      if (event.contract !== 'InferenceMarket') return []
      if (event.name === 'Redeemed') return [[event.args.channelId, { amount: event.args.amount }]]
      if (event.name !== 'RedemptionFailed') return []
      return [[event.args.channelId, { amount: 0n, reason: REDEMPTION_FAILURES[event.args.reason] }]]
    })
}
