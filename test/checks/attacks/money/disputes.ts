import { contentsOf, submitBatch } from '#contracts/test/batch.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  GENESIS,
  hashOf,
  OPERATOR,
  RESOLVER,
  SETTINGS,
  STRANGER,
  type World,
} from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, inWorld, isRefused } from './worlds.ts'

/** Disputes as weapons. */

const CONTRIBUTION = 0
const EVIDENCE = hashOf('evidence')

async function contributed(world: World, stakeEach: bigint): Promise<bigint> {
  return submitBatch(world, {
    datanetId: 1n,
    contributor: ALICE.address,
    contents: contentsOf('sample', 1),
    stakeEach,
    salt: hashOf('salt'),
    deadline: BigInt(GENESIS + 100_000),
  })
}

const stakeOf = (seed: number) => BigInt(50 + seededRandomAt(seed, 11)(450)) * ETHER

/** The thief of the resolver's key challenges by an accomplice. Without the rule, the challenger gets half of what is slashed, however little its bond
 *  was. */
export const judgeAndChallenger: MoneyAttack = {
  name: 'challenger and resolver are one',
  attacker: 'the resolver’s key with an accomplice',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const stake = stakeOf(seed)
      const id = await contributed(world, stake)
      const bond = await world.read('Disputes', 'bondFor', [CONTRIBUTION, id])
      let gas = 0n
      const gained = await balanceChange(world, CAROL.address, async () => {
        gas += (await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])).gasUsed
        gas += (await world.send(RESOLVER, 'Disputes', 'rule', [1n, true, stake])).gasUsed
        await world.warp(SETTINGS.appealTime)
        gas += (await world.send(CAROL, 'Disputes', 'enforce', [1n])).gasUsed
      })
      return { without: attempt({ gained: stake / 2n }), with: attempt({ gained }), left: bond, gas }
    }),
}

/** Somebody holds a stake by a dispute that it loses. Its bond must be a tenth of the stake; without the rule, the least bond holds any stake. The stake would
 *  otherwise be free after its hold. */
export const frozenStake: MoneyAttack = {
  name: 'a small bond freezes a large stake',
  attacker: 'a challenger',
  stops: 'stakes held by a bond below their tenth',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const stake = stakeOf(seed)
      const id = await contributed(world, stake)
      const least = SETTINGS.minDisputeBond
      const before = await world.balance(CAROL.address)
      const { gasUsed } = await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])
      const bond = before - (await world.balance(CAROL.address))
      await world.send(RESOLVER, 'Disputes', 'rule', [1n, false, 0n])
      await world.warp(SETTINGS.appealTime)
      await world.send(STRANGER, 'Disputes', 'enforce', [1n])
      return {
        without: attempt({ paid: least, stopped: 1 }),
        with: attempt({ paid: bond, stopped: bond * 10n < stake ? 1 : 0 }),
        gas: gasUsed,
      }
    }),
}

/** An accomplice disputes first, with bad evidence, until the accused's stake is free. Without the rule, a subject that was disputed once is free when the
 *  dispute has failed. The accused gains its stake. */
export const shieldedStake: MoneyAttack = {
  name: 'an accomplice’s dispute shields a stake',
  attacker: 'the accused, with an accomplice',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const stake = stakeOf(seed)
      const id = await contributed(world, stake)
      await world.send(OPERATOR, 'DatanetRegistry', 'score', [[id], [1], [1], [1], ['fine']])
      const bond = await world.read('Disputes', 'bondFor', [CONTRIBUTION, id])
      const { gasUsed } = await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])
      await world.send(RESOLVER, 'Disputes', 'rule', [1n, false, 0n])
      await world.warp(SETTINGS.appealTime)
      await world.send(CAROL, 'Disputes', 'enforce', [1n])
      const escapes = !(await isRefused(world.send(ALICE, 'DatanetRegistry', 'withdrawStake', [[id]])))
      const challenged = !(await isRefused(world.send(BOB, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])))
      return {
        without: attempt({ paid: bond, gained: stake }),
        with: attempt({ paid: bond, gained: escapes || !challenged ? stake : 0n }),
        gas: gasUsed,
      }
    }),
}
