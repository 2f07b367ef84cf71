import fc from 'fast-check'
import { getAddress, type Hex, toHex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EARLY_CANCEL_BPS, MAX_BOND_SLASH_BPS } from '#rules/bond.ts'
import { authorizerOf, channelConfig, channelId } from '#rules/channel.ts'
import { COMMITMENT_BLOCKS } from '#rules/commitments.ts'
import { MAX_PENALTY_BPS } from '#rules/feedback.ts'
import { leafHash, type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
import { judgeVersion, liveVersion, type MetricEvaluation } from '#rules/promotion.ts'
import { verdictCode } from '#rules/quality.ts'
import { COMMIT_STAGES, hasSeat, seatHash, stageAt } from '#rules/seats.ts'
import { checkTerms, MAX_ANCESTORS_BPS } from '#rules/split.ts'
import { stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES, type ProposalHistory, proposalState, quorumOf, tally, type VoteCast } from '#rules/tally.ts'
import { openRound } from './judge.ts'
import { evaluate, mandate, propose, RUBRIC, SPLIT, startVotingWorld, TERMS, version } from './mandate.ts'
import { fundEpoch, publicationOf } from './publication.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from './vouchers.ts'
import {
  ALICE,
  BOB,
  DEPLOYER,
  ETHER,
  HOLDER,
  HOST,
  hashOf,
  OPERATOR,
  PROPOSER,
  SETTINGS,
  STRANGER,
  type World,
} from './world.ts'

/** The rules that restate a contract agree with it: random actions on a real EVM, compared after each step. */

let world: World
let clean: Hex
beforeAll(async () => {
  world = await startVotingWorld()
})
afterAll(() => world?.anvil.stop())
beforeEach(async () => {
  clean = await world.snapshot()
})
afterEach(() => world.revert(clean))

/** Runs one example and reverts it. */
async function undone(play: () => Promise<void>): Promise<void> {
  const before = await world.snapshot()
  try {
    await play()
  } finally {
    await world.revert(before)
  }
}

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
        undone(async () => {
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
      await undone(async () => {
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

test('rules 2, 3, 5 and 8: the constants are those of the contracts', async () => {
  expect(await world.read('ModelRegistry', 'MAX_BOND_SLASH_BPS', [])).toBe(MAX_BOND_SLASH_BPS)
  expect(await world.read('ModelRegistry', 'EARLY_CANCEL_BPS', [])).toBe(EARLY_CANCEL_BPS)
  expect(await world.read('ModelRegistry', 'MAX_ANCESTORS_BPS', [])).toBe(MAX_ANCESTORS_BPS)
  expect(await world.read('FeedbackPool', 'MAX_PENALTY_BPS', [])).toBe(MAX_PENALTY_BPS)
  expect(await world.read('FeedbackPool', 'COMMIT_STAGES', [])).toBe(COMMIT_STAGES)
  expect(await world.read('DatanetRegistry', 'ACCEPTED', [])).toBe(verdictCode('accepted'))
  expect(await world.read('DatanetRegistry', 'REJECTED', [])).toBe(verdictCode('offTopic'))
  expect(await world.read('DatanetRegistry', 'COMMITMENT_BLOCKS', [])).toBe(COMMITMENT_BLOCKS)
})

test('rule 5: the contract draws the seats that the rule draws, in every stage', async () => {
  const stakes = [STRANGER, ALICE, BOB, HOST].map(({ address }, i) => ({ address, stake: 5n * ETHER * BigInt(i + 1) }))
  for (const { address, stake } of stakes) await world.send(address, 'FeedbackPool', 'stake', [stake])
  const modelId = await mandate(world)
  const versionId = await version(world, modelId, OPERATOR.address)
  const first = await openRound(world, modelId, versionId, { count: 12, seats: 2 })
  await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [1n])
  const { openedAt, commitDeadline, totalStake, seats, seed } = await world.read('FeedbackPool', 'getRound', [1n])
  expect(totalStake).toBe(50n * ETHER)
  const drawn: number[] = []
  for (let seen = 0; seen < Number(COMMIT_STAGES); seen++) {
    const time = BigInt(await world.now())
    const stage = stageAt({ openedAt, commitDeadline }, time)
    expect(await world.read('FeedbackPool', 'stageAt', [1n, time])).toBe(stage)
    let count = 0
    for (const { address, stake } of stakes)
      for (let taskId = first; taskId < first + 12n; taskId++) {
        const expected = hasSeat(
          { seats: BigInt(seats), totalStake },
          { hash: seatHash(seed, taskId, address), stake, stage },
        )
        expect(await world.read('FeedbackPool', 'hasSeat', [taskId, address])).toBe(expected)
        if (expected) count++
      }
    drawn.push(count)
    await world.warp(20)
  }
  expect(drawn[0]).toBeLessThan(40)
  expect(drawn.at(-1)).toBe(48)
})

test('rule 8: the contract accepts exactly the terms that the rule accepts', async () => {
  const share = fc.constantFrom(0, 1, 1_000, 2_000, 3_000, 3_001, 4_000, 9_999, 10_000, 10_001, 65_535)
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        platform: share,
        ancestors: share,
        dataByWeight: share,
        owner: share,
        off: fc.constantFrom(0, 0, 0, 1, -1),
      }),
      async ({ off, ...some }) => {
        const rest = Math.max(0, 10_000 - some.owner + off)
        const split = { ...SPLIT, ...some, stakers: rest, data: 0, validators: 0, host: 0 }
        const { name } = await world.errorOf(PROPOSER, 'ModelRegistry', 'propose', [
          hashOf('specification'),
          'uri',
          { ...TERMS, split },
          10n * ETHER,
        ])
        const { unattributedByWeight, ...shares } = split
        const inBps = Object.fromEntries(Object.entries(shares).map(([key, value]) => [key, BigInt(value)]))
        const check = () => checkTerms({ ...(inBps as Record<keyof typeof shares, bigint>), unattributedByWeight })
        if (name === 'none') {
          accepted++
          check()
        } else expect(check, name).toThrow(RangeError)
      },
    ),
    { numRuns: 150, seed: 8 },
  )
  expect(accepted).toBeGreaterThan(10)
})

