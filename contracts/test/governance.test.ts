import fc from 'fast-check'
import { encodeAbiParameters, type Hex, keccak256, toHex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { beforeAll, describe, expect, test } from 'vitest'
import { type BondEnd, settleBond, turnoutWithout } from '#rules/bond.ts'
import type { VoteCast } from '#rules/tally.ts'
import { must } from '#test/must.ts'
import { DEADLINE, execute, mandate, openVote, propose, SPLIT, startVotingWorld, TERMS, VOTES } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, CAROL, ETHER, GENESIS, HOLDER, hashOf, PROPOSER, STRANGER, type World } from './world.ts'

const BOND = 10n * ETHER
const [AGAINST, FOR, ABSTAIN] = [0, 1, 2]
const SUCCEEDED = 4

let world: World
beforeAll(async () => {
  world = await startVotingWorld()
})
restoreWorld(() => world)

const tryPropose = (terms: object, bond = BOND, spec = hashOf('s')) =>
  world.errorOf(PROPOSER, 'ModelRegistry', 'propose', [spec, 'uri', { ...TERMS, ...terms }, bond])
const resolve = (modelId: bigint) => world.send(STRANGER, 'ModelRegistry', 'resolveBond', [modelId])
const resolveError = async (modelId: bigint) =>
  (await world.errorOf(STRANGER, 'ModelRegistry', 'resolveBond', [modelId])).name

describe('a proposal', () => {
  test('locks its bond and publishes terms, targets and the planned vote', async () => {
    const before = await world.balance(PROPOSER.address)
    const { modelId, proposalId, actions, events } = await propose(world)
    expect(before - (await world.balance(PROPOSER.address))).toBe(BOND)
    expect(events.map((event) => event.name)).toEqual([
      'ModelProposed',
      'TargetSet',
      'TargetSet',
      'SplitSet',
      'Transfer',
    ])
    expect(events[3]).toMatchObject({ args: { modelId, split: SPLIT } })
    const [targets, values, calldatas, description] = actions
    expect(targets.map((target) => target.toLowerCase())).toEqual([
      world.at.Treasury.toLowerCase(),
      world.at.ModelRegistry.toLowerCase(),
    ])
    expect(await world.read('ModelGovernor', 'getProposalId', [targets, values, calldatas, hashOf(description)])).toBe(
      proposalId,
    )
    expect(description.endsWith(`#proposer=${PROPOSER.address.toLowerCase()}`)).toBe(true)
  })

  test('without budget has the one action that issues the mandate', async () => {
    const { actions } = await propose(world, { budget: 0n })
    expect(actions[0]).toEqual([world.at.ModelRegistry])
  })

  test('binds its terms: other terms give another proposal', async () => {
    const first = await world.undone(() => propose(world))
    const second = await propose(world, { split: { ...SPLIT, owner: 999, stakers: 1_001 } })
    expect(second.modelId).toBe(first.modelId)
    expect(second.proposalId).not.toBe(first.proposalId)
  })

  test.each([
    ['EmptyHash', {}, BOND, `0x${'0'.repeat(64)}`],
    ['EmptyHash', { rubricHash: `0x${'0'.repeat(64)}` }, BOND, hashOf('s')],
    ['BondTooSmall', {}, BOND - 1n, hashOf('s')],
    ['DeadlinePassed', { deadline: BigInt(GENESIS) }, BOND, hashOf('s')],
    ['BadTargetCount', { targets: [] }, BOND, hashOf('s')],
    ['BadTargetCount', { targets: Array(17).fill({ metric: 'm', minimum: 0n, mayFall: false }) }, BOND, hashOf('s')],
    ['EmptyMetric', { targets: [{ metric: '', minimum: 0n, mayFall: false }] }, BOND, hashOf('s')],
    ['SplitSum', { split: { ...SPLIT, owner: 1_001 } }, BOND, hashOf('s')],
    ['ShareTooLarge', { split: { ...SPLIT, platform: 10_001 } }, BOND, hashOf('s')],
    ['ShareTooLarge', { split: { ...SPLIT, ancestors: 3_001 } }, BOND, hashOf('s')],
    ['ShareTooLarge', { split: { ...SPLIT, dataByWeight: 10_001 } }, BOND, hashOf('s')],
  ] as const)('is refused with %s', async (error, terms, bond, spec) => {
    expect((await tryPropose(terms, bond, spec as Hex)).name).toBe(`ModelRegistry.${error}`)
  })

  test('names a place of its specification of at most 2,048 bytes', async () => {
    const tryUri = async (length: number) =>
      (await world.errorOf(PROPOSER, 'ModelRegistry', 'propose', [hashOf('s'), 'x'.repeat(length), TERMS, BOND - 1n]))
        .name
    expect(await tryUri(2_049)).toBe('ModelRegistry.UriTooLong')
    expect(await tryUri(2_048)).toBe('ModelRegistry.BondTooSmall')
  })

  test('cannot be opened by anybody but its proposer', async () => {
    const { actions } = await propose(world)
    const { name } = await world.errorOf(HOLDER, 'ModelGovernor', 'propose', [...actions])
    expect(name).toBe('ModelGovernor.GovernorRestrictedProposer')
  })

  test('of an unknown model has no actions', async () => {
    await expect(world.read('ModelRegistry', 'proposalActions', [7n])).rejects.toThrow('UnknownModel')
  })
})

