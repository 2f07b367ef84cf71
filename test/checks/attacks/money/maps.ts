import { fundEpoch, mineUntil, publicationOf, treeOf } from '#contracts/test/publication.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  type HOLDER,
  hashOf,
  OPERATOR,
  RESOLVER,
  SETTINGS,
  type World,
} from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, inWorld, isRefused } from './worlds.ts'

/** False reward maps, and fees that make work. */

const REWARD_MAP = 3
const DEPOSITS = 20

/** Deposits of 1 wei. Without the rule, whoever deposits names the epoch, and each epoch with fees needs a map. */
export const dustEpochs: MoneyAttack = {
  name: 'dust: twenty deposits of 1 wei',
  attacker: 'a stranger with gas',
  stops: 'maps beyond one for each period that the publisher must pay for',
  seeds: FEW_SEEDS,
  play: () =>
    inWorld('market', async (world) => {
      const length = BigInt(SETTINGS.epochLength)
      const first = await world.read('RewardDistributor', 'firstBlock', [])
      const head = await world.client.getBlockNumber()
      await mineUntil(world, first + ((head - first) / length + 1n) * length)
      const begin = await world.client.getBlockNumber()
      let gas = 0n
      for (let nth = 0; nth < DEPOSITS; nth++)
        gas += (await world.send(CAROL, 'RewardDistributor', 'fund', [1n])).gasUsed
      const periods = ((await world.client.getBlockNumber()) - begin + length - 1n) / length
      const maps = Number(await world.read('RewardDistributor', 'epochCount', []))
      return {
        without: attempt({ paid: BigInt(DEPOSITS), stopped: DEPOSITS - 1 }),
        with: attempt({ paid: BigInt(DEPOSITS), stopped: Math.max(0, maps - Number(periods)) }),
        gas,
      }
    }),
}

/** Publishes a map that pays everything to its publisher, and claims by it when the challenge window is over; a stranger disputes it. Without the rule,
 *  a published map is final. */
async function payItself(world: World, seed: number, publisher: typeof HOLDER) {
  const amount = (BigInt(1 + seededRandomAt(seed, 12)(1_000)) * ETHER) / 100n
  const epoch = await fundEpoch(world, amount)
  await mineUntil(world, (await world.client.getBlockNumber()) + BigInt(SETTINGS.epochLength) + 2n)
  const tree = treeOf(world, epoch, [[publisher.address, amount]])
  let gas = 0n
  const change = await balanceChange(world, publisher.address, async () => {
    const publication = await publicationOf(world, epoch, tree.root, amount)
    gas = (await world.send(publisher, 'RewardDistributor', 'publish', publication)).gasUsed
    await world.send(BOB, 'Disputes', 'open', [REWARD_MAP, epoch, hashOf('evidence')])
    await world.warp(SETTINGS.challengeWindow + 1)
    const claim = [epoch, publisher.address, amount, tree.proof(0)] as const
    await isRefused(world.send(publisher, 'RewardDistributor', 'claim', claim))
    await world.send(RESOLVER, 'Disputes', 'rule', [1n, true, 0n])
    await world.warp(SETTINGS.appealTime)
    await world.send(BOB, 'Disputes', 'enforce', [1n])
    await isRefused(world.send(publisher, 'RewardDistributor', 'claim', claim))
  })
  return { amount, change, gas }
}

export const selfPayingMaps: MoneyAttack[] = [
  {
    name: 'a reward map that pays its publisher: by the role',
    attacker: 'the operator’s key',
    seeds: FEW_SEEDS,
    play: (seed) =>
      inWorld('market', async (world) => {
        const { amount, change, gas } = await payItself(world, seed, OPERATOR)
        return { without: attempt({ gained: amount }), with: attempt({ gained: change }), gas }
      }),
  },
  {
    name: 'a reward map that pays its publisher: with a bond',
    attacker: 'a stranger, after the publishers were silent',
    seeds: FEW_SEEDS,
    play: (seed) =>
      inWorld('market', async (world) => {
        const { amount, change, gas } = await payItself(world, seed, ALICE)
        return { without: attempt({ gained: amount }), with: attempt({ paid: -change }), gas }
      }),
  },
]
