import fc from 'fast-check'
import { encodeFunctionData, type Hex, toHex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { contracts } from '../events.ts'
import { type Actions, execute, startVotingWorld, VOTES } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, CAROL, ETHER, HOLDER, hashOf, PROPOSER, SETTINGS, STRANGER, type World } from './world.ts'

const FOR = 1
const [DEFEATED, SUCCEEDED] = [3, 4]
const TREASURE = 100n * ETHER
const SHARE_PERCENT = 10
const PERIOD = 86_400
const UNLOCK_DELAY = BigInt(
  SETTINGS.votingDelay + SETTINGS.votingPeriod + SETTINGS.lateQuorumExtension + SETTINGS.timelockDelay,
)

let world: World
beforeAll(async () => {
  const settings = { proposalThreshold: 0n, treasurySharePercent: SHARE_PERCENT, treasuryPeriod: PERIOD }
  world = await startVotingWorld(settings)
  await world.send(CAROL, 'GOpen', 'transfer', [world.at.Treasury, TREASURE])
  await world.rpc('anvil_setBalance', [STRANGER.address, toHex(100_000n * ETHER)])
})
restoreWorld(() => world)

const votesOf = (account: HDAccount) => world.read('GOpen', 'getVotes', [account.address])
const withdrawal = (amount: bigint) => world.errorOf(STRANGER, 'GOpen', 'withdraw', [amount])

/** A raid: `amount` of the treasury and the trainers' role for the stranger. */
async function raid(amount: bigint) {
  const trainer = await world.read('ModelRegistry', 'TRAINER_ROLE', [])
  const pay = encodeFunctionData({
    abi: contracts.Treasury.abi,
    functionName: 'pay',
    args: [STRANGER.address, amount],
  })
  const grant = encodeFunctionData({
    abi: contracts.ModelRegistry.abi,
    functionName: 'grantRole',
    args: [trainer, STRANGER.address],
  })
  const actions: Actions = [[world.at.Treasury, world.at.ModelRegistry], [0n, 0n], [pay, grant], `Raid of ${amount}`]
  await world.send(STRANGER, 'ModelGovernor', 'propose', [...actions])
  const proposalId = await world.read('ModelGovernor', 'getProposalId', [
    actions[0],
    actions[1],
    actions[2],
    hashOf(actions[3]),
  ])
  return { actions, proposalId, trainer }
}

const vote = async (proposalId: bigint) =>
  (await world.send(STRANGER, 'ModelGovernor', 'castVote', [proposalId, FOR])).events.find(
    ({ name }) => name === 'VoteCast',
  )?.args

describe('a raid', () => {
  test('with gOPEN that is wrapped, counted and unwrapped before the vote has no vote at all', async () => {
    const rented = 9_900n * ETHER
    await world.send(STRANGER, 'GOpen', 'deposit', [], rented)
    await world.send(STRANGER, 'GOpen', 'delegate', [STRANGER.address])
    const { actions, proposalId, trainer } = await raid(TREASURE)
    await world.warp(SETTINGS.votingDelay + 1)
    await world.send(STRANGER, 'GOpen', 'withdraw', [rented])
    expect(await vote(proposalId)).toMatchObject({ weight: 0n })
    await world.warp(SETTINGS.votingPeriod + SETTINGS.lateQuorumExtension)
    expect(await world.read('ModelGovernor', 'state', [proposalId])).toBe(DEFEATED)
    await expect(execute(world, actions)).rejects.toThrow('GovernorUnexpectedProposalState')
    expect(await world.balance(world.at.Treasury)).toBe(TREASURE)
    expect(await world.read('ModelRegistry', 'hasRole', [trainer, STRANGER.address])).toBe(false)
  })

  test('that locks its gOPEN has it locked until the decision can have been executed', async () => {
    const rented = 90_000n * ETHER
    await world.send(STRANGER, 'GOpen', 'deposit', [], rented)
    await world.send(STRANGER, 'GOpen', 'delegate', [STRANGER.address])
    await world.send(STRANGER, 'GOpen', 'lock', [rented])
    const { actions, proposalId } = await raid((TREASURE * BigInt(SHARE_PERCENT)) / 100n)
    await world.warp(SETTINGS.votingDelay + 1)
    await world.send(STRANGER, 'GOpen', 'requestUnlock', [rented]) // the first moment at which the votes count already
    expect(await vote(proposalId)).toMatchObject({ weight: rented })
    await world.warp(SETTINGS.votingPeriod + 1)
    expect(await world.read('ModelGovernor', 'state', [proposalId])).toBe(SUCCEEDED)
    await execute(world, actions)
    const unlock = async () => (await world.errorOf(STRANGER, 'GOpen', 'unlock', [STRANGER.address])).name
    expect(await unlock()).toBe('GOpen.StillLocked')
    expect((await withdrawal(rented)).name).toBe('GOpen.ERC20InsufficientBalance')
    await world.warp(SETTINGS.lateQuorumExtension + SETTINGS.votingDelay)
    expect(await unlock()).toBe('none')
  })

  test('that wins takes at most the treasury’s share of a period', async () => {
    await world.send(STRANGER, 'GOpen', 'deposit', [], 90_000n * ETHER)
    await world.send(STRANGER, 'GOpen', 'delegate', [STRANGER.address])
    await world.send(STRANGER, 'GOpen', 'lock', [90_000n * ETHER])
    const share = (TREASURE * BigInt(SHARE_PERCENT)) / 100n
    const [all, first, second] = [await raid(TREASURE), await raid(share), await raid(1n)]
    await world.warp(SETTINGS.votingDelay + 1)
    for (const { proposalId } of [all, first, second]) await vote(proposalId)
    await world.warp(SETTINGS.votingPeriod + 1)
    await world.warp(PERIOD - ((await world.now()) % PERIOD)) // the beginning of a period
    await execute(world, first.actions)
    await expect(execute(world, second.actions)).rejects.toThrow('Treasury.ExceedsPeriodShare')
    await expect(execute(world, all.actions)).rejects.toThrow()
    expect(await world.balance(world.at.Treasury)).toBe(TREASURE - share)
    const timelock = await world.impersonate(world.at.TimelockController)
    const owe = await world.errorOf(timelock, 'Treasury', 'pay', [STRANGER.address, 1n])
    expect(owe.name).toBe('Treasury.ExceedsPeriodShare')
    expect(owe.args.slice(0, 2)).toEqual([1n, 0n])
    await world.warp(PERIOD)
    expect((await world.errorOf(timelock, 'Treasury', 'pay', [STRANGER.address, 1n])).name).toBe('none')
  })
})