describe('a mandate', () => {
  test('is issued by the vote, funded by the treasury, and cannot be issued twice', async () => {
    const { modelId, proposalId, actions } = await propose(world)
    await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, TERMS.budget])
    await openVote(world, actions)
    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    const { events } = await execute(world, actions)
    expect(events.map((event) => event.name)).toEqual(
      expect.arrayContaining(['Paid', 'MandateIssued', 'MandateFunded', 'CallExecuted', 'ProposalExecuted']),
    )
    const [model] = await world.read('ModelRegistry', 'getModel', [modelId])
    expect(model).toMatchObject({ issued: true, funds: TERMS.budget })
    const timelock = await world.impersonate(world.at.TimelockController)
    expect((await world.errorOf(timelock, 'ModelRegistry', 'issueMandate', [modelId])).name).toBe(
      'ModelRegistry.AlreadyIssued',
    )
  })

  test('needs the timelock, the model’s own vote, a future deadline and enough money in the treasury', async () => {
    const { modelId, proposalId, actions } = await propose(world, { deadline: BigInt(GENESIS + 5_000) })
    const timelock = await world.impersonate(world.at.TimelockController)
    const issue = async (from: Hex) => (await world.errorOf(from, 'ModelRegistry', 'issueMandate', [modelId])).name
    expect(await issue(PROPOSER.address)).toBe('ModelRegistry.OnlyTimelock')
    expect(await issue(timelock)).toBe('ModelRegistry.ProposalNotExecuted')
    await openVote(world, actions)
    expect(await issue(timelock)).toBe('ModelRegistry.ProposalNotExecuted')
    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    await expect(execute(world, actions)).rejects.toThrow('Treasury.InsufficientTreasury')
    await world.warp(5_000)
    expect(await issue(timelock)).toBe('ModelRegistry.DeadlinePassed')
  })

  test('keeps its budget separate from bonds and stakes', async () => {
    const { modelId, actions, proposalId } = await propose(world)
    await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, TERMS.budget])
    await world.send(CAROL, 'ModelRegistry', 'stake', [modelId, 500n * ETHER])
    await openVote(world, actions)
    await world.send(ALICE, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    await execute(world, actions)
    expect(await world.read('ModelRegistry', 'accounted', [])).toBe(BOND + 500n * ETHER + TERMS.budget)
    expect(await world.balance(world.at.ModelRegistry)).toBe(BOND + 500n * ETHER + TERMS.budget)
  })

  test('is not issued on money that belongs to others', async () => {
    const { modelId, actions, proposalId } = await propose(world, { budget: 0n })
    // The stored budget is overwritten, so that it includes the bond that the contract holds.
    const slot = await budgetSlot(modelId)
    await world.rpc('anvil_setStorageAt', [world.at.ModelRegistry, slot, toHex(BOND, { size: 32 })])
    const [model] = await world.read('ModelRegistry', 'getModel', [modelId])
    expect(model.budget).toBe(BOND)
    await openVote(world, actions)
    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    await expect(execute(world, actions)).rejects.toThrow('ModelRegistry.BudgetNotFunded')
  })
})

