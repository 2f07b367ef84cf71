import { contentsOf, submitBatch } from '#contracts/test/batch.ts'
import { commitAll, openRound, revealAll } from '#contracts/test/judge.ts'
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
  type World,
} from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, inWorld, isRefused } from './worlds.ts'

/** Disputes as weapons. */

const [CONTRIBUTION, JUDGEMENT] = [0, 1]
const EVIDENCE = hashOf('evidence')

async function contributed(world: World, stakeEach: bigint, content = 'sample'): Promise<bigint> {
  return submitBatch(world, {
    datanetId: 1n,
    contributor: ALICE.address,
    contents: contentsOf(content, 1),
    stakeEach,
    salt: hashOf(content),
    deadline: BigInt(GENESIS + 100_000),
  })
}

/** A judgement of a validator who has this stake. */
async function judged(world: World, stake: bigint): Promise<bigint> {
  await world.send(BOB, 'FeedbackPool', 'stake', [stake])
  const task = await openRound(world, 1n, 1n)
  await commitAll(world, [BOB], [task])
  await world.warp(101)
  await revealAll(world, [BOB], [task])
  return world.read('Disputes', 'judgementId', [task, BOB.address])
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

/** The thief of a key rejects honest disputes about three samples of one contributor. Without the rule, one key operates and decides, and what it decides is final. */
export const rejectedDisputes: MoneyAttack[] = [
  { name: 'the operator’s key', address: OPERATOR.address },
  { name: 'the resolver’s key', address: RESOLVER.address },
].map(({ name, address }) => ({
  name: `three honest disputes rejected: by ${name}`,
  attacker: name,
  stops: 'honest disputes that fail',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const stake = stakeOf(seed) / 10n
      const ids: bigint[] = []
      for (const nth of [1, 2, 3]) ids.push(await contributed(world, stake, `sample ${nth}`))
      for (const id of ids) await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])
      const disputes = ids.map((_, nth) => BigInt(nth + 1))
      for (const id of disputes) await isRefused(world.send(address, 'Disputes', 'rule', [id, false, 0n]))
      // What the resolver does, or, where it is the thief, a vote within the appeal time.
      const timelock = await world.impersonate(world.at.TimelockController)
      for (const id of disputes)
        if (await isRefused(world.send(RESOLVER, 'Disputes', 'rule', [id, true, stake])))
          await world.send(timelock, 'Disputes', 'resolve', [id, true, stake])
      await world.warp(SETTINGS.appealTime)
      for (const id of disputes) await isRefused(world.send(BOB, 'Disputes', 'enforce', [id]))
      const upheld = await Promise.all(ids.map((id) => world.read('Disputes', 'wasUpheld', [CONTRIBUTION, id])))
      return {
        without: attempt({ stopped: ids.length }),
        with: attempt({ stopped: upheld.filter((one) => !one).length }),
        gas: 0n,
      }
    }),
}))

/** Somebody holds a stake by a dispute that it loses. Its bond must be a tenth of the stake; without the rule, the least bond holds any stake. The stake would
 *  otherwise be free after its hold. */
export const frozenStakes: MoneyAttack[] = [
  { whose: 'contributor’s', kind: CONTRIBUTION, subject: contributed },
  { whose: 'validator’s', kind: JUDGEMENT, subject: judged },
].map(({ whose, kind, subject }) => ({
  name: `a small bond freezes a ${whose} large stake`,
  attacker: 'a challenger',
  stops: 'stakes held by a bond below their tenth',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const stake = stakeOf(seed)
      const id = await subject(world, stake)
      const least = SETTINGS.minDisputeBond
      const before = await world.balance(CAROL.address)
      const { gasUsed } = await world.send(CAROL, 'Disputes', 'open', [kind, id, EVIDENCE])
      const bond = before - (await world.balance(CAROL.address))
      await world.send(await world.impersonate(world.at.TimelockController), 'Disputes', 'resolve', [1n, false, 0n])
      return {
        without: attempt({ paid: least, stopped: 1 }),
        with: attempt({ paid: bond, stopped: bond * 10n < stake ? 1 : 0 }),
        gas: gasUsed,
      }
    }),
}))

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