describe('votes', () => {
  test('come with the lock, leave with the request to unlock, and no transfer moves them', async () => {
    expect(await votesOf(ALICE)).toBe(VOTES)
    await world.send(ALICE, 'GOpen', 'transfer', [BOB.address, 50n * ETHER])
    expect([await votesOf(ALICE), await votesOf(BOB)]).toEqual([VOTES, VOTES])
    const { events } = await world.send(ALICE, 'GOpen', 'requestUnlock', [VOTES - 1n])
    expect(events.find(({ name }) => name === 'UnlockRequested')?.args).toMatchObject({
      amount: VOTES - 1n,
      locked: 1n,
      availableAt: BigInt(await world.now()) + UNLOCK_DELAY,
    })
    expect(await votesOf(ALICE)).toBe(1n)
    expect(await world.read('GOpen', 'unlockDelay', [])).toBe(UNLOCK_DELAY)
  })

  test('are refused for nothing, for more than is there, and before the time', async () => {
    const refusal = async (name: 'lock' | 'requestUnlock', amount: bigint) =>
      (await world.errorOf(ALICE, 'GOpen', name, [amount])).name
    expect(await refusal('lock', 0n)).toBe('GOpen.ZeroAmount')
    expect(await refusal('lock', 1_000n * ETHER)).toBe('GOpen.ERC20InsufficientBalance')
    expect(await refusal('requestUnlock', 0n)).toBe('GOpen.ZeroAmount')
    expect(await refusal('requestUnlock', VOTES + 1n)).toBe('GOpen.InsufficientLocked')
    expect((await world.errorOf(ALICE, 'GOpen', 'unlock', [ALICE.address])).name).toBe('GOpen.StillLocked')
  })

  test('are a share of the whole supply: locking changes no quorum', async () => {
    const quorum = async () => world.read('ModelGovernor', 'quorum', [BigInt((await world.now()) - 1)])
    const before = await quorum()
    await world.send(CAROL, 'GOpen', 'lock', [500n * ETHER])
    await world.mine()
    expect(await quorum()).toBe(before)
    await world.send(CAROL, 'GOpen', 'withdraw', [100n * ETHER])
    await world.mine()
    expect(before - (await quorum())).toBe(10n * ETHER)
  })

  test('are what the delegators have locked, and the token holds all that is locked, after any actions', async () => {
    const people = [HOLDER, ALICE, BOB]
    const action = fc.record({
      kind: fc.constantFrom('lock', 'lock', 'requestUnlock', 'unlock', 'delegate', 'transfer', 'withdraw', 'wait'),
      who: fc.nat(2),
      other: fc.nat(2),
      amount: fc.bigInt(1n, 600n).map((whole) => whole * ETHER),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 15 }), async (actions) => {
        await world.undone(async () => {
          for (const { kind, who, other, amount } of actions) {
            const [from, to] = [must(people[who]), must(people[other]).address]
            if (kind === 'wait') {
              await world.warp(700)
              continue
            }
            const special: Record<string, unknown[]> = { delegate: [to], unlock: [to], transfer: [to, amount] }
            const call = [kind, special[kind] ?? [amount]] as unknown as ['lock', [bigint]] // the pairs of names and arguments that the table makes fit
            if ((await world.errorOf(from, 'GOpen', ...call)).name === 'none') await world.send(from, 'GOpen', ...call)
          }
          const units = new Map<string, bigint>()
          let held = 0n
          for (const { address } of [...people, PROPOSER]) {
            const locked = await world.read('GOpen', 'lockedOf', [address])
            const [unlocking] = await world.read('GOpen', 'unlockings', [address])
            const delegate = await world.read('GOpen', 'delegates', [address])
            units.set(delegate, (units.get(delegate) ?? 0n) + locked)
            held += locked + unlocking
          }
          for (const [delegate, sum] of units)
            expect(await world.read('GOpen', 'getVotes', [delegate as Hex])).toBe(sum)
          expect(await world.balance(world.at.GOpen)).toBe(held)
        })
      }),
      { numRuns: 20, seed: 8 },
    )
  })
})
