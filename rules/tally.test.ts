import { describe, expect, test } from 'vitest'
import { deadlineAt, type ProposalHistory, proposalState, quorumOf, splitOf, tally, type VoteCast } from './tally.ts'

const vote = (voter: string, support: number, weight: bigint, block: bigint): VoteCast => ({
  voter,
  support,
  weight,
  block,
})
const at = (block: bigint, time = block * 12n) => ({ block, time })

const proposal: ProposalHistory = { clock: 'block', created: 10n, snapshot: 20n, deadline: 30n, quorum: 100n }

test('votes add up by kind, and later votes do not count', () => {
  const votes = [vote('a', 1, 5n, 21n), vote('b', 0, 3n, 22n), vote('c', 2, 7n, 23n), vote('d', 1, 11n, 24n)]
  expect(tally(votes)).toEqual({ for: 16n, against: 3n, abstain: 7n })
  expect(tally(votes, 23n)).toEqual({ for: 5n, against: 3n, abstain: 7n })
})

test('a fractional vote is read from its three packed uint128', () => {
  const word = (n: bigint) => n.toString(16).padStart(32, '0')
  const params = `0x${word(1n)}${word(2n)}${word(2n ** 127n)}`
  expect(tally([{ ...vote('a', 255, 3n + 2n ** 127n, 1n), params }])).toEqual({
    against: 1n,
    for: 2n,
    abstain: 2n ** 127n,
  })
  expect(tally([{ ...vote('a', 255, 0n, 1n), params: params.replace('80', 'fA') }]).abstain).toBe(0xfan << 120n)
  const digits = params.slice(2)
  for (const wrong of [undefined, '0x', digits, `0${params}`, `${params}00`, `0x${digits.replace('8', 'g')}`])
    expect(() => tally([{ ...vote('a', 255, 3n, 1n), params: wrong }])).toThrow(
      /support 255 .* counts votes in another way/,
    )
  // A nonce of 16 bytes may follow the parts.
  const parts = { against: 1n, for: 2n, abstain: 2n ** 127n }
  expect(splitOf(`${params}${'0a'.repeat(16)}`)).toEqual(parts)
  for (const wrong of ['0', '0a'.repeat(15), '0g'.repeat(16), '0a'.repeat(17)])
    expect(splitOf(params + wrong)).toBe(undefined)
  expect(() => tally([{ ...vote('a', 7, 3n, 1n), params }])).toThrow(/support 7/)
})

test('the quorum floors the fraction of the supply', () => {
  expect(quorumOf(1_001n, 4n)).toBe(40n)
})