/** The storage slot of a model's budget: one word after its bond in the struct. */
async function budgetSlot(modelId: bigint): Promise<Hex> {
  const address = world.at.ModelRegistry
  for (let place = 0n; place < 16n; place++) {
    const key = encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [modelId, place])
    const bond = BigInt(keccak256(key)) + 2n
    if (BigInt((await world.client.getStorageAt({ address, slot: toHex(bond) })) ?? 0) === BOND) return toHex(bond + 1n)
  }
  throw new Error('the registry keeps its models elsewhere')
}

describe('the bond', () => {
  test('cannot be settled before its outcome is known, and not twice', async () => {
    const { modelId, actions, proposalId } = await propose(world)
    expect(await resolveError(99n)).toBe('ModelRegistry.UnknownModel')
    expect(await resolveError(modelId)).toBe('ModelRegistry.FateUnknown')
    await world.send(PROPOSER, 'ModelGovernor', 'propose', [...actions])
    expect(await resolveError(modelId)).toBe('ModelRegistry.FateUnknown')
    await world.warp(101)
    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, AGAINST])
    expect(await resolveError(modelId)).toBe('ModelRegistry.FateUnknown')
    await world.warp(1_001)
    const { events } = await resolve(modelId)
    expect(events[0]).toMatchObject({ name: 'BondReturned', args: { modelId, amount: BOND, reason: 'quorum' } })
    expect(await resolveError(modelId)).toBe('ModelRegistry.BondAlreadySettled')
  })

  test('comes back less 5 % when the proposer cancels before voting starts', async () => {
    const { modelId, actions } = await propose(world, {}, BOND + 19n)
    const [targets, values, calldatas, description] = actions
    await world.send(PROPOSER, 'ModelGovernor', 'propose', [...actions])
    await world.send(PROPOSER, 'ModelGovernor', 'cancel', [targets, values, calldatas, hashOf(description)])
    await expectSettlement(modelId, BOND + 19n, 'cancelled', 0n)
  })

  test('comes back less 5 % when no vote is opened by the deadline', async () => {
    const { modelId } = await propose(world, { deadline: BigInt(GENESIS + 5_000) })
    await world.warp(5_000)
    await expectSettlement(modelId, BOND, 'unproposed', 0n)
  })

  test('waits while a vote that the proposer alone carried may still be executed; comes back when it expires', async () => {
    const { modelId, actions, proposalId } = await propose(world, { deadline: BigInt(GENESIS + 5_000) })
    await openVote(world, actions)
    await world.send(PROPOSER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    expect(await world.read('ModelGovernor', 'state', [proposalId])).toBe(SUCCEEDED)
    expect(await resolveError(modelId)).toBe('ModelRegistry.FateUnknown')
    await world.warp(5_000)
    await expectSettlement(modelId, BOND, 'expired', 0n)
  })

  test('is slashed for missing turnout when the proposer alone carried it into execution', async () => {
    const { modelId, actions, proposalId } = await propose(world, { budget: 0n })
    await openVote(world, actions)
    await world.send(PROPOSER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    await execute(world, actions)
    await expectSettlement(modelId, BOND, 'voted', 0n)
  })

  test('follows the turnout when the timelock cancels what was queued', async () => {
    const { modelId, actions, proposalId } = await propose(world)
    const [targets, values, calldatas, description] = actions
    await openVote(world, actions)
    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    await world.warp(1_001)
    const queued = await world.send(HOLDER, 'ModelGovernor', 'queue', [targets, values, calldatas, hashOf(description)])
    const scheduled = queued.events.find((event) => event.name === 'CallScheduled')
    const governor = await world.impersonate(world.at.ModelGovernor)
    await world.send(governor, 'TimelockController', 'cancel', [(must(scheduled).args as { id: Hex }).id])
    await expectSettlement(modelId, BOND, 'voted', VOTES)
  })

  test('equals rule 2 for any turnout', async () => {
    const share = fc.record({ wei: fc.bigInt(0n, 500n * ETHER), support: fc.constantFrom(AGAINST, FOR, ABSTAIN, null) })
    await fc.assert(
      fc.asyncProperty(share, share, fc.boolean(), fc.bigInt(BOND, 20n * ETHER), async (one, two, own, bond) => {
        await world.undone(async () => {
          for (const [voter, { wei }] of [
            [ALICE, one],
            [BOB, two],
          ] as const)
            await world.send(voter, 'GOpen', 'requestUnlock', [VOTES - wei])
          const { modelId, actions, proposalId } = await propose(world, { budget: 0n }, bond)
          await openVote(world, actions)
          const votes: VoteCast[] = []
          const vote = async (voter: HDAccount, support: number) => {
            const { events, block } = await world.send(voter, 'ModelGovernor', 'castVote', [proposalId, support])
            for (const event of events)
              if (event.name === 'VoteCast')
                votes.push({ voter: event.args.voter, support, weight: event.args.weight, block })
          }
          if (one.support !== null) await vote(ALICE, one.support)
          if (two.support !== null) await vote(BOB, two.support)
          if (own) await vote(PROPOSER, AGAINST)
          const cast = turnoutWithout(PROPOSER.address, votes)
          await world.warp(1_001)
          const carried = (await world.read('ModelGovernor', 'state', [proposalId])) === SUCCEEDED
          if (carried) await execute(world, actions)
          await expectSettlement(modelId, bond, 'voted', cast)
        })
      }),
      { numRuns: 20, seed: 20_261_120 },
    )
  })

  async function expectSettlement(modelId: bigint, bond: bigint, end: BondEnd, turnout: bigint) {
    const quorum = 900n * ETHER
    const rule = settleBond({ bond, end, turnout, quorum })
    const [proposer, treasury] = [await world.balance(PROPOSER.address), await world.balance(world.at.Treasury)]
    const { events } = await resolve(modelId)
    expect((await world.balance(PROPOSER.address)) - proposer).toBe(rule.returned)
    expect((await world.balance(world.at.Treasury)) - treasury).toBe(rule.slashed)
    expect(events.find((event) => event.name === 'BondReturned')?.args).toMatchObject({
      amount: rule.returned,
      reason: rule.reason,
    })
    const slash = events.find((event) => event.name === 'BondSlashed')?.args
    if (rule.slashed > 0n) expect(slash).toMatchObject({ amount: rule.slashed, reason: rule.reason })
    else expect(slash).toBeUndefined()
    expect(await world.read('ModelRegistry', 'accounted', [])).toBe(0n)
  }
})

describe('the governor', () => {
  test('changes its settings only by a vote', async () => {
    expect((await world.errorOf(HOLDER, 'ModelGovernor', 'setVotingPeriod', [5])).name).toBe(
      'ModelGovernor.GovernorOnlyExecutor',
    )
  })

  test('keeps voting open after a late quorum', async () => {
    const { actions, proposalId } = await propose(world)
    await openVote(world, actions)
    await world.warp(950)
    const { events } = await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, FOR])
    expect(events.map((event) => event.name)).toEqual(['VoteCast', 'ProposalExtended'])
  })

  test('runs a whole mandate', async () => {
    const modelId = await mandate(world, { deadline: DEADLINE })
    expect(await world.read('ModelRegistry', 'mandateIssued', [modelId])).toBe(true)
  })
})
