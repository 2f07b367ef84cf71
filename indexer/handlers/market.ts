import { Endpoint, FailedRedemption, PaymentChannel, REDEMPTION_FAILURES, Redemption } from '#schema/onchain/market.ts'
import { dateOf, type EventHandlers, int32 } from './eventContext.ts'

export const market: EventHandlers<'InferenceMarket'> = {
  EndpointRegistered(rows, { endpointId, versionId, host, url, priceIn, priceOut }, event) {
    const ids = { id: endpointId.toString(), versionId: versionId.toString() }
    rows.put(Endpoint, { ...ids, host, url, priceIn, priceOut, registeredAt: event.timestamp })
  },
  EndpointVersionChanged(rows, { endpointId, versionId }) {
    rows.change(Endpoint, endpointId.toString(), { versionId: versionId.toString() })
  },
  PriceChanged(rows, { endpointId, priceIn, priceOut }) {
    rows.change(Endpoint, endpointId.toString(), { priceIn, priceOut })
  },
  CreditDeposited(rows, { channelId, endpointId, consumer, key, salt, amount }) {
    const before = rows.get(PaymentChannel, channelId) ?? {
      id: channelId,
      endpointId: endpointId.toString(),
      consumer,
      key,
      salt,
      balance: 0n,
      deposited: 0n,
      redeemed: 0n,
      withdrawn: 0n,
      withdrawing: 0n,
      withdrawableAt: null,
    }
    rows.put(PaymentChannel, { ...before, balance: before.balance + amount, deposited: before.deposited + amount })
  },
  WithdrawalRequested(rows, { channelId, amount, availableAt }) {
    rows.change(PaymentChannel, channelId, { withdrawing: amount, withdrawableAt: dateOf(availableAt) })
  },
  CreditWithdrawn(rows, { channelId, amount }) {
    rows.change(PaymentChannel, channelId, ({ balance, withdrawn }) => ({
      balance: balance - amount,
      withdrawn: withdrawn + amount,
      withdrawing: 0n,
      withdrawableAt: null,
    }))
  },
  Redeemed(rows, { endpointId, channelId, consumer, versionId, epoch, total, amount }, event) {
    rows.append(Redemption, {
      id: event.id,
      endpointId: endpointId.toString(),
      versionId: versionId.toString(),
      channelId,
      consumer,
      epoch: int32(epoch),
      total,
      amount,
      redeemedAt: event.timestamp,
    })
    rows.change(PaymentChannel, channelId, ({ balance }) => ({ balance: balance - amount, redeemed: total }))
  },
  RedemptionFailed(rows, { endpointId, channelId, consumer, reason }, event) {
    rows.append(FailedRedemption, {
      id: event.id,
      endpointId: endpointId.toString(),
      channelId,
      consumer,
      reason: REDEMPTION_FAILURES[reason] ?? 'None',
      failedAt: event.timestamp,
    })
  },
}
