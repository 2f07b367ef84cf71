import { keccak256, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import { chanceFactor, hasSeat, seatHash, seatWeight, stageAt } from './seats.ts'

const round = { seats: 6n, totalStake: 120n }
const accountOf = (name: string) => `0x${keccak256(stringToBytes(name)).slice(-40)}` as const
const seed = keccak256(stringToBytes('seed'))
const draws = (stake: bigint, stage = 0n, name = 'account') =>
  Array.from({ length: 2_000 }, (_, i) =>
    hasSeat(round, { hash: seatHash(seed, BigInt(i), accountOf(name)), stake, stage }),
  )
const frequency = (drawn: boolean[]) => drawn.filter(Boolean).length / drawn.length

test('the commit phase has sixteen stages of equal length', () => {
  const times = { openedAt: 100n, commitDeadline: 260n }
  expect([100n, 109n, 110n, 139n, 249n, 250n, 260n, 999n].map((time) => stageAt(times, time))).toEqual([
    0n,
    0n,
    1n,
    3n,
    14n,
    15n,
    15n,
    15n,
  ])
  expect([0n, 1n, 4n, 15n].map(chanceFactor)).toEqual([1n, 2n, 16n, 32_768n])
})

test('the chance of a seat is proportional to the stake, and doubles from stage to stage', () => {
  expect(Math.abs(frequency(draws(2n)) - 0.1)).toBeLessThan(0.02)
  expect(Math.abs(frequency(draws(6n)) - 0.3)).toBeLessThan(0.035)
  expect(Math.abs(frequency(draws(2n, 2n)) - 0.4)).toBeLessThan(0.035)
  expect(frequency(draws(20n))).toBe(1)
  expect(frequency(draws(0n))).toBe(0)
  expect(frequency(draws(0n, 4n))).toBe(0)
  expect(hasSeat({ seats: 6n, totalStake: 0n }, { hash: 0n, stake: 0n, stage: 0n })).toBe(false)
})

test('a seat needs a hash below the chance, in whole parts of 2²⁵⁶ − 1', () => {
  const half = 2n ** 255n - 1n
  const drawn = (hash: bigint) => hasSeat({ seats: 1n, totalStake: 2n }, { hash, stake: 1n, stage: 0n })
  expect([0n, half - 1n, half].map(drawn)).toEqual([true, true, false])
})

test('who had a seat keeps it in later stages; tasks and accounts are drawn apart', () => {
  const [early, late] = [draws(2n), draws(2n, 1n)]
  expect(early.every((drawn, i) => !drawn || late[i])).toBe(true)
  const other = draws(6n, 0n, 'other')
  const both = draws(6n).filter((drawn, i) => drawn && other[i]).length / 2_000
  expect(Math.abs(both - 0.09)).toBeLessThan(0.03)
})

test('the expected weight is proportional to the stake', () => {
  expect(seatWeight(round, 2n, 0n)).toBe(1_000_000n)
  expect(seatWeight(round, 20n, 0n)).toBe(1_000_000n)
  expect(seatWeight(round, 30n, 0n)).toBe(1_500_000n)
  expect(seatWeight(round, 30n, 2n)).toBe(6_000_000n)
  expect(seatWeight({ ...round, totalStake: 0n }, 0n, 0n)).toBe(1_000_000n)
})
