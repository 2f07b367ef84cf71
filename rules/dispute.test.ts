import { expect, test } from 'vitest'
import { type DisputeSubject, decidedBy, GROUNDS, recomputedOutcome, upheldSlash } from './dispute.ts'

test('recomputable grounds are recomputed, the others are voted on', () => {
  expect(decidedBy('RewardMap', 'root')).toBe('recomputation')
  expect(decidedBy('Contribution', 'duplicate')).toBe('recomputation')
  expect(decidedBy('Contribution', 'licence')).toBe('vote')
  for (const ground of ['settlement', 'gold', 'collusion']) expect(decidedBy('Judgement', ground)).toBe('vote')
  expect(() => decidedBy('RewardMap', 'unfair')).toThrow('Use one of: root.')
  expect(() => decidedBy('Judgement', 'root')).toThrow('Use one of: settlement, gold, collusion.')
  expect(() => decidedBy('Version', 'constructor')).toThrow(/cannot have the ground "constructor"/)
})

test('each subject has grounds, and each ground has a decider', () => {
  for (const [subject, grounds] of Object.entries(GROUNDS)) {
    expect(Object.keys(grounds).length).toBeGreaterThan(0)
    for (const ground of Object.keys(grounds))
      expect(['recomputation', 'vote']).toContain(decidedBy(subject as DisputeSubject, ground))
  }
})

test('a recomputation that agrees rejects, one that differs upholds', () => {
  expect(recomputedOutcome('RewardMap', 'root', { recorded: '0xAB', recomputed: '0xab' })).toBe('rejected')
  expect(recomputedOutcome('RewardMap', 'root', { recorded: '0xab', recomputed: '0xac' })).toBe('upheld')
})

test('recomputation does not decide grounds that are voted on', () => {
  expect(() => recomputedOutcome('Contribution', 'licence', { recorded: 'a', recomputed: 'b' })).toThrow(
    /decided by a vote/,
  )
})

test('an upheld dispute takes the whole stake of a contribution, and nothing where nothing is staked', () => {
  expect(upheldSlash('Contribution', 7n)).toBe(7n)
  expect(upheldSlash('Version', 7n)).toBe(0n)
  expect(upheldSlash('RewardMap', 7n)).toBe(0n)
})
