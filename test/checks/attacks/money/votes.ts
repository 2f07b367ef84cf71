import { encodeFunctionData, toHex } from 'viem'
import { contracts } from '#contracts/events.ts'
import { type Actions, execute } from '#contracts/test/mandate.ts'
import { ETHER, hashOf, SETTINGS, STRANGER, type World } from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, inWorld, TREASURE, TREASURY_SHARE } from './worlds.ts'

const FOR = 1

/** Raids on the treasury with capital that is worth as much afterwards. Without the rules, every gOPEN votes while the vote is counted, and a proposal that
 *  passed moves any amount. */

async function raid(world: World, amount: bigint) {
  const pay = encodeFunctionData({
    abi: contracts.Treasury.abi,
    functionName: 'pay',
    args: [STRANGER.address, amount],
  })
  const actions: Actions = [[world.at.Treasury], [0n], [pay], `Raid of ${amount}`]
  const { gasUsed } = await world.send(STRANGER, 'ModelGovernor', 'propose', [...actions])
  const [targets, values, calldatas, description] = actions
  const proposalId = await world.read('ModelGovernor', 'getProposalId', [
    targets,
    values,
    calldatas,
    hashOf(description),
  ])
  return { actions, proposalId, gasUsed }
}

async function capital(world: World, seed: number): Promise<bigint> {
  const amount = BigInt(5_000 + seededRandomAt(seed, 10)(50_000)) * ETHER
  await world.rpc('anvil_setBalance', [STRANGER.address, toHex(2n * amount)])
  await world.send(STRANGER, 'GOpen', 'deposit', [], amount)
  await world.send(STRANGER, 'GOpen', 'delegate', [STRANGER.address])
  return amount
}

export const rentedVotes: MoneyAttack = {
  name: 'votes rented for the snapshot',
  attacker: 'somebody who borrows gOPEN for minutes',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('votes', async (world) => {
      const rented = await capital(world, seed)
      const { actions, proposalId, gasUsed } = await raid(world, (TREASURE * TREASURY_SHARE) / 100n)
      await world.warp(SETTINGS.votingDelay + 1)
      const gained = await balanceChange(world, STRANGER.address, async () => {
        const vote = await world.send(STRANGER, 'ModelGovernor', 'castVote', [proposalId, FOR])
        await world.warp(SETTINGS.votingPeriod + SETTINGS.lateQuorumExtension + 1)
        if (vote.events.some((one) => one.name === 'VoteCast' && one.args.weight > 0n)) await execute(world, actions)
        await world.send(STRANGER, 'GOpen', 'withdraw', [rented])
      })
      return { without: attempt({ gained: TREASURE }), with: attempt({ gained: gained + rented }), gas: gasUsed }
    }),
}

export const lockedRaid: MoneyAttack = {
  name: 'a raid by a locked majority',
  attacker: 'who locks more gOPEN than all other voters',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('votes', async (world) => {
      const locked = await capital(world, seed)
      await world.send(STRANGER, 'GOpen', 'lock', [locked])
      const share = (TREASURE * TREASURY_SHARE) / 100n
      const raids = [await raid(world, TREASURE), await raid(world, share), await raid(world, share - 1n)]
      await world.warp(SETTINGS.votingDelay + 1)
      for (const { proposalId } of raids) await world.send(STRANGER, 'ModelGovernor', 'castVote', [proposalId, FOR])
      await world.warp(SETTINGS.votingPeriod + 1)
      const gained = await balanceChange(world, STRANGER.address, async () => {
        for (const { actions } of raids) await execute(world, actions).catch(() => {}) // beyond the share of the period
      })
      const gas = raids.reduce((sum, { gasUsed }) => sum + gasUsed, 0n)
      return { without: attempt({ gained: TREASURE }), with: attempt({ gained }), left: share, gas }
    }),
}
