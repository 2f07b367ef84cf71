import fc from 'fast-check'
import type { Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES, type ProposalHistory, proposalState, quorumOf, tally, type VoteCast } from '#rules/tally.ts'
import { propose, startVotingWorld } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, HOLDER, hashOf, PROPOSER, SETTINGS, STRANGER, type World } from './world.ts'

/** Rule 1 agrees with the Governor: random actions on a real EVM, compared after each step. */

let world: World
beforeAll(async () => {
  world = await startVotingWorld()
})
restoreWorld(() => world)

describe('rule 1', () => {
  const voters = [PROPOSER, HOLDER, ALICE, BOB]
  const action = fc.oneof(
    fc.record({ kind: fc.constant('vote' as const), voter: fc.nat(3), support: fc.nat(2) }),
    fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 99, 100, 900, 1_000) }),
    fc.record({ kind: fc.constantFrom('queue' as const, 'execute' as const, 'cancel' as const, 'veto' as const) }),
  )

  test('a proposal is, after every action, in the state that the Governor reports', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 10 }), (actions) =>
        world.undone(async () => {
          const played = await openProposal()
          for (const one of actions) {
            await act(played, one)
            seen.add(await compare(played))
          }
        }),
      ),
      { numRuns: 30, seed: 20_261_128 },
    )
    // Random actions rarely produce a vote that passes, is queued and executed, or vetoed by the timelock.
    for (const end of ['execute', 'veto'] as const)
      await world.undone(async () => {
        const played = await openProposal()
        await act(played, { kind: 'wait', seconds: 100 })
        await act(played, { kind: 'vote', voter: 1, support: 1 })
        for (const one of [
          { kind: 'wait', seconds: 1_000 },
          { kind: 'queue' },
          { kind: 'wait', seconds: 100 },
          { kind: end },
        ] as const) {
          await act(played, one)
          seen.add(await compare(played))
        }
      })
    expect([...seen].sort()).toEqual(PROPOSAL_STATES.filter((state) => state !== 'Expired').sort())
  })

  type Played = {
    id: bigint
    args: readonly [readonly Hex[], readonly bigint[], readonly Hex[], Hex]
    history: ProposalHistory
    votes: VoteCast[]
    operation: Hex | undefined
  }

  async function openProposal(): Promise<Played> {
    const { proposalId: id, actions } = await propose(world, { budget: 0n })
    const [targets, values, calldatas, description] = actions
    const { block } = await world.send(PROPOSER, 'ModelGovernor', 'propose', [...actions])
    const snapshot = await world.read('ModelGovernor', 'proposalSnapshot', [id])
    const deadline = await world.read('ModelGovernor', 'proposalDeadline', [id])
    // The supply does not change here, so the supply now is the supply at the snapshot.
    const supply = await world.read('GOpen', 'totalSupply', [])
    const quorum = quorumOf(supply, BigInt(SETTINGS.quorumPercent))
    const history = {
      clock: 'timestamp',
      created: block,
      snapshot,
      deadline,
      quorum,
      extensions: [],
      timelock: {},
    } as const
    return { id, args: [targets, values, calldatas, hashOf(description)], history, votes: [], operation: undefined }
  }

  /** Tries an action and records its events; the Governor may refuse it. */
  async function act(played: Played, one: { kind: string; voter?: number; support?: number; seconds?: number }) {
    if (one.kind === 'wait') return world.warp(one.seconds ?? 1)
    if (one.kind === 'veto') {
      if (played.operation === undefined) return
      const governor = await world.impersonate(world.at.ModelGovernor)
      const { name } = await world.errorOf(governor, 'TimelockController', 'cancel', [played.operation])
      if (name !== 'none') return
      const { block } = await world.send(governor, 'TimelockController', 'cancel', [played.operation])
      played.history = { ...played.history, timelock: { canceled: block } }
      return
    }
    const [from, functionName, args] =
      one.kind === 'vote'
        ? ([voters[one.voter ?? 0] ?? HOLDER, 'castVote', [played.id, one.support ?? 0]] as const)
        : ([PROPOSER, one.kind as 'queue' | 'execute' | 'cancel', played.args] as const)
    const { name } = await world.errorOf(from, 'ModelGovernor', functionName, args)
    if (name !== 'none') return
    const { block, events } = await world.send(from, 'ModelGovernor', functionName, args)
    for (const event of events) {
      if (event.name === 'VoteCast') {
        const { voter, support, weight } = event.args
        played.votes.push({ voter, support, weight, block })
      } else if (event.name === 'ProposalExtended') {
        const extensions = [{ block, deadline: BigInt(event.args.extendedDeadline) }]
        played.history = { ...played.history, extensions }
      } else if (event.name === 'ProposalQueued')
        played.history = { ...played.history, queued: { block, eta: event.args.etaSeconds } }
      else if (event.name === 'ProposalExecuted') played.history = { ...played.history, executed: block }
      else if (event.name === 'ProposalCanceled') played.history = { ...played.history, canceled: block }
      else if (event.name === 'CallScheduled') played.operation = event.args.id
    }
  }

  /** The state by the contract, by the events, and by a table row. */
  async function compare({ id, history, votes }: Played): Promise<string> {
    const { number, timestamp } = await world.client.getBlock()
    const state = PROPOSAL_STATES[await world.read('ModelGovernor', 'state', [id])]
    expect(proposalState(history, votes, { block: number, time: timestamp })).toBe(state)
    const cast = tally(votes)
    const row = {
      voteStart: Number(history.snapshot),
      voteEnd: Number(history.extensions?.[0]?.deadline ?? history.deadline),
      againstVotes: cast.against,
      forVotes: cast.for,
      abstainVotes: cast.abstain,
      canceled: history.canceled !== undefined || history.timelock?.canceled !== undefined,
      executed: history.executed !== undefined,
      eta: history.queued ? new Date(Number(history.queued.eta) * 1000) : null,
    }
    const governor = {
      clock: 'Timestamp',
      counting: 'ForAbstain',
      quorumDenominator: 100n,
      fixedQuorum: null,
      gracePeriod: null,
    } as const
    const now = { block: Number(number), time: new Date(Number(timestamp) * 1000) }
    expect(stateOfStored(row, governor, history.quorum, now)).toBe(state)
    return String(state)
  }

  test('the quorum is the fraction of the supply at the snapshot', async () => {
    for (const wei of [1n, 9n, 10n, 12_345n]) {
      await world.send(STRANGER, 'GOpen', 'withdraw', [wei])
      const at = BigInt(await world.now())
      const supply = await world.read('GOpen', 'totalSupply', [])
      await world.mine()
      expect(await world.read('ModelGovernor', 'quorum', [at])).toBe(quorumOf(supply, BigInt(SETTINGS.quorumPercent)))
    }
  })
})
