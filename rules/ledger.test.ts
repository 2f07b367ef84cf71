import fc from 'fast-check'
import { expect, test } from 'vitest'
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

/** A ledger with every kind of fact. */
function told(): Ledger {
  const ledger = new Ledger()
  for (const fact of story) ledger.post(fact)
  return ledger
}

test('after a call, an epoch and a claim every wei is in one account', () => {
  const ledger = told()
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
  const redeemed = { kind: 'redeem', id: 'tx4/0', consumer: 'c', epoch: 2n, amount: 30n } as const
  ledger.post(redeemed)
  for (const other of [
    { kind: 'deposit', id: 'tx1/0', consumer: 'c', amount: 999n },
    { kind: 'deposit', id: 'tx1/0', consumer: 'd', amount: 1_000n },
    { ...redeemed, consumer: 'd' },
    { ...redeemed, epoch: 3n },
  ] as const)
    expect(() => ledger.post(other)).toThrow(/posted with other values\. Correct it by a new entry/)
  expect(ledger.post(redeemed)).toEqual([])
})

test('vouchers and funds go into the escrow of their epoch; amounts of zero are not posted', () => {
  expect(postings({ kind: 'redeem', id: 'tx/1', consumer: 'c', epoch: 2n, amount: 5n })).toEqual([
    { id: 'redeem/tx/1/0', from: 'credit:c', to: 'escrow:2', amount: 5n },
  ])
  expect(postings({ kind: 'fund', id: 'tx/2', epoch: 3n, amount: 7n })).toEqual([
    { id: 'fund/tx/2/0', from: 'deposits', to: 'escrow:3', amount: 7n },
  ])
  expect(postings({ kind: 'fund', id: 'tx/3', epoch: 3n, amount: 0n })).toEqual([])
  expect(postings({ kind: 'charge', callId: 'k', consumer: 'c', epoch: 1n, hold: 9n, fee: 9n })).toEqual([
    { id: 'charge/k/0', from: 'hold:k', to: 'escrow:1', amount: 9n },
  ])
})

test('a reward map reduces amounts before it increases others, also of the treasury, and carries the rest', () => {
  const changes = [
    { account: 'a', amount: 6n },
    { account: 'b', amount: -4n },
    { account: 'c', amount: 0n },
  ]
  expect(postings({ kind: 'rewardMap', epoch: 1n, escrow: 10n, treasury: -3n, changes })).toEqual([
    { id: 'rewardMap/1/0', from: 'payable:b', to: 'escrow:1', amount: 4n },
    { id: 'rewardMap/1/1', from: 'escrow:1', to: 'payable:a', amount: 6n },
    { id: 'rewardMap/1/3', from: 'treasury', to: 'escrow:1', amount: 3n },
    { id: 'rewardMap/1/4', from: 'escrow:1', to: 'escrow:2', amount: 11n },
  ])
})

test('the identity gives the missing or excess amount', () => {
  expect(
    ledgerIdentity([
      ['deposits', -10n],
      ['credit:a', 4n],
      ['credit:b', 1n],
    ]),
  ).toMatchObject({ deposits: 10n, credit: 5n, difference: 5n })
})

test('a correction takes back unclaimed amounts', () => {
  const ledger = told()
  ledger.post({ kind: 'rewardMap', epoch: 2n, escrow: 3n, treasury: 30n, changes: [{ account: 'b', amount: -30n }] })
  expect(ledger.balance('payable:b')).toBe(7n)
  expect(ledger.balance('treasury')).toBe(50n)
  expect(ledger.balance('escrow:3')).toBe(3n)
})

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
    'an escrow that does not exist',
    { kind: 'rewardMap', epoch: 2n, escrow: 9n, treasury: 4n, changes: [] },
    /escrow:2/,
  ],
  ['a negative deposit', { kind: 'deposit', id: 'x', consumer: 'c', amount: -1n }, /negative/],
])('%s is refused and changes nothing', (_, fact, message) => {
  const ledger = told()
  const before = ledger.entries().length
  expect(() => ledger.post(fact)).toThrow(message)
  expect(ledger.entries()).toHaveLength(before)
})
test('any sequence of facts keeps the identity, also when some are refused', () => {
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
