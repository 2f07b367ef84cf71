import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import type { LifecycleStage } from './stage.ts'

export const PERIOD = 12

/** What is published: mostly the computed map, otherwise one that another hand wrote. */
export interface Publication {
  root: string
  total: string
  uri: string
  /** What the root was made of; absent when nobody knows. */
  leaves?: readonly { account: string; cumulative: string }[]
}

interface PublishedMap extends Publication {
  publisher: string | undefined
}

/** The distributor of a random lifecycle: the epochs that fees begin, their maps, and claims by the newest final one. */
export class RandomDistributor {
  readonly maps: PublishedMap[] = []
  private ends: number[] = []
  private funded = 0n
  private finalEpoch = 0
  private claimed = new Map<string, bigint>()
  private totalClaimed = 0n

  constructor(
    private readonly stage: LifecycleStage,
    private readonly firstBlock: number,
  ) {}

  /** The running epoch, or the last one. */
  get epoch() {
    return this.ends.length
  }

  /** The last epoch that has ended before the present block. */
  get endedEpochs() {
    return this.stage.block <= (this.ends.at(-1) ?? 0) ? this.epoch - 1 : this.epoch
  }

  /** The last block of the period that holds the present block. */
  get endOfPeriod() {
    return this.firstBlock + PERIOD * (Math.floor((this.stage.block - this.firstBlock) / PERIOD) + 1) - 1
  }

  /** Fees arrive: they belong to the running epoch, or begin one. */
  receive(from: string, amount: bigint) {
    const { stage } = this
    if (stage.block > (this.ends.at(-1) ?? 0)) this.ends.push(this.endOfPeriod)
    this.funded += amount
    const args = { epoch: this.epoch, from, amount, toBlock: must(this.ends.at(-1)) }
    return () => stage.emit('RewardDistributor', 'EpochFunded', args)
  }

  /** The most that the next map may make payable. */
  get available() {
    return this.funded - sum(this.maps.map(({ total }) => BigInt(total)))
  }

  publish(map: Publication, blocks: object, bonded: boolean) {
    const { stage } = this
    const epoch = this.maps.length + 1
    const { root, total, uri } = map
    stage.emit('RewardDistributor', 'RewardMapPublished', { epoch, ...blocks, root, total, uri })
    const publisher = bonded ? account(3) : undefined
    if (publisher) stage.emit('RewardDistributor', 'BondHeld', { epoch, publisher, amount: 1n })
    this.maps.push({ ...map, publisher })
  }

  /** Cancels a map that is not final, and all later ones. @returns whether there was one. */
  cancel(): boolean {
    const { stage, maps } = this
    if (maps.length === this.finalEpoch) return false
    const first = this.finalEpoch + 1 + stage.chance.below(maps.length - this.finalEpoch)
    for (let epoch = maps.length; epoch >= first; epoch--) {
      const { root, publisher } = must(maps[epoch - 1])
      stage.emit('RewardDistributor', 'RewardMapCancelled', { epoch, root })
      if (publisher) this.releaseBond(epoch, epoch === first ? account(4) : publisher)
    }
    maps.length = first - 1
    return true
  }

  private releaseBond(epoch: number, to: string) {
    must(this.maps[epoch - 1]).publisher = undefined
    this.stage.emit('RewardDistributor', 'BondReleased', { epoch, to, amount: 1n })
  }

  /** Maps become final; accounts claim by the newest of them, or the publisher's bond is returned. */
  claim() {
    const { stage, maps } = this
    const { chance } = stage
    if (chance.happens(40)) this.finalEpoch += chance.below(maps.length - this.finalEpoch + 1)
    const map = maps[this.finalEpoch - 1]
    if (!map) return
    if (map.publisher && chance.happens(30)) this.releaseBond(this.finalEpoch, map.publisher)
    // A root that nobody can explain may be of any leaves.
    const leaves = map.leaves ?? [{ account: chance.of(stage.people), cumulative: String(chance.amount()) }]
    for (const { account, cumulative } of chance.some(leaves)) {
      const before = this.claimed.get(account) ?? 0n
      const amount = BigInt(cumulative) - before
      const payable = sum(maps.slice(0, this.finalEpoch).map(({ total }) => BigInt(total)))
      if (amount <= 0n || amount > payable - this.totalClaimed) continue
      this.claimed.set(account, BigInt(cumulative))
      this.totalClaimed += amount
      stage.emit('RewardDistributor', 'RewardClaimed', { epoch: this.finalEpoch, account, amount })
    }
  }
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)
