import { computeEpoch, missingManifests } from '#epochs/epoch.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'
import { blockHash } from '#test/factory.ts'
import type { LifecycleCall } from './calls.ts'
import type { LifecycleEvent } from './events.ts'
import { publication } from './falseMaps.ts'
import type { LifecycleIndex } from './index.ts'
import { PAGE_SIZES } from './pages.ts'
import { signedDocuments, withheldDocument } from './usage.ts'
import { RandomWorld } from './world.ts'

/** A chain and its artifacts, from which every published map can be computed. */
export interface RandomLifecycle {
  seed: number
  firstBlock: number
  head: number
  /** The entries of a page of its maps; absent for the law's. */
  pageEntries?: number
  events: LifecycleEvent[]
  calls: LifecycleCall[]
  /** The bytes of each artifact; each character is a byte. */
  artifacts: string[]
}

export interface LifecycleSize {
  periods: number
  /** What people do in a period, at most. */
  acts: number
}

export const USUAL_SIZE: LifecycleSize = { periods: 7, acts: 26 }
export const SMALL_SIZE: LifecycleSize = { periods: 4, acts: 20 }

/** The entries of a page of the maps of a lifecycle; undefined for the law's. */
export const pageEntriesOf = (seed: number) => PAGE_SIZES[seed % PAGE_SIZES.length] || undefined

/** Plays a random lifecycle: periods in which people act, maps that are published after them, some of which are false, cancelled and published again. */
export async function playLifecycle(
  seed: number,
  size: LifecycleSize,
  index: LifecycleIndex,
): Promise<RandomLifecycle> {
  const play = new Play(new RandomWorld(seed), index)
  const { world } = play
  const { chance } = world
  for (let period = 0; period <= chance.below(size.periods) + 1; period++) {
    if (period > 0) world.block++
    if (chance.happens(75)) await play.publishAll()
    world.live(size.acts)
  }
  world.block++
  if (chance.happens(95)) await play.publishAll()
  if (chance.happens(25)) await play.cancel()
  return play.lifecycle(seed)
}

class Play {
  private indexed = 0
  private called = 0
  private stored = 0

  constructor(
    readonly world: RandomWorld,
    private readonly index: LifecycleIndex,
  ) {}

  /** Indexes what happened before the present block. */
  private async bringUpToDate() {
    const { world, index } = this
    for (const bytes of world.artifacts.slice(this.stored)) await index.artifacts.put(bytes)
    this.stored = world.artifacts.length
    const events = world.events.slice(this.indexed)
    this.indexed = world.events.length
    const calls = world.calls.changes.slice(this.called)
    this.called = world.calls.changes.length
    await index.index(events, calls, world.block - 1)
  }

  /** Publishes the maps of all epochs that have ended, each in a block of its own. */
  async publishAll() {
    const { world } = this
    const { distributor } = world
    const ended = distributor.endedEpochs
    while (distributor.maps.length < ended) {
      await this.publish(distributor.maps.length + 1)
      world.block++
    }
  }

  private async publish(epoch: number) {
    const { world, index } = this
    const bonded = world.chance.happens(20)
    const usage = await signedDocuments(world, epoch)
    await this.bringUpToDate()
    const absent = await missingManifests(index.sources, epoch)
    if (world.chance.happens(10)) absent.push(...world.chance.some(usage).map(({ document }) => document))
    if (world.chance.happens(10)) absent.push(`0x${'d'.repeat(64)}`)
    const map: WholeRewardMap = await computeEpoch(index.sources, { epoch, usage, absent })
    const { fromBlock, toBlock, codeHash } = map
    const blocks = { fromBlock, toBlock, blockHash: blockHash(world.chance.happens(98) ? toBlock : toBlock + 1) }
    const shown = world.chance.happens(16) ? { ...map, usage: [await withheldDocument(world, epoch)] } : map
    world.distributor.publish(
      publication(world, shown, index.sources.deployment.pageEntries ?? 0),
      { ...blocks, codeHash },
      bonded,
    )
  }

  /** Cancels a map and all later ones; most of them are published again. */
  async cancel() {
    const { world } = this
    if (!world.distributor.cancel()) return
    world.block++
    if (world.chance.happens(80)) await this.publishAll()
  }

  async lifecycle(seed: number): Promise<RandomLifecycle> {
    const head = this.world.block++
    await this.bringUpToDate()
    const { firstBlock, events, artifacts } = this.world
    const calls = this.world.calls.changes
    const texts = artifacts.map((bytes) => Buffer.from(bytes).toString('latin1'))
    const { pageEntries } = this.index.sources.deployment
    return {
      seed,
      firstBlock,
      head,
      ...(pageEntries && { pageEntries }),
      events,
      calls,
      artifacts: [...new Set(texts)],
    }
  }
}
