import type { PrivateKeyAccount } from 'viem/accounts'
import { must } from '#test/must.ts'
import type { RandomDistributor } from './distributor.ts'
import { ADDRESSES } from './events.ts'
import { hashOfText } from './hashOfText.ts'
import type { LifecycleStage, RandomVersion } from './stage.ts'

export interface FeesOfPeriod {
  epoch: number
  endpoint: string
  version: string
  consumer: string
  amount: bigint
  host: PrivateKeyAccount
}

interface Endpoint {
  id: string
  version: string
  host: PrivateKeyAccount
}

interface Channel {
  ids: { channelId: string; endpointId: string; consumer: string }
  balance: bigint
  redeemed: bigint
}

/** The market of a random lifecycle: endpoints, and the channels from which their hosts redeem. */
export class RandomMarket {
  readonly fees: FeesOfPeriod[] = []
  readonly channels = new Map<string, Channel>()
  private endpoints: Endpoint[] = []

  constructor(
    private readonly stage: LifecycleStage,
    private readonly versions: readonly RandomVersion[],
    private readonly distributor: RandomDistributor,
  ) {}

  registerEndpoint() {
    const { chance, hosts } = this.stage
    const { id: versionId } = chance.of(this.versions)
    const host = chance.of(hosts)
    const endpointId = String(this.endpoints.length + 1)
    this.endpoints.push({ id: endpointId, version: versionId, host })
    const price = { url: 'http://host', priceIn: 1n, priceOut: 1n }
    this.stage.emit('InferenceMarket', 'EndpointRegistered', {
      endpointId,
      versionId,
      host: host.address.toLowerCase(),
      ...price,
    })
  }

  setVersion() {
    const { chance } = this.stage
    const endpoint = chance.of(this.endpoints)
    const { model } = must(this.versions[Number(endpoint.version) - 1])
    endpoint.version = chance.of(this.versions.filter((version) => version.model === model)).id
    const args = { endpointId: endpoint.id, versionId: endpoint.version }
    this.stage.emit('InferenceMarket', 'EndpointVersionChanged', args)
  }

  redeem() {
    const { chance, people } = this.stage
    const redeemed = Array.from({ length: 1 + chance.below(3) }, () => ({
      endpoint: chance.of(this.endpoints),
      consumer: chance.of(people.slice(0, 3)),
      amount: chance.amount(),
    }))
    const total = redeemed.reduce((sum, { amount }) => sum + amount, 0n)
    const fund = this.distributor.receive(ADDRESSES.InferenceMarket, total)
    for (const { endpoint, consumer, amount } of redeemed) this.redeemFrom(endpoint, consumer, amount)
    fund()
  }

  private redeemFrom(endpoint: Endpoint, consumer: string, amount: bigint) {
    const channel = this.channelOf(endpoint, consumer, amount)
    channel.balance -= amount
    channel.redeemed += amount
    const { epoch } = this.distributor
    this.fees.push({ epoch, endpoint: endpoint.id, version: endpoint.version, consumer, amount, host: endpoint.host })
    const paid = { versionId: endpoint.version, epoch, total: channel.redeemed, amount }
    this.stage.emit('InferenceMarket', 'Redeemed', { ...channel.ids, ...paid })
  }

  /** A consumer's channel with an endpoint, with a credit of at least `amount`. */
  private channelOf(endpoint: Endpoint, consumer: string, amount: bigint): Channel {
    const channelId = hashOfText(`${endpoint.id} ${consumer}`)
    const ids = { channelId, endpointId: endpoint.id, consumer }
    const channel = this.channels.get(channelId) ?? { ids, balance: 0n, redeemed: 0n }
    this.channels.set(channelId, channel)
    if (channel.balance < amount) {
      const deposited = amount + this.stage.chance.of([0n, amount, this.stage.chance.amount()])
      channel.balance += deposited
      const config = { key: consumer, salt: hashOfText('salt') }
      this.stage.emit('InferenceMarket', 'CreditDeposited', { ...ids, ...config, amount: deposited })
    }
    return channel
  }

  /** A consumer withdraws credit; the delay is over at once. */
  withdraw() {
    const { chance } = this.stage
    const channels = [...this.channels.values()].filter(({ balance }) => balance > 0n)
    if (channels.length === 0) return
    const channel = chance.of(channels)
    const amount = chance.happens(40) ? channel.balance : 1n + chance.upTo(channel.balance - 1n)
    const { channelId, consumer } = channel.ids
    this.stage.emit('InferenceMarket', 'WithdrawalRequested', { channelId, consumer, amount, availableAt: 1n })
    channel.balance -= amount
    this.stage.emit('InferenceMarket', 'CreditWithdrawn', { channelId, consumer, amount })
  }
}