test('rule 10: a leaf has the hash that the contract gives it, and the rule accepts the proofs that the contract accepts', async () => {
  const people = [ALICE, BOB, HOLDER, STRANGER, DEPLOYER]
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt(0n, 2n ** 200n), { minLength: 1, maxLength: 5 }),
      fc.bigInt(1n, 2n ** 64n),
      async (amounts, epoch) => {
        const leaves = amounts.map(
          (cumulative, i): RewardLeaf => ({
            chain: BigInt(world.deployment.chainId),
            distributor: world.at.RewardDistributor,
            epoch,
            account: (people[i] ?? ALICE).address,
            cumulative,
          }),
        )
        const tree = new RewardTree(leaves)
        for (const [i, leaf] of leaves.entries()) {
          const hash = await world.read('RewardDistributor', 'leaf', [epoch, leaf.account, leaf.cumulative])
          expect(leafHash(leaf)).toBe(hash)
          expect(verifyProof(tree.root, leaf, tree.proof(i))).toBe(true)
        }
      },
    ),
    { numRuns: 25, seed: 10 },
  )
  // A claim: the contract's own check of a proof, right and wrong.
  await fundEpoch(world, 100n)
  const leaf = (cumulative: bigint): RewardLeaf => ({
    chain: BigInt(world.deployment.chainId),
    distributor: world.at.RewardDistributor,
    epoch: 1n,
    account: ALICE.address,
    cumulative,
  })
  const tree = new RewardTree([leaf(60n), { ...leaf(40n), account: BOB.address }])
  const published = await publicationOf(world, 1n, tree.root, 100n)
  await world.send(OPERATOR, 'RewardDistributor', 'publish', published)
  await world.warp(SETTINGS.challengeWindow + 1)
  for (const cumulative of [59n, 60n, 61n]) {
    const args = [1n, ALICE.address, cumulative, tree.proof(0)] as const
    const { name } = await world.errorOf(STRANGER, 'RewardDistributor', 'claim', args)
    const accepted = verifyProof(tree.root, leaf(cumulative), tree.proof(0))
    expect(name).toBe(accepted ? 'none' : 'RewardDistributor.BadProof')
  }
})

test('rule 7: channels have the ids that the contract gives them, and it redeems under exactly what the rule says to sign', async () => {
  const versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://one.example', 1n, 1n])
  const place = marketPlace(world)
  const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((given) => toHex(given))
  const some = fc.record({
    salt: hex(32),
    consumer: hex(20).map(getAddress),
    key: fc.constantFrom(ALICE, BOB, STRANGER),
    ceiling: fc.bigInt(1n, 2n ** 128n - 1n),
    off: fc.constantFrom(0n, 0n, 1n),
  })
  await fc.assert(
    fc.asyncProperty(some, ({ salt, consumer, key, ceiling, off }) =>
      undone(async () => {
        const channel = channelOf({ salt, consumer, key: key.address })
        const config = channelConfig(place, channel)
        expect(await world.read('InferenceMarket', 'authorizerOf', [1n])).toBe(
          getAddress(authorizerOf(place.market, 1n)),
        )
        expect(await world.read('InferenceMarket', 'channelId', [config])).toBe(channelId(place, channel))
        await depositCredit(world, channel, 1n, ALICE.address)
        const one = await redemption(world, channel, ceiling, { total: 1n })
        const signed = { channelId: channelId(place, channel), ceiling: ceiling - off }
        const signature = await signTestVoucher(world, key, signed)
        const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [[{ ...one, signature }]])
        expect(events[0]?.name).toBe(off === 0n ? 'Redeemed' : 'RedemptionFailed')
      }),
    ),
    { numRuns: 40, seed: 7 },
  )
})

