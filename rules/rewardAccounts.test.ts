import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import type { Debt } from './epochFacts.ts'
import { postToAccounts } from './rewardAccounts.ts'
import type { RewardEntry } from './rewardEntry.ts'

const account = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`
const [treasury, alice, bob, carol] = [account(0xa0), account(0xa1), account(0xa2), account(0xa3)]

const line = (who: Hex, amount: bigint): RewardEntry => ({
  account: who,
  role: 'data',
  versionId: 'v1',
  source: { kind: 'contribution', id: 'c' },
  amount,
  pot: amount,
  weight: 1n,
  whole: 1n,
})
const debt = (who: Hex, amount: bigint, to: Hex | null = bob): Debt => ({
  account: who,
  amount,
  to,
  reason: 'a dispute',
})

type Facts = Parameters<typeof postToAccounts>[0]
const facts = (before: Partial<Facts['before']> = {}, corrections: Debt[] = []): Facts => ({
  treasury,
  corrections,
  before: { accounts: [], carried: [], debts: [], ...before },
})

test('accounts come in ascending order, and only those with something to claim', () => {
  const lines = [carol, alice, treasury, bob].map((who, i) => line(who, BigInt(i + 1)))
  const former = [{ account: account(0xa4), cumulative: 0n, claimed: 0n }]
  expect(postToAccounts(facts({ accounts: former }), lines).accounts).toEqual([
    { account: treasury, cumulative: 3n },
    { account: alice, cumulative: 2n },
    { account: bob, cumulative: 4n },
    { account: carol, cumulative: 1n },
  ])
})

test('the total and the treasury’s part are the additions of this epoch only', () => {
  const accounts = [
    { account: treasury, cumulative: 50n, claimed: 20n },
    { account: alice, cumulative: 7n, claimed: 7n },
  ]
  const posted = postToAccounts(facts({ accounts }), [line(treasury, 5n), line(alice, 3n)])
  expect(posted).toMatchObject({ total: 8n, treasury: 5n, accounts: [{ cumulative: 55n }, { cumulative: 10n }] })
})

test('a debt is explained by two lines: the amount taken and the amount given', () => {
  const lines = [line(alice, 10n)]
  const posted = postToAccounts(facts({}, [debt(alice, 15n)]), lines)
  const formula = {
    versionId: null,
    source: { kind: 'correction', id: 'a dispute' },
    pot: 15n,
    weight: 10n,
    whole: 15n,
  }
  expect(lines.slice(1)).toEqual([
    { ...formula, account: alice, role: 'withheld', amount: -10n },
    { ...formula, account: bob, role: 'recovered', amount: 10n },
  ])
  expect(posted).toEqual({
    accounts: [{ account: bob, cumulative: 10n }],
    total: 10n,
    treasury: 0n,
    debts: [debt(alice, 5n)],
  })
})

test('a debt of an account without a balance stays unchanged and gives no line', () => {
  const lines: RewardEntry[] = []
  const accounts = [{ account: alice, cumulative: 9n, claimed: 9n }]
  expect(postToAccounts(facts({ accounts }, [debt(alice, 4n)]), lines).debts).toEqual([debt(alice, 4n)])
  expect(lines).toEqual([])
})

test('older debts are paid before new ones, in order, and money without a recipient goes to the treasury', () => {
  const debts = [debt(alice, 4n, null), debt(alice, 4n, carol)]
  const posted = postToAccounts(facts({ debts }, [debt(alice, 4n)]), [line(alice, 10n)])
  expect(posted.accounts.map(({ cumulative }) => cumulative)).toEqual([4n, 2n, 4n])
  expect(posted.treasury).toBe(4n)
  expect(posted.debts).toEqual([debt(alice, 2n)])
})

test('upper and lower case of an address are one account', () => {
  const upper = (who: Hex): Hex => `0x${who.slice(2).toUpperCase()}`
  const accounts = [{ account: upper(alice), cumulative: 6n, claimed: 1n }]
  const posted = postToAccounts(facts({ accounts }, [debt(upper(alice), 2n, upper(bob))]), [line(alice, 1n)])
  expect(posted.accounts).toEqual([
    { account: alice, cumulative: 5n },
    { account: bob, cumulative: 2n },
  ])
})

test('a former map that contradicts itself and a negative debt are refused', () => {
  const state = { account: alice, cumulative: 5n, claimed: 5n }
  expect(() => postToAccounts(facts({ accounts: [state, state] }), [])).toThrow(/given twice in the previous map/)
  expect(() => postToAccounts(facts({ accounts: [{ ...state, claimed: 6n }] }), [])).toThrow(
    /claimed 6, more than its leaf's 5\. Take claims/,
  )
  expect(() => postToAccounts(facts({}, [debt(alice, -1n)]), [])).toThrow(/debt of .* is negative: -1/)
})
