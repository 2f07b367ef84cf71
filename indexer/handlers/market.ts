import { Credit, Endpoint, UsageSettlement, Voucher } from '#schema/onchain/market.ts'
import type { Rows } from '../store/rows.ts'
import { dateOf, type EventHandlers, int32 } from './eventContext.ts'

const credit = (rows: Rows, id: string) =>
  rows.get(Credit, id) ?? {
    id,
    balance: 0n,
    deposited: 0n,
    spent: 0n,
    withdrawn: 0n,
    withdrawing: 0n,
    withdrawableAt: null,
  }

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
  CreditDeposited(rows, { consumer, amount }) {
    const before = credit(rows, consumer)
    rows.put(Credit, { ...before, balance: before.balance + amount, deposited: before.deposited + amount })
  },
  WithdrawalRequested(rows, { consumer, amount, availableAt }) {
    rows.put(Credit, { ...credit(rows, consumer), withdrawing: amount, withdrawableAt: dateOf(availableAt) })
  },
  CreditWithdrawn(rows, { consumer, amount }) {
    const before = credit(rows, consumer)
    const balances = { balance: before.balance - amount, withdrawn: before.withdrawn + amount }
    rows.put(Credit, { ...before, ...balances, withdrawing: 0n, withdrawableAt: null })
  },
  VoucherRedeemed(rows, { endpointId, consumer, cumulative, amount }) {
    const id = `${endpointId}-${consumer}`
    rows.put(Voucher, { id, endpointId: endpointId.toString(), consumer, cumulative })
    rows.change(Credit, consumer, ({ balance, spent }) => ({ balance: balance - amount, spent: spent + amount }))
  },
  UsageSettled(rows, { epoch, endpointId, root, tokensIn, tokensOut, fees }, event) {
    const ids = { id: `${epoch}-${endpointId}`, epoch: int32(epoch), endpointId: endpointId.toString() }
    rows.put(UsageSettlement, { ...ids, root, tokensIn, tokensOut, fees, settledAt: event.timestamp })
  },
  EIP712DomainChanged: null,
}
