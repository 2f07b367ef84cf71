import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Counting,
  countedFor,
  declaresQuorum,
  QUORUM_CHANGED,
  quorumIn,
  type StoredProposal,
  stateOfStored,
  tallyOf,
} from './storedProposal.ts'

const governor: Counting = {
  clock: 'Timestamp',
  counting: 'ForAbstain',
  quorumDenominator: 100n,
  fixedQuorum: null,
  gracePeriod: null,
}
const row: StoredProposal = {
  voteStart: 10,
  voteEnd: 20,
  againstVotes: 1n,
  forVotes: 2n,
  abstainVotes: 4n,
  canceled: false,
  executed: false,
  eta: null,
}
const at = (block: number, seconds: number) => ({ block, time: new Date(seconds * 1000) })

test('votes are taken from the row, and the counted kinds from the Governor', () => {
  expect(tallyOf(row)).toEqual({ against: 1n, for: 2n, abstain: 4n })
  const counted = (['ForAbstain', 'For', 'All'] as const).map((counting) => countedFor({ counting }))
  expect(counted).toEqual(['for,abstain', 'for', 'for,against,abstain'])
})

test('a fixed quorum has priority over a fraction of the supply; without both there is none', () => {
  expect(quorumIn(governor, 1_001n, 4n)).toBe(40n)
  expect(quorumIn({ ...governor, fixedQuorum: 7n }, 1_001n, 4n)).toBe(7n)
  expect(quorumIn({ ...governor, fixedQuorum: 7n }, null, null)).toBe(7n)
  expect([quorumIn(governor, null, 4n), quorumIn(governor, 1_001n, null)]).toEqual([null, null])
  const [none, all] = [
    { ...governor, quorumDenominator: 0n },
    { ...governor, quorumDenominator: 1n },
  ]
  expect([quorumIn(none, 1_001n, 4n), quorumIn(governor, -1n, 4n), quorumIn(governor, 0n, 4n)]).toEqual([
    null,
    null,
    0n,
  ])
  expect([quorumIn(all, 2n ** 255n, 2n), quorumIn(all, 2n ** 256n - 1n, 1n)]).toEqual([null, 2n ** 256n - 1n])
})

describe('the state of a stored proposal', () => {
  test('a row with a block clock and without the time of its block', () => {
    const blocks = { ...governor, clock: 'BlockNumber' } as const
    expect(stateOfStored(row, blocks, 6n, { block: 10, time: null })).toBe('Pending')
    expect(stateOfStored(row, blocks, 6n, { block: 11, time: null })).toBe('Active')
    expect(stateOfStored(row, blocks, 6n, { block: 21, time: null })).toBe('Succeeded')
  })

  test('times are floored to seconds, as on the chain', () => {
    expect(stateOfStored(row, governor, 6n, { block: 0, time: new Date(10_999) })).toBe('Pending')
    expect(stateOfStored(row, governor, 6n, { block: 0, time: new Date(11_000) })).toBe('Active')
  })

  test('with enough votes in favour a proposal succeeds before its deadline; unknown, it matters until then', () => {
    const supers = { ...governor, hasSuperQuorum: true }
    const state = (superQuorum: bigint | null, seconds: number, changed: Partial<StoredProposal> = {}) =>
      stateOfStored({ ...row, superQuorum, ...changed }, supers, 6n, at(0, seconds))
    expect([state(2n, 15), state(3n, 15), state(null, 15)]).toEqual(['Succeeded', 'Active', null])
    expect(state(null, 15, { forVotes: 1n })).toBe('Active') // not more than against
    expect(state(null, 15, { eta: new Date(30_000) })).toBe('Queued')
    expect([state(3n, 21), state(null, 21)]).toEqual(['Succeeded', 'Succeeded'])
  })

  const amount = fc.bigInt({ min: 0n, max: 4n })
  const stored = fc.record({
    voteStart: fc.constant(10),
    voteEnd: fc.constant(20),
    againstVotes: amount,
    forVotes: amount,
    abstainVotes: amount,
    canceled: fc.boolean(),
    executed: fc.boolean(),
    eta: fc.option(fc.constant(new Date(30_000))),
  })
  const counts = fc.record({
    clock: fc.constantFrom('Timestamp' as const, 'BlockNumber' as const),
    counting: fc.constantFrom('ForAbstain' as const, 'For' as const, 'All' as const),
    quorumDenominator: fc.constant(100n),
    fixedQuorum: fc.constant(null),
    gracePeriod: fc.option(fc.constant(5)),
  })
  const moment = fc.tuple(fc.integer({ min: 8, max: 38 }), fc.integer({ min: 8, max: 38 })).map(([b, t]) => at(b, t))

  /** OpenZeppelin's Governor 5, as a simple model. */
  function plainly(p: StoredProposal, g: Counting, quorum: bigint, now: { block: number; time: Date }): string {
    const seconds = now.time.getTime() / 1000
    const clock = g.clock === 'Timestamp' ? seconds : now.block
    if (p.executed) return 'Executed'
    if (p.canceled) return 'Canceled'
    if (clock <= p.voteStart) return 'Pending'
    if (clock <= p.voteEnd) return 'Active'
    const all = p.forVotes + p.againstVotes + p.abstainVotes
    const counted = { For: p.forVotes, ForAbstain: p.forVotes + p.abstainVotes, All: all }[g.counting]
    if (p.forVotes <= p.againstVotes || counted < quorum) return 'Defeated'
    if (p.eta === null) return 'Succeeded'
    return g.gracePeriod !== null && seconds >= p.eta.getTime() / 1000 + g.gracePeriod ? 'Expired' : 'Queued'
  }

  test('equals that of the Governor, for every row and point in time', () => {
    fc.assert(
      fc.property(stored, counts, amount, moment, (p, g, quorum, now) => {
        expect(stateOfStored(p, g, quorum, now)).toBe(plainly(p, g, quorum, now))
      }),
      { numRuns: 1_000 },
    )
  })

  test('with an unknown quorum, is the state that every quorum gives; a queued proposal has reached it', () => {
    fc.assert(
      fc.property(stored, counts, moment, (p, g, now) => {
        const [reached, missed] = [0n, 13n].map((quorum) => plainly(p, g, quorum, now))
        expect(stateOfStored(p, g, null, now)).toBe(p.eta !== null || reached === missed ? reached : null)
      }),
      { numRuns: 1_000 },
    )
  })

  test('where the quorum changes without an event, a queued proposal need not have reached it', () => {
    expect(QUORUM_CHANGED).toMatch(/without an event/) // people read it
    fc.assert(
      fc.property(stored, counts, moment, (p, g, now) => {
        const [reached, missed] = [0n, 13n].map((quorum) => plainly(p, g, quorum, now))
        const changing = { ...g, quorumUnknown: QUORUM_CHANGED }
        expect(stateOfStored(p, changing, null, now)).toBe(reached === missed ? reached : null)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('a quorum follows from what a Governor declares unless the contract is asked, or its quorum is not known', () => {
  expect(declaresQuorum({ quorumUnknown: null, askedAt: null })).toBe(true)
  for (const other of [
    { askedAt: 7 },
    { quorumUnknown: QUORUM_CHANGED },
    { askedAt: 0, quorumUnknown: QUORUM_CHANGED },
  ])
    expect(declaresQuorum({ quorumUnknown: null, askedAt: null, ...other })).toBe(false)
})
