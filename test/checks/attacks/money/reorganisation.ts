import { fundEpoch, publicationOf, treeOf } from '#contracts/test/publication.ts'
import { ALICE, BOB, ETHER, OPERATOR, SETTINGS, STRANGER } from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, inWorld } from './worlds.ts'

/**
 * An account claims by a map; the chain is reorganised; on the other branch the same fees are divided otherwise, and the account claims again, by both maps. Without
 * the rule, a leaf has an epoch's amount and is marked when it is paid, so that the leaves of two maps are two payments where the first claim is sent again.
 */
export const reorganisedClaims: MoneyAttack = {
  name: 'claims under reorganisation',
  attacker: 'an account that two branches pay',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const random = seededRandomAt(seed, 9)
      const amount = (BigInt(1 + random(1_000)) * ETHER) / 100n
      const share = (amount * BigInt(random(100))) / 100n
      const epoch = await fundEpoch(world, amount)
      let gas = 0n
      const branch = await world.snapshot()
      const publishAndClaim = async (grants: readonly (readonly [`0x${string}`, bigint])[]) => {
        const tree = treeOf(world, epoch, grants)
        await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, epoch, tree.root, amount))
        await world.warp(SETTINGS.challengeWindow + 1)
        const claim = [epoch, ALICE.address, grants[0]?.[1] ?? 0n, tree.proof(0)] as const
        const sent = await world.send(STRANGER, 'RewardDistributor', 'claim', claim)
        gas += sent.gasUsed
        return claim
      }
      const first = await publishAndClaim([
        [ALICE.address, amount - share],
        [BOB.address, share],
      ])
      await world.revert(branch)
      const gained = await balanceChange(world, ALICE.address, async () => {
        await world.mine(random(5))
        const second = await publishAndClaim([
          [ALICE.address, share + 1n],
          [BOB.address, amount - share - 1n],
        ])
        for (const again of [first, second])
          await world.send(STRANGER, 'RewardDistributor', 'claim', again).catch(() => {}) // refused
      })
      return {
        without: attempt({ paid: share + 1n, gained: amount + 1n }),
        with: attempt({ paid: share + 1n, gained }),
        gas,
      }
    }),
}
