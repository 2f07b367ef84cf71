/** Rule 9 (ledger): double-entry transfers of finalised facts. The database refuses an overdraft; this file says what is posted. */
import { bigintMin } from './bps.ts'
import { settleHold } from './fee.ts'

/** The ledger's accounts. `deposits` stands for the outside world: its balance is minus all deposits. No other account is ever negative.
 *  - `credit:<channel>`: prepaid and free; `hold:<call>`: reserved for a running call; `charged:<channel>`: fees of answered calls that the host has
 *    not redeemed. Together they are the channel's credit on the chain.
 *  - `escrow`: fees and gifts that no final reward map has made payable
 *  - `payable:<account>`: granted by a final map, not yet claimed; `payable`: the same, of a map that nobody can read
 *  - `paid:<account>`: claimed; `treasury`: claimed by the treasury; `withdrawn:<consumer>`: credit that was withdrawn */
export type AccountName =
  | 'deposits'
  | 'escrow'
  | 'payable'
  | 'treasury'
  | `${'credit' | 'hold' | 'charged' | 'payable' | 'paid' | 'withdrawn'}:${string}`

/** One immutable transfer of `amount` wei. `id` is derived from its fact: the same fact gives the same ids. */
export type Transfer = { id: string; from: AccountName; to: AccountName; amount: bigint }

/** What the newest leaves of a map's accounts say: all that each was granted so far. */
type Leaves = readonly { account: string; cumulative: bigint }[]

/** The finalised facts that move money. Ids are unique within a kind. `from`: the accounts that may give the amount, in their order. */
export type LedgerFact =
  | { kind: 'deposit'; id: string; channel: string; amount: bigint }
  /** The maximum of a call is reserved, as far as there is credit. */
  | { kind: 'reserve'; id: string; call: string; channel: string; amount: bigint }
  /** A call has its fee: what it holds beyond that is released. */
  | { kind: 'charge'; id: string; call: string; channel: string; fee: bigint }
  /** A call ended without a fee, or after its fee was redeemed. */
  | { kind: 'release'; id: string; call: string; channel: string }
  | { kind: 'redeem'; id: string; from: readonly AccountName[]; amount: bigint }
  | { kind: 'withdraw'; id: string; from: readonly AccountName[]; consumer: string; amount: bigint }
  /** Money given to an epoch's rewards from outside. */
  | { kind: 'fund'; id: string; amount: bigint }
  /** A final reward map. Without `leaves`, nobody knows to whom `total` is payable. */
  | { kind: 'rewardMap'; id: string; total: bigint; leaves: Leaves | undefined; treasury: string }
  | { kind: 'claim'; id: string; from: readonly AccountName[]; to: AccountName; amount: bigint }

type Balance = (account: AccountName) => bigint

/**
 * The transfers that a fact posts, in order, where the accounts have these balances. Transfers of 0 are left out.
 * @throws RangeError when an amount is negative, or when the accounts that give it do not have it.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { postings } from '#rules/ledger.ts'
 *
 * assert.deepEqual(postings({ kind: 'deposit', id: '1-0', channel: '0xa', amount: 5n }, () => 0n), [
 *   { id: 'deposit/1-0/0', from: 'deposits', to: 'credit:0xa', amount: 5n },
 * ])
 * ```
 */
export function postings(fact: LedgerFact, balance: Balance): Transfer[] {
  const name = `${fact.kind}/${fact.id}`
  return movesOf(fact, balance).flatMap(([from, to, amount], i) => {
    if (amount < 0n) throw new RangeError(`${name}: ${amount} from ${from} to ${to} is negative. Correct the fact.`)
    return amount === 0n ? [] : [{ id: `${name}/${i}`, from, to, amount }]
  })
}

type Move = [from: AccountName, to: AccountName, amount: bigint]

function movesOf(fact: LedgerFact, balance: Balance): Move[] {
  switch (fact.kind) {
    case 'deposit':
      return [['deposits', `credit:${fact.channel}`, fact.amount]]
    case 'reserve': {
      const credit: AccountName = `credit:${fact.channel}`
      return [[credit, `hold:${fact.call}`, bigintMin(fact.amount, balance(credit))]]
    }
    case 'charge': {
      const hold: AccountName = `hold:${fact.call}`
      const held = balance(hold)
      const { posted, released } = settleHold(held, bigintMin(fact.fee, held))
      return [
        [hold, `charged:${fact.channel}`, posted],
        [hold, `credit:${fact.channel}`, released],
      ]
    }
    case 'release':
      return [[`hold:${fact.call}`, `credit:${fact.channel}`, balance(`hold:${fact.call}`)]]
    case 'redeem':
      return drawn(fact, 'escrow', balance)
    case 'withdraw':
      return drawn(fact, `withdrawn:${fact.consumer}`, balance)
    case 'fund':
      return [['deposits', 'escrow', fact.amount]]
    case 'claim':
      return drawn(fact, fact.to, balance)
    case 'rewardMap':
      return [['escrow', 'payable', fact.total], ...(fact.leaves ? grants(fact.leaves, fact, balance) : [])]
  }
}

