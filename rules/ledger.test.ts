import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AccountName, Ledger, type LedgerFact, ledgerIdentity, postings } from './ledger.ts'

const treasury = 't'
const channel = 'c'
const credit: AccountName = 'credit:c'
const charged: AccountName = 'charged:c'

const story: LedgerFact[] = [
  { kind: 'deposit', id: '1', channel, amount: 1_000n },
  { kind: 'reserve', id: '1', call: 'call1', channel, amount: 300n },
  { kind: 'charge', id: '1', call: 'call1', channel, fee: 120n },
  { kind: 'reserve', id: '2', call: 'call2', channel, amount: 50n },
  { kind: 'redeem', id: '2', from: [charged, credit], amount: 120n },
  { kind: 'withdraw', id: '3', from: [credit], consumer: 'w', amount: 200n },
  { kind: 'fund', id: '4', amount: 9n },
  {
    kind: 'rewardMap',
    id: '1',
    total: 117n,
    leaves: [
      { account: 'a', cumulative: 60n },
      { account: 'b', cumulative: 37n },
      { account: 't', cumulative: 20n },
    ],
    treasury,
  },
  { kind: 'claim', id: '5', from: ['payable:a', 'payable'], to: 'paid:a', amount: 60n },
  { kind: 'claim', id: '6', from: ['payable:t', 'payable'], to: 'treasury', amount: 20n },
]

/** A ledger after `facts`, and its transfers. */
function posted(facts: readonly LedgerFact[]) {
  const balances = new Map<AccountName, bigint>()
  const ledger = new Ledger(balances)
  const transfers = facts.flatMap((fact) => ledger.post(fact))
  return { ledger, balances, transfers }
}

test('after a call, an epoch and claims every wei is in one account', () => {
  expect(ledgerIdentity(posted(story).balances)).toEqual({
    deposits: 1_009n,
    credit: 630n,
    hold: 50n,
    charged: 0n,
    escrow: 12n,
    payable: 37n,
    paid: 60n,
    treasury: 20n,
    withdrawn: 200n,
    difference: 0n,
  })
})

test('a fee waits as charged for its redemption, and what a call does not use is released', () => {
  const { ledger } = posted(story.slice(0, 3))
  expect([credit, 'hold:call1', charged].map((account) => ledger.balance(account as AccountName))).toEqual([
    880n,
    0n,
    120n,
  ])
  ledger.post({ kind: 'reserve', id: '3', call: 'call3', channel, amount: 5n })
  expect(ledger.balance('hold:call3')).toBe(5n)
  ledger.post({ kind: 'release', id: '3', call: 'call3', channel })
  expect([ledger.balance('hold:call3'), ledger.balance(credit)]).toEqual([0n, 880n])
})

test('no more is reserved than there is credit, and no more is charged than is held', () => {
  const { ledger } = posted([{ kind: 'deposit', id: '1', channel, amount: 10n }])
  expect(ledger.post({ kind: 'reserve', id: '1', call: 'k', channel, amount: 30n })).toEqual([
    { id: 'reserve/1/0', from: credit, to: 'hold:k', amount: 10n },
  ])
  expect(ledger.post({ kind: 'charge', id: '1', call: 'k', channel, fee: 11n })).toEqual([
    { id: 'charge/1/0', from: 'hold:k', to: charged, amount: 10n },
  ])
})

test('an amount is taken from the first account that has some left, and each account gives once', () => {
  const { ledger } = posted(story.slice(0, 4))
  expect(
    ledger.post({ kind: 'redeem', id: '9', from: [charged, credit, charged, 'hold:call2'], amount: 975n }),
  ).toEqual([
    { id: 'redeem/9/0', from: charged, to: 'escrow', amount: 120n },
    { id: 'redeem/9/1', from: credit, to: 'escrow', amount: 830n },
    { id: 'redeem/9/2', from: 'hold:call2', to: 'escrow', amount: 25n },
  ])
  expect(ledger.post({ kind: 'withdraw', id: '9', from: ['hold:call2'], consumer: 'w', amount: 25n })).toEqual([
    { id: 'withdraw/9/0', from: 'hold:call2', to: 'withdrawn:w', amount: 25n },
  ])
})

test('funds go into the escrow; amounts of zero are not posted', () => {
  const none = () => 0n
  expect(postings({ kind: 'fund', id: '2', amount: 7n }, none)).toEqual([
    { id: 'fund/2/0', from: 'deposits', to: 'escrow', amount: 7n },
  ])
  expect(postings({ kind: 'fund', id: '3', amount: 0n }, none)).toEqual([])
})

const leavesOf = (amounts: Record<string, bigint>) =>
  Object.entries(amounts).map(([account, cumulative]) => ({ account, cumulative }))
const map = (id: string, total: bigint, amounts?: Record<string, bigint>): LedgerFact => ({
  kind: 'rewardMap',
  id,
  total,
  leaves: amounts && leavesOf(amounts),
  treasury,
})

test('a map reduces amounts before it increases others, also of the treasury', () => {
  const { ledger } = posted([
    { kind: 'fund', id: '1', amount: 100n },
    map('1', 40n, { a: 10n, b: 10n, t: 20n }),
    { kind: 'claim', id: '2', from: ['payable:t'], to: 'treasury', amount: 12n },
  ])
  expect(ledger.post(map('2', 11n, { a: 16n, b: 10n, d: 10n, t: 15n }))).toEqual([
    { id: 'rewardMap/2/0', from: 'escrow', to: 'payable', amount: 11n },
    { id: 'rewardMap/2/1', from: 'payable:t', to: 'payable', amount: 5n },
    { id: 'rewardMap/2/2', from: 'payable', to: 'payable:a', amount: 6n },
    { id: 'rewardMap/2/3', from: 'payable', to: 'payable:d', amount: 10n },
  ])
  expect(ledger.balance('payable')).toBe(0n)
})

