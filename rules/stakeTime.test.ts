import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitPot } from './split.ts'
import { stakeTimes } from './stakeTime.ts'

type HeldStake = Parameters<typeof stakeTimes>[0][number]

const EPOCH = { fromBlock: 1_001, toBlock: 2_000 }
const ACCOUNTS = ['0x0a', '0x0b', '0x0c'] as const

const stake = fc
  .record({
    account: fc.constantFrom(...ACCOUNTS),
    amount: fc.bigInt(0n, 10n ** 24n),
    fromBlock: fc.integer({ min: 1, max: 2_500 }),
    blocks: fc.option(fc.integer({ min: 1, max: 1_500 })),
  })
  .map(({ blocks, ...one }): HeldStake => ({ ...one, toBlock: blocks === null ? null : one.fromBlock + blocks }))

test('a stake for the last two blocks of an epoch earns for two blocks', () => {
  const loyal: HeldStake = { account: '0x0a', amount: 10n ** 17n, fromBlock: 1, toBlock: null }
  const late: HeldStake = { account: '0x0b', amount: 94n * 10n ** 17n, fromBlock: 1_999, toBlock: null }
  const pot = 10n ** 18n
  const shares = (some: { amount: bigint }[]) =>
    splitPot(
      pot,
      some.map(({ amount }) => amount),
    ).shares
  const [, atTheEnd = 0n] = shares([loyal, late])
  const [, overTime = 0n] = shares(stakeTimes([loyal, late], EPOCH))
  expect(Number((atTheEnd * 1000n) / pot)).toBe(989) // by what is staked when the epoch ends, the latecomer takes nearly all
  expect(Number((overTime * 1000n) / pot)).toBe(158)
})

test('the weight is the amount at the end of each block of the epoch, summed', () => {
  fc.assert(
    fc.property(fc.array(stake, { maxLength: 8 }), (stakes) => {
      const sums = ACCOUNTS.map((account) => {
        let amount = 0n
        for (let block = EPOCH.fromBlock; block <= EPOCH.toBlock; block++)
          for (const one of stakes)
            if (one.account === account && one.fromBlock <= block && (one.toBlock === null || one.toBlock > block))
              amount += one.amount
        return { account, amount }
      })
      expect(stakeTimes(stakes, EPOCH)).toEqual(sums.filter(({ amount }) => amount > 0n))
    }),
    { numRuns: 60 },
  )
})

test('a stake of nothing has no entry, and entries are ordered by account', () => {
  const whole = { fromBlock: 1, toBlock: null }
  const stakes = [
    { account: '0x0c', amount: 2n, ...whole },
    { account: '0x0b', amount: 0n, ...whole },
    { account: '0x0a', amount: 1n, ...whole },
  ] as const
  expect(stakeTimes(stakes, EPOCH).map(({ account }) => account)).toEqual(['0x0a', '0x0c'])
})

test('a stake that ended before the epoch, or begins after it, has no weight', () => {
  const one = { account: '0x0a', amount: 5n } as const
  expect(stakeTimes([{ ...one, fromBlock: 1, toBlock: 1_001 }], EPOCH)).toEqual([])
  expect(stakeTimes([{ ...one, fromBlock: 2_001, toBlock: null }], EPOCH)).toEqual([])
  expect(stakeTimes([{ ...one, fromBlock: 2_000, toBlock: 2_001 }], EPOCH)).toEqual([{ account: '0x0a', amount: 5n }])
})