/** `amount` from the first of the accounts that has some left, then from the next. */
function drawn(
  { kind, id, from, amount }: { kind: string; id: string; from: readonly AccountName[]; amount: bigint },
  to: AccountName,
  balance: Balance,
): Move[] {
  let left = amount
  const moves = [...new Set(from)].map((account): Move => {
    const part = bigintMin(left, balance(account))
    left -= part
    return [account, to, part]
  })
  if (left !== 0n) throw new RangeError(`${kind}/${id}: ${from.join(', ')} lack ${left} of ${amount} wei.`)
  return moves
}

/** Moves between `payable` and the accounts, until each has what its leaf says. A false map may have let somebody claim what is another's: then the
 *  last accounts get less. What somebody has claimed beyond the leaf is not taken back. */
function grants(leaves: Leaves, { total, treasury }: { total: bigint; treasury: string }, balance: Balance): Move[] {
  const changes = leaves.map(({ account, cumulative }) => ({
    account,
    amount: cumulative - balance(`payable:${account}`) - balance(claimsOf(account, treasury)),
  }))
  const falls = changes
    .filter(({ amount }) => amount < 0n)
    .map(({ account, amount }): Move => {
      const place: AccountName = `payable:${account}`
      return [place, 'payable', bigintMin(-amount, balance(place))]
    })
  let left = falls.reduce((sum, [, , amount]) => sum + amount, total + balance('payable'))
  const rises = changes
    .filter(({ amount }) => amount > 0n)
    .map(({ account, amount }): Move => {
      const part = bigintMin(amount, left)
      left -= part
      return ['payable', `payable:${account}`, part]
    })
  return [...falls, ...rises]
}

/** Where the claims of an account go. */
export const claimsOf = (account: string, treasury: string): AccountName =>
  account === treasury ? 'treasury' : `paid:${account}`

/** Balances to which facts are posted. */
export class Ledger {
  constructor(private readonly balances = new Map<AccountName, bigint>()) {}

  /** Posts a fact's transfers, all or none, and returns them. @throws RangeError when an account would be overdrawn. */
  post(fact: LedgerFact): Transfer[] {
    const added = postings(fact, (account) => this.balance(account))
    const after = new Map<AccountName, bigint>()
    const move = (account: AccountName, amount: bigint) =>
      after.set(account, (after.get(account) ?? this.balance(account)) + amount)
    for (const { from, to, amount } of added) {
      move(from, -amount)
      move(to, amount)
    }
    for (const [account, balance] of after)
      if (balance < 0n && account !== 'deposits')
        throw new RangeError(`${fact.kind}: ${account} would stand at ${balance}. It holds ${this.balance(account)}.`)
    for (const [account, balance] of after) this.balances.set(account, balance)
    return added
  }

  /** 0 for an account without transfers. */
  balance(account: AccountName): bigint {
    return this.balances.get(account) ?? 0n
  }
}

/** The kinds of accounts: the part of a name before the colon. */
export type LedgerIdentity = Record<
  'deposits' | 'credit' | 'hold' | 'charged' | 'escrow' | 'payable' | 'paid' | 'treasury' | 'withdrawn' | 'difference',
  bigint
>

/** The totals of each kind of account. Invariant: deposits = credit + hold + charged + escrow + payable + paid + treasury + withdrawn, and then
 *  `difference` is 0. */
export function ledgerIdentity(balances: Iterable<readonly [AccountName, bigint]>): LedgerIdentity {
  const sums: LedgerIdentity = {
    deposits: 0n,
    credit: 0n,
    hold: 0n,
    charged: 0n,
    escrow: 0n,
    payable: 0n,
    paid: 0n,
    treasury: 0n,
    withdrawn: 0n,
    difference: 0n,
  }
  for (const [account, balance] of balances) {
    sums[account.split(':', 1)[0] as keyof LedgerIdentity] += account === 'deposits' ? -balance : balance
    sums.difference -= balance
  }
  return sums
}
