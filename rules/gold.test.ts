import { expect, test } from 'vitest'
import { decayRecord, EMPTY_RECORD, failsBeyondChance, recordGold, skill } from './gold.ts'

const ONE = 1_000_000n

test('skill: sure and right rises to one, ignorance and boasting stay at zero, luck is no skill', () => {
  const after = (n: number, right: (i: number) => boolean, confidence: number) => {
    let record = EMPTY_RECORD
    for (let i = 0; i < n; i++) record = recordGold(record, { right: right(i), confidence, epoch: 1n })
    return skill(record)
  }
  expect(after(0, () => true, 0)).toBe(0n)
  expect(after(1, () => true, 100)).toBe(200_000n)
  expect(after(96, () => true, 100)).toBe(960_000n)
  expect(after(50, () => true, 50)).toBe(0n)
  expect(after(50, (i) => i % 2 === 0, 100)).toBe(0n)
  expect(after(96, (i) => i % 10 !== 0, 90) > 550_000n).toBe(true)
  for (const confidence of [-1, 101, 50.5])
    expect(() => recordGold(EMPTY_RECORD, { right: true, confidence, epoch: 1n })).toThrow(/whole number from 0 to 100/)
})

test('results worse than random are zero skill, not negative skill', () => {
  const record = (squaredError: bigint) => skill({ epoch: 1n, tasks: ONE, squaredError: squaredError * ONE })
  expect([2_499n, 2_500n, 2_501n, 10_000n].map(record)).toEqual([80n, 0n, 0n, 0n])
})

test('more failures than answers, or fewer than none, are refused', () => {
  expect(() => failsBeyondChance(2n, 1n, 1n, 1n)).toThrow('2 of 1 gold tasks cannot have failed')
  expect(() => failsBeyondChance(-1n, 1n, 1n, 1n)).toThrow('-1 of 1 gold tasks cannot have failed')
})

test('the binomial tail is exact', () => {
  // P(X ≥ 10 | 20, 0.2) = 0.002594827...
  expect(failsBeyondChance(10n, 20n, 200_000n, 2_594n)).toBe(false)
  expect(failsBeyondChance(10n, 20n, 200_000n, 2_595n)).toBe(true)
  expect(failsBeyondChance(0n, 0n, 200_000n, 10_000n)).toBe(false)
  expect(failsBeyondChance(3n, 3n, 200_000n, 8_000n)).toBe(false)
  expect(failsBeyondChance(3n, 3n, 200_000n, 8_001n)).toBe(true)
})

test('a record loses 5 % in each epoch, and an answer of an earlier epoch counts as of now', () => {
  const right = { right: true, confidence: 100 }
  const wrong = { right: false, confidence: 60 }
  const one = recordGold(EMPTY_RECORD, { ...wrong, epoch: 3n })
  expect(one).toEqual({ epoch: 3n, tasks: ONE, squaredError: 3_600n * ONE })
  const two = recordGold(one, { ...right, epoch: 4n })
  expect(two).toEqual({ epoch: 4n, tasks: 1_950_000n, squaredError: 3_420n * ONE })
  expect(recordGold(two, { ...right, epoch: 1n })).toEqual({ ...two, tasks: 2_950_000n })
  expect(decayRecord(two, 2n)).toEqual(two)
  expect(decayRecord(two, 5n)).toEqual({ epoch: 5n, tasks: 1_852_500n, squaredError: 3_249n * ONE })
})