describe('rule 15', () => {
  const metric = fc.record({
    metric: fc.constantFrom('accuracy', 'accuracy', 'margin', 'other'),
    lower: fc.constantFrom(-50_001n, -50_000n, 699_999n, 700_000n, 700_000n),
    width: fc.bigInt(0n, 100_000n),
  })

  test('a version meets its targets by the rule exactly when it does by the contract', async () => {
    const modelId = await mandate(world)
    const versionId = await version(world, modelId, OPERATOR.address)
    let met = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(metric, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (logs) =>
        undone(async () => {
          const evaluations: MetricEvaluation[] = []
          for (const log of logs) {
            const metrics = log.map(({ metric: name, lower, width }) => ({
              metric: name,
              score: lower + width / 2n,
              lower,
              upper: lower + width,
              n: 100n,
            }))
            const args = [versionId, RUBRIC, metrics, hashOf('log')] as const
            const { name } = await world.errorOf(OPERATOR, 'EvaluationRegistry', 'log', args)
            if (new Set(log.map((one) => one.metric)).size < log.length) {
              expect(name).toBe(`EvaluationRegistry.${evaluations.length > 0 ? 'AlreadyEvaluated' : 'RepeatedMetric'}`)
              continue
            }
            expect(name).toBe(evaluations.length > 0 ? 'EvaluationRegistry.AlreadyEvaluated' : 'none')
            if (name !== 'none') continue
            await world.send(OPERATOR, 'EvaluationRegistry', 'log', args)
            evaluations.push(...metrics.map((one, i) => ({ ...one, order: BigInt(evaluations.length + i) })))
          }
          const { promotable } = judgeVersion(TERMS.targets, evaluations)
          expect(await world.read('EvaluationRegistry', 'meets', [versionId, RUBRIC, TERMS.targets])).toBe(promotable)
          if (promotable) met++
        }),
      ),
      { numRuns: 150, seed: 15 },
    )
    expect(met).toBeGreaterThan(3)
  })

  test('a version is worse than the live one by the rule exactly when it is by the contract', async () => {
    const modelId = await mandate(world)
    const [live, next] = [
      await version(world, modelId, OPERATOR.address),
      await version(world, modelId, OPERATOR.address),
    ]
    const interval = fc.record({ lower: fc.bigInt(-60_000n, 60_000n), width: fc.bigInt(0n, 60_000n) })
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ live: interval, next: interval, mayFall: fc.boolean() }), { minLength: 1, maxLength: 3 }),
        (metrics) =>
          undone(async () => {
            const targets = metrics.map(({ mayFall }, i) => ({ metric: `m${i}`, minimum: -60_000n, mayFall }))
            const logged = async (id: bigint, side: 'live' | 'next'): Promise<MetricEvaluation[]> => {
              const rows = metrics.map((one, i) => {
                const { lower, width } = one[side]
                return { metric: `m${i}`, score: lower, lower, upper: lower + width, n: 9n }
              })
              await world.send(OPERATOR, 'EvaluationRegistry', 'log', [id, RUBRIC, rows, hashOf('log')])
              return rows.map((row) => ({ ...row, order: 0n }))
            }
            const { results } = judgeVersion(targets, await logged(next, 'next'), await logged(live, 'live'))
            const worse = results.find(({ verdict }) => verdict === 'worse')?.target.metric ?? ''
            expect(await world.read('EvaluationRegistry', 'worseAt', [next, live, RUBRIC, targets])).toBe(worse)
            seen.add(worse)
          }),
      ),
      { numRuns: 60, seed: 151 },
    )
    expect([...seen].sort()).toEqual(['', 'm0', 'm1', 'm2'])
  })

  test('the live version is the contract’s after any promotions and rollbacks', async () => {
    const modelId = await mandate(world)
    const timelock = await world.impersonate(world.at.TimelockController)
    const ids: bigint[] = []
    for (let i = 0; i < 4; i++) {
      ids.push(await version(world, modelId, OPERATOR.address))
      await evaluate(world, ids.at(-1) ?? 0n, OPERATOR.address)
    }
    const action = fc.record({ id: fc.constantFrom(...ids), rollback: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 10 }), (actions) =>
        undone(async () => {
          const [promoted, gone] = [new Set<bigint>(), new Set<bigint>()]
          for (const { id, rollback } of actions) {
            if (rollback) {
              if (gone.has(id)) continue
              await world.send(timelock, 'ModelRegistry', 'rollback', [id, 'worse'])
              gone.add(id)
            } else if ((await world.errorOf(STRANGER, 'ModelRegistry', 'promote', [id])).name === 'none') {
              await world.send(STRANGER, 'ModelRegistry', 'promote', [id])
              promoted.add(id)
            }
            const serving = [...promoted].filter((one) => !gone.has(one))
            expect(await world.read('ModelRegistry', 'liveVersion', [modelId])).toBe(liveVersion(serving) ?? 0n)
          }
        }),
      ),
      { numRuns: 40, seed: 16 },
    )
  })
})