describe('state by block clock', () => {
  const enough = [vote('a', 1, 60n, 21n), vote('b', 2, 40n, 25n)]

  test('pending through the snapshot block, active through the deadline block', () => {
    expect(proposalState(proposal, enough, at(20n))).toBe('Pending')
    expect(proposalState(proposal, enough, at(21n))).toBe('Active')
    expect(proposalState(proposal, enough, at(30n))).toBe('Active')
    expect(proposalState(proposal, enough, at(31n))).toBe('Succeeded')
  })

  test('abstentions reach the quorum but do not decide; a tie is a defeat', () => {
    expect(proposalState(proposal, [vote('a', 2, 100n, 21n)], at(31n))).toBe('Defeated')
    expect(proposalState(proposal, [vote('a', 1, 100n, 21n), vote('b', 0, 100n, 21n)], at(31n))).toBe('Defeated')
    expect(proposalState(proposal, [vote('a', 1, 99n, 21n), vote('b', 0, 98n, 21n)], at(31n))).toBe('Defeated')
  })

  test('counting modes differ in what reaches the quorum', () => {
    const votes = [vote('a', 1, 60n, 21n), vote('b', 0, 40n, 21n)]
    expect(proposalState(proposal, votes, at(31n))).toBe('Defeated')
    expect(proposalState({ ...proposal, counting: 'for,against,abstain' }, votes, at(31n))).toBe('Succeeded')
    expect(proposalState({ ...proposal, counting: 'for' }, enough, at(31n))).toBe('Defeated')
  })

  test('queue, execution and cancellation count only from their block on', () => {
    const passed: ProposalHistory = { ...proposal, queued: { block: 33n, eta: 500n }, executed: 40n }
    expect(proposalState(passed, enough, at(32n))).toBe('Succeeded')
    expect(proposalState(passed, enough, at(33n))).toBe('Queued')
    expect(proposalState(passed, enough, at(40n))).toBe('Executed')
    expect(proposalState({ ...proposal, canceled: 15n }, [], at(14n))).toBe('Pending')
    expect(proposalState({ ...proposal, canceled: 15n }, [], at(15n))).toBe('Canceled')
    expect(() => proposalState(proposal, [], at(9n))).toThrow(/created in block 10/)
  })

  test('direct actions of the timelock count', () => {
    const queued: ProposalHistory = { ...proposal, queued: { block: 33n, eta: 500n } }
    expect(proposalState({ ...queued, timelock: { executed: 50n } }, enough, at(49n))).toBe('Queued')
    expect(proposalState({ ...queued, timelock: { executed: 50n } }, enough, at(50n))).toBe('Executed')
    expect(proposalState({ ...queued, timelock: { canceled: 50n } }, enough, at(50n))).toBe('Canceled')
  })

  test('a grace period or a mandate deadline expires what was not executed', () => {
    const queued: ProposalHistory = { ...proposal, queued: { block: 33n, eta: 500n }, gracePeriod: 100n }
    expect(proposalState(queued, enough, at(49n, 599n))).toBe('Queued')
    expect(proposalState(queued, enough, at(49n, 600n))).toBe('Expired')
    expect(proposalState({ ...proposal, expiresAt: 400n }, enough, at(33n, 400n))).toBe('Succeeded')
    expect(proposalState({ ...proposal, expiresAt: 400n }, enough, at(34n, 401n))).toBe('Expired')
    expect(proposalState({ ...proposal, expiresAt: 1n }, [], at(34n, 401n))).toBe('Defeated')
  })

  test('a late quorum keeps the vote open, from the block of the extension on', () => {
    const extended: ProposalHistory = { ...proposal, extensions: [{ block: 29n, deadline: 39n }] }
    expect(proposalState(extended, enough, at(39n))).toBe('Active')
    expect(proposalState(extended, enough, at(40n))).toBe('Succeeded')
    const twice = [
      { block: 28n, deadline: 39n },
      { block: 29n, deadline: 35n },
    ]
    expect([27n, 28n, 29n].map((block) => deadlineAt({ ...proposal, extensions: twice }, block))).toEqual([
      30n,
      39n,
      39n,
    ])
    expect(deadlineAt({ ...proposal, extensions: [{ block: 5n, deadline: 29n }] }, 30n)).toBe(30n)
  })

  test('a super quorum ends the vote early, unless opposed', () => {
    const early: ProposalHistory = { ...proposal, superQuorum: 60n }
    expect(proposalState(early, enough, at(22n))).toBe('Succeeded')
    expect(proposalState(early, [...enough, vote('c', 0, 60n, 22n)], at(22n))).toBe('Active')
    expect(proposalState({ ...proposal, superQuorum: 61n }, enough, at(26n))).toBe('Active')
  })
})

test('a timestamp clock reads the time, not the block', () => {
  const timed: ProposalHistory = { ...proposal, clock: 'timestamp', snapshot: 1_000n, deadline: 2_000n }
  const votes = [vote('a', 1, 100n, 21n)]
  expect(proposalState(timed, votes, at(500n, 1_000n))).toBe('Pending')
  expect(proposalState(timed, votes, at(500n, 2_000n))).toBe('Active')
  expect(proposalState(timed, votes, at(500n, 2_001n))).toBe('Succeeded')
})

test('a proposal without votes and without quorum is still defeated: it needs more for than against', () => {
  expect(proposalState({ ...proposal, quorum: 0n }, [], at(31n))).toBe('Defeated')
})
