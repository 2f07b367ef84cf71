import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { balancesOf, Ledger, type LedgerFact, ledgerIdentity, postings } from './ledger.ts'

const story: LedgerFact[] = [
  { kind: 'deposit', id: 'tx1/0', consumer: 'c', amount: 1_000n },
  { kind: 'reserve', callId: 'call1', consumer: 'c', amount: 300n },
  { kind: 'charge', callId: 'call1', consumer: 'c', epoch: 1n, hold: 300n, fee: 120n },
  { kind: 'reserve', callId: 'call2', consumer: 'c', amount: 50n },
  { kind: 'withdraw', id: 'tx2/0', consumer: 'c', amount: 200n },
  {
    kind: 'rewardMap',
    epoch: 1n,
    escrow: 120n,
    treasury: 20n,
    changes: [
      { account: 'a', amount: 60n },
      { account: 'b', amount: 37n },
    ],
  },
  { kind: 'claim', id: 'tx3/0', account: 'a', amount: 60n },
]

test('a call, an epoch and a claim leave every wei in one place', () => {
  const ledger = new Ledger()
  for (const fact of story) ledger.post(fact)
  expect(ledgerIdentity(balancesOf(ledger.entries()))).toEqual({
    deposits: 1_000n,
    credit: 630n,
    hold: 50n,
    escrow: 3n,
    payable: 37n,
    paid: 60n,
    treasury: 20n,
    withdrawn: 200n,
    difference: 0n,
  })
  expect(ledger.balance('escrow:2')).toBe(3n)
})

test('posting a fact twice changes nothing; another content under the same id is refused', () => {
  const ledger = new Ledger()
  for (const fact of [...story, ...story]) ledger.post(fact)
  expect(ledger.entries()).toHaveLength(story.flatMap(postings).length)
  expect(ledger.balance('credit:c')).toBe(630n)
  expect(() => ledger.post({ kind: 'deposit', id: 'tx1/0', consumer: 'c', amount: 999n })).toThrow(/new entry/)
})

test('a correction takes back what was not claimed', () => {
  const ledger = new Ledger()
  for (const fact of story) ledger.post(fact)
  ledger.post({ kind: 'rewardMap', epoch: 2n, escrow: 3n, treasury: 30n, changes: [{ account: 'b', amount: -30n }] })
  expect(ledger.balance('payable:b')).toBe(7n)
  expect(ledger.balance('treasury')).toBe(50n)
  expect(ledger.balance('escrow:3')).toBe(3n)
})

describe('what cannot be', () => {
  const ledger = new Ledger()
  for (const fact of story) ledger.post(fact)

  test.each<[string, LedgerFact, RegExp]>([
    [
      'spending more than the credit',
      { kind: 'reserve', callId: 'x', consumer: 'c', amount: 631n },
      /credit:c would stand at -1/,
    ],
    ['claiming more than is payable', { kind: 'claim', id: 'x', account: 'a', amount: 1n }, /payable:a/],
    [
      'charging more than the hold',
      { kind: 'charge', callId: 'call2', consumer: 'c', epoch: 2n, hold: 50n, fee: 51n },
      /negative/,
    ],
    [
      'granting more than the escrow',
      { kind: 'rewardMap', epoch: 2n, escrow: 3n, treasury: 4n, changes: [] },
      /negative/,
    ],
    [
      'an escrow that is not there',
      { kind: 'rewardMap', epoch: 2n, escrow: 9n, treasury: 4n, changes: [] },
      /escrow:2/,
    ],
    ['a negative deposit', { kind: 'deposit', id: 'x', consumer: 'c', amount: -1n }, /negative/],
  ])('%s is refused and leaves no trace', (_, fact, message) => {
    const before = ledger.entries().length
    expect(() => ledger.post(fact)).toThrow(message)
    expect(ledger.entries()).toHaveLength(before)
  })
})

test('any sequence of facts keeps the identity, whatever is refused on the way', () => {
  const amount = fc.bigInt({ min: 0n, max: 1_000n })
  const who = fc.constantFrom('a', 'b')
  const id = fc.integer({ min: 0, max: 12 }).map(String)
  const epoch = fc.bigInt({ min: 1n, max: 3n })
  const fact: fc.Arbitrary<LedgerFact> = fc.oneof(
    fc.record({ kind: fc.constant('deposit' as const), id, consumer: who, amount }),
    fc.record({ kind: fc.constant('reserve' as const), callId: id, consumer: who, amount }),
    fc.record({ kind: fc.constant('charge' as const), callId: id, consumer: who, epoch, hold: amount, fee: amount }),
    fc.record({ kind: fc.constant('redeem' as const), id, consumer: who, epoch, amount }),
    fc.record({ kind: fc.constant('fund' as const), id, epoch, amount }),
    fc.record({ kind: fc.constant('withdraw' as const), id, consumer: who, amount }),
    fc.record({ kind: fc.constant('claim' as const), id, account: who, amount }),
    fc.record({
      kind: fc.constant('rewardMap' as const),
      epoch,
      escrow: amount,
      treasury: amount,
      changes: fc.array(fc.record({ account: who, amount: fc.bigInt({ min: -50n, max: 200n }) }), { maxLength: 2 }),
    }),
  )
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 60 }), (facts) => {
      const ledger = new Ledger()
      for (const each of facts) {
        try {
          ledger.post(each)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }
      const balances = balancesOf(ledger.entries())
      expect(ledgerIdentity(balances).difference).toBe(0n)
      for (const [account, balance] of balances) {
        expect(balance).toBe(ledger.balance(account))
        if (account !== 'deposits') expect(balance >= 0n).toBe(true)
      }
    }),
  )
})
