import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decidedBy, disputeFlows, disputeOutcome, outcomeCode } from './dispute.ts'

test('what can be recomputed is, the rest is voted on', () => {
  expect(decidedBy('rewardMap', 'root')).toBe('recomputation')
  expect(decidedBy('contribution', 'duplicate')).toBe('recomputation')
  expect(decidedBy('contribution', 'licence')).toBe('vote')
  for (const ground of ['settlement', 'gold', 'collusion']) expect(decidedBy('judgement', ground)).toBe('vote')
  expect(() => decidedBy('rewardMap', 'unfair')).toThrow(/Name one of: root/)
  expect(() => decidedBy('version', 'constructor')).toThrow(/cannot be disputed/)
})

test('a recomputation that agrees rejects, one that differs upholds', () => {
  expect(disputeOutcome('rewardMap', 'root', { by: 'recomputation', recorded: '0xAB', recomputed: '0xab' })).toBe(
    'rejected',
  )
  expect(disputeOutcome('rewardMap', 'root', { by: 'recomputation', recorded: '0xab', recomputed: '0xac' })).toBe(
    'upheld',
  )
  expect(outcomeCode('upheld')).toBe(1)
})

test('no vote overrules arithmetic, and an open vote decides nothing', () => {
  expect(() => disputeOutcome('rewardMap', 'root', { by: 'vote', state: 'Executed' })).toThrow(
    /decided by recomputation/,
  )
  const vote = (state: string) => disputeOutcome('contribution', 'licence', { by: 'vote', state })
  expect([vote('Executed'), vote('Defeated'), vote('Expired'), vote('Queued')]).toEqual([
    'upheld',
    'rejected',
    'rejected',
    null,
  ])
})

test('bond and slash go somewhere, to the wei', () => {
  const wei = fc.bigInt({ min: 0n, max: 10n ** 25n })
  fc.assert(
    fc.property(wei, wei, wei, fc.constantFrom('upheld' as const, 'rejected' as const), (bond, a, b, outcome) => {
      const [slash, stake] = a < b ? [a, b] : [b, a]
      const flows = disputeFlows({ outcome, bond, stake, slash })
      expect(flows.toChallenger + flows.toTreasury).toBe(bond + flows.slashed)
      expect(flows.slashed <= stake).toBe(true)
      if (outcome === 'upheld') expect(flows.toChallenger >= bond).toBe(true)
    }),
  )
  expect(() => disputeFlows({ outcome: 'upheld', bond: 1n, stake: 1n, slash: 2n })).toThrow(/Cannot slash/)
})
