import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settleBond, turnoutWithout } from './bond.ts'

const bond = 1_000_000n

test('a proposer’s own votes do not release the bond', () => {
  const votes = [
    { voter: '0xAbC', support: 1, weight: 900n, block: 1n },
    { voter: '0xdef', support: 0, weight: 60n, block: 1n },
    { voter: '0x123', support: 2, weight: 40n, block: 1n },
  ]
  expect(turnoutWithout('0xaBc', votes)).toBe(100n)
})

test('at the quorum the whole bond is returned, even for a defeated proposal', () => {
  expect(settleBond({ bond, end: 'voted', turnout: 100n, quorum: 100n })).toEqual({
    returned: bond,
    slashed: 0n,
    reason: 'quorum',
  })
  expect(settleBond({ bond, end: 'voted', turnout: 0n, quorum: 0n }).slashed).toBe(0n)
})

test('below the quorum the missing share is taken, 20 % at most', () => {
  expect(settleBond({ bond, end: 'voted', turnout: 90n, quorum: 100n })).toEqual({
    returned: 900_000n,
    slashed: 100_000n,
    reason: 'turnout',
  })
  expect(settleBond({ bond, end: 'voted', turnout: 80n, quorum: 100n }).slashed).toBe(200_000n)
  expect(settleBond({ bond, end: 'voted', turnout: 0n, quorum: 100n }).slashed).toBe(200_000n)
  expect(settleBond({ bond: 10n, end: 'voted', turnout: 2n, quorum: 3n }).slashed).toBe(2n)
})

test('cancelled early costs 5 %, expired costs nothing', () => {
  expect(settleBond({ bond: 99n, end: 'cancelled', turnout: 0n, quorum: 9n })).toEqual({
    returned: 95n,
    slashed: 4n,
    reason: 'cancelled',
  })
  expect(settleBond({ bond, end: 'expired', turnout: 0n, quorum: 9n })).toEqual({
    returned: bond,
    slashed: 0n,
    reason: 'expired',
  })
})

test('a bond without a vote costs the same as an early cancellation', () => {
  expect(settleBond({ bond: 100n, end: 'unproposed', turnout: 0n, quorum: 9n })).toEqual({
    returned: 95n,
    slashed: 5n,
    reason: 'unproposed',
  })
})

test('nothing is created or lost, and more turnout never costs more', () => {
  const wei = fc.bigInt({ min: 0n, max: 10n ** 30n })
  fc.assert(
    fc.property(wei, wei, wei, wei, (amount, a, b, quorum) => {
      const [low, high] = a < b ? [a, b] : [b, a]
      const less = settleBond({ bond: amount, end: 'voted', turnout: low, quorum })
      const more = settleBond({ bond: amount, end: 'voted', turnout: high, quorum })
      expect(less.returned + less.slashed).toBe(amount)
      expect(more.slashed <= less.slashed && less.slashed <= amount / 5n).toBe(true)
    }),
  )
})