test('a map that nobody can read makes its total payable, and the next readable one says to whom', () => {
  const { ledger } = posted([
    { kind: 'fund', id: '1', amount: 100n },
    map('1', 40n),
    { kind: 'claim', id: '2', from: ['payable:a', 'payable'], to: 'paid:a', amount: 30n },
  ])
  expect([ledger.balance('payable'), ledger.balance('paid:a')]).toEqual([10n, 30n])
  ledger.post(map('2', 5n, { a: 33n, b: 12n }))
  expect(['payable', 'payable:a', 'payable:b'].map((one) => ledger.balance(one as AccountName))).toEqual([0n, 3n, 12n])
})

test('who has claimed more than the leaf keeps it, and the last accounts get less', () => {
  const { ledger } = posted([
    { kind: 'fund', id: '1', amount: 100n },
    map('1', 40n),
    { kind: 'claim', id: '2', from: ['payable:a', 'payable'], to: 'paid:a', amount: 40n },
    map('2', 10n, { a: 30n, b: 15n, c: 5n }),
  ])
  expect(['payable', 'payable:a', 'payable:b', 'payable:c'].map((one) => ledger.balance(one as AccountName))).toEqual([
    0n,
    0n,
    10n,
    0n,
  ])
})

test('the identity gives the missing or excess amount', () => {
  expect(
    ledgerIdentity([
      ['deposits', -10n],
      ['credit:a', 4n],
      ['charged:b', 1n],
    ]),
  ).toMatchObject({ deposits: 10n, credit: 4n, charged: 1n, difference: 5n })
})

test.each<[string, LedgerFact, RegExp]>([
  [
    'withdrawing more than the credit',
    { kind: 'withdraw', id: 'x', from: [credit], consumer: 'w', amount: 631n },
    /credit:c lack 1 of 631 wei/,
  ],
  [
    'claiming more than is payable',
    { kind: 'claim', id: 'x', from: ['payable:b', 'payable'], to: 'paid:b', amount: 38n },
    /claim\/x: payable:b, payable lack 1 of 38 wei/,
  ],
  ['a total above the escrow', map('2', 13n), /rewardMap: escrow would stand at -1\. It holds 12/],
  ['a negative deposit', { kind: 'deposit', id: 'x', channel, amount: -1n }, /deposit\/x: -1 .* is negative/],
])('%s is refused and changes nothing', (_, fact, message) => {
  const { ledger, balances } = posted(story)
  const before = new Map(balances)
  expect(() => ledger.post(fact)).toThrow(message)
  expect(balances).toEqual(before)
})

test('any sequence of facts keeps the identity, also when some are refused', () => {
  const amount = fc.bigInt({ min: 0n, max: 1_000n })
  const name = fc.constantFrom('a', 'b', treasury)
  const id = fc.integer({ min: 0, max: 12 }).map(String)
  const from = fc.array(
    fc.constantFrom<AccountName>(
      'credit:a',
      'credit:b',
      'charged:a',
      'hold:1',
      'hold:2',
      'payable',
      'payable:a',
      'payable:t',
    ),
    { maxLength: 4 },
  )
  const fact: fc.Arbitrary<LedgerFact> = fc.oneof(
    fc.record({ kind: fc.constant('deposit' as const), id, channel: name, amount }),
    fc.record({ kind: fc.constant('reserve' as const), id, call: id, channel: name, amount }),
    fc.record({ kind: fc.constant('charge' as const), id, call: id, channel: name, fee: amount }),
    fc.record({ kind: fc.constant('release' as const), id, call: id, channel: name }),
    fc.record({ kind: fc.constant('redeem' as const), id, from, amount }),
    fc.record({ kind: fc.constant('fund' as const), id, amount }),
    fc.record({ kind: fc.constant('withdraw' as const), id, from, consumer: name, amount }),
    fc.record({ kind: fc.constant('claim' as const), id, from, to: fc.constantFrom('paid:a', 'treasury'), amount }),
    fc.record({
      kind: fc.constant('rewardMap' as const),
      id,
      total: amount,
      treasury: fc.constant(treasury),
      leaves: fc.option(
        fc.uniqueArray(fc.record({ account: name, cumulative: amount }), { selector: ({ account }) => account }),
        { nil: undefined },
      ),
    }),
  )
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 60 }), (facts) => {
      const balances = new Map<AccountName, bigint>()
      const ledger = new Ledger(balances)
      const derived = new Map<AccountName, bigint>()
      for (const each of facts) {
        try {
          for (const { from, to, amount } of ledger.post(each)) {
            expect(amount > 0n).toBe(true)
            derived.set(from, (derived.get(from) ?? 0n) - amount)
            derived.set(to, (derived.get(to) ?? 0n) + amount)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }
      expect(ledgerIdentity(balances).difference).toBe(0n)
      for (const [account, balance] of derived) {
        expect(balance).toBe(ledger.balance(account))
        if (account !== 'deposits') expect(balance >= 0n).toBe(true)
      }
    }),
  )
})
