import { type Batch, commitmentOf, contentsOf, submitArguments, submitBatch } from '#contracts/test/batch.ts'
import { commitAll, judgement, judgementCommitment, openRound, revealAll } from '#contracts/test/judge.ts'
import { ALICE, BOB, CAROL, ETHER, GENESIS, hashOf, OPERATOR, type World } from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { inWorld, isRefused } from './worlds.ts'

/** Commitments that are copied, changed, or opened at another time or with another key. */

const POT = ETHER
const VALIDATOR_STAKE = 100n * ETHER

const batchOf = (contributor: `0x${string}`, seed: number): Batch => ({
  datanetId: 1n,
  contributor,
  contents: contentsOf(`sample ${seed}`, 2),
  stakeEach: 0n,
  salt: hashOf('salt'),
  deadline: BigInt(GENESIS + 100_000),
})

/** Somebody reads a submission in the mempool, and has the same contents on chain before it. Without the rule, contents on chain are refused a second
 *  time, with the whole batch of their author. */
export const copiedSubmission: MoneyAttack = {
  name: 'contents copied from the mempool',
  attacker: 'a copier',
  stops: 'batches of the author',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const own = batchOf(ALICE.address, seed)
      await world.send(ALICE, 'DatanetRegistry', 'commit', [commitmentOf(own), ALICE.address])
      const first = await submitBatch(world, batchOf(BOB.address, seed))
      const isStopped = await isRefused(world.send(ALICE, 'DatanetRegistry', 'submit', submitArguments(own)))
      return {
        without: attempt({ stopped: 1 }),
        with: attempt({ stopped: isStopped || first !== 1n ? 1 : 0 }),
        gas: 0n,
      }
    }),
}

async function openForThree(world: World): Promise<bigint> {
  for (const { address } of [ALICE, BOB, CAROL]) await world.send(address, 'FeedbackPool', 'stake', [VALIDATOR_STAKE])
  return openRound(world, 1n, 1n, { pot: POT })
}

/** Settles as the contract allows at most: who did not reveal gets nothing. @returns what the attacker gets. */
async function settle(world: World, taskId: bigint, attacker: `0x${string}`, others: readonly `0x${string}`[]) {
  await world.warp(201)
  const row = (validator: `0x${string}`, reward: bigint) => ({ taskId, validator, score: 1, reward, penalty: 0n })
  const rowsOf = (reward: bigint) => [row(attacker, reward), ...others.map((one) => row(one, 0n))]
  const pay = async (reward: bigint) =>
    !(await isRefused(
      world.send(OPERATOR, 'FeedbackPool', 'settle', [1n, [taskId], rowsOf(reward), hashOf('evidence')]),
    ))
  return (await pay(POT)) ? POT : 0n
}

/** A judge who commits, waits for the reveals of the others, and then changes its mind, or reveals after the deadline. Without the rule, judgements are given in the open at any
 *  time: who is last copies the others. */
export const changedMind: MoneyAttack = {
  name: 'late reveal: another choice, or after the deadline',
  attacker: 'a judge who waits for the others',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const taskId = await openForThree(world)
      const first = judgement(taskId, { choice: 0, confidence: seededRandomAt(seed, 13)(101) })
      await commitAll(world, [BOB, CAROL], [taskId])
      await world.send(ALICE, 'FeedbackPool', 'commit', [[taskId], [judgementCommitment(ALICE.address, first)]])
      await world.warp(101)
      await revealAll(world, [BOB, CAROL], [taskId])
      const reveal = (choice: number) => world.send(ALICE, 'FeedbackPool', 'reveal', [[{ ...first, choice }]])
      const recommit = world.send(ALICE, 'FeedbackPool', 'commit', [
        [taskId],
        [judgementCommitment(ALICE.address, judgement(taskId))],
      ])
      const changed = [!(await isRefused(recommit)), !(await isRefused(reveal(1)))]
      await world.warp(101)
      changed.push(!(await isRefused(reveal(0))))
      const gained = changed.includes(true)
        ? POT
        : await settle(world, taskId, ALICE.address, [BOB.address, CAROL.address])
      return { without: attempt({ gained: POT }), with: attempt({ gained }), gas: 0n }
    }),
}

/** Between commit and reveal, a judge copies the commitment of another under its own key, and takes its stake out to commit with it by a second
 *  key. Without the rule, a commitment is the hash of a choice and a salt, and a stake is free until it is fined. */
export const reusedKeys: MoneyAttack = {
  name: 'key reuse between commit and reveal',
  attacker: 'a judge with two keys',
  stops: 'judgements that two keys give with one stake or one commitment',
  seeds: FEW_SEEDS,
  play: () =>
    inWorld('market', async (world) => {
      const taskId = await openForThree(world)
      await commitAll(world, [ALICE], [taskId])
      const copied = judgementCommitment(ALICE.address, judgement(taskId))
      await world.send(BOB, 'FeedbackPool', 'commit', [[taskId], [copied]])
      const unstakes = !(await isRefused(world.send(ALICE, 'FeedbackPool', 'unstake', [VALIDATOR_STAKE])))
      await world.warp(101)
      await revealAll(world, [ALICE], [taskId])
      const reveals = !(await isRefused(world.send(BOB, 'FeedbackPool', 'reveal', [[judgement(taskId)]])))
      const both = [unstakes, reveals].filter(Boolean).length
      return { without: attempt({ stopped: 2 }), with: attempt({ stopped: both }), gas: 0n }
    }),
}
