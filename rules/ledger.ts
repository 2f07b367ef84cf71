/** Rule 9 (ledger): double-entry transfers of finalised facts. The database refuses an overdraft; this file says what is posted. */

/** The ledger's accounts. `deposits` stands for the outside world: its balance is minus all deposits. No other account is ever negative.
 *  - `credit:<consumer>`: prepaid and free; `hold:<callId>`: reserved for a running call
 *  - `escrow:<epoch>`: fees of an epoch whose reward map is not final, and what was carried into it
 *  - `payable:<account>`: granted by a final map, not yet claimed; `paid:<account>`: claimed
 *  - `treasury`: the treasury's part; `withdrawn:<consumer>`: credit that was withdrawn */
export type AccountName =
  | 'deposits'
  | 'treasury'
  | `credit:${string}`
  | `hold:${string}`
  | `escrow:${string}`
  | `payable:${string}`
  | `paid:${string}`
  | `withdrawn:${string}`

/** One immutable transfer of `amount` wei. `id` is derived from its fact: the same fact gives the same ids. */
export type Transfer = { id: string; from: AccountName; to: AccountName; amount: bigint }

/** The finalised facts that move money. Ids are unique within a kind (event, call, epoch). */
export type LedgerFact =
  | { kind: 'deposit'; id: string; consumer: string; amount: bigint }
  | { kind: 'reserve'; callId: string; consumer: string; amount: bigint }
  | { kind: 'charge'; callId: string; consumer: string; epoch: bigint; hold: bigint; fee: bigint }
  /** Fees redeemed from a channel on chain, without a reservation in this ledger. */
  | { kind: 'redeem'; id: string; consumer: string; epoch: bigint; amount: bigint }
  /** Money given to an epoch's rewards from outside. */
  | { kind: 'fund'; id: string; epoch: bigint; amount: bigint }
  | { kind: 'withdraw'; id: string; consumer: string; amount: bigint }
  /** A final reward map: the change of each account's leaf (negative by a correction). The rest of the escrow is carried. */
  | {
      kind: 'rewardMap'
      epoch: bigint
      escrow: bigint
      treasury: bigint
      changes: readonly { account: string; amount: bigint }[]
    }
  | { kind: 'claim'; id: string; account: string; amount: bigint }

/**
 * The transfers that a fact posts, in order. Transfers of 0 are left out.
 * @throws RangeError when the fact's amounts contradict each other.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { postings } from '#rules/ledger.ts'
 *
 * assert.deepEqual(postings({ kind: 'deposit', id: '1-0', consumer: '0xa', amount: 5n }), [
 *   { id: 'deposit/1-0/0', from: 'deposits', to: 'credit:0xa', amount: 5n },
 * ])
 * ```
 */
export function postings(fact: LedgerFact): Transfer[] {
  const moves = movesOf(fact)
  const name = `${fact.kind}/${'callId' in fact ? fact.callId : 'id' in fact ? fact.id : fact.epoch}`
  return moves.flatMap(([from, to, amount], i) => {
    if (amount < 0n)
      throw new RangeError(`${name}: ${amount} from ${from} to ${to} is negative. Correct the fact's amounts.`)
    return amount === 0n ? [] : [{ id: `${name}/${i}`, from, to, amount }]
  })
}

type Move = [from: AccountName, to: AccountName, amount: bigint]

function movesOf(fact: LedgerFact): Move[] {
  switch (fact.kind) {
    case 'deposit':
      return [['deposits', `credit:${fact.consumer}`, fact.amount]]
    case 'reserve':
      return [[`credit:${fact.consumer}`, `hold:${fact.callId}`, fact.amount]]
    case 'charge':
      return [
        [`hold:${fact.callId}`, `escrow:${fact.epoch}`, fact.fee],
        [`hold:${fact.callId}`, `credit:${fact.consumer}`, fact.hold - fact.fee],
      ]
    case 'redeem':
      return [[`credit:${fact.consumer}`, `escrow:${fact.epoch}`, fact.amount]]
    case 'fund':
      return [['deposits', `escrow:${fact.epoch}`, fact.amount]]
    case 'withdraw':
      return [[`credit:${fact.consumer}`, `withdrawn:${fact.consumer}`, fact.amount]]
    case 'claim':
      return [[`payable:${fact.account}`, `paid:${fact.account}`, fact.amount]]
    case 'rewardMap': {
      const escrow: AccountName = `escrow:${fact.epoch}`
      const granted = fact.changes.reduce((sum, change) => sum + change.amount, fact.treasury)
      const falls = fact.changes.filter((change) => change.amount < 0n)
      const rises = fact.changes.filter((change) => change.amount >= 0n)
      return [
        ...falls.map(({ account, amount }): Move => [`payable:${account}`, escrow, -amount]),
        ...rises.map(({ account, amount }): Move => [escrow, `payable:${account}`, amount]),
        fact.treasury < 0n ? ['treasury', escrow, -fact.treasury] : [escrow, 'treasury', fact.treasury],
        [escrow, `escrow:${fact.epoch + 1n}`, fact.escrow - granted],
      ]
    }
  }
}

/** Balances and the transfers that led to them. Transfers are only added, never changed. */
export class Ledger {
  private readonly transfers = new Map<string, Transfer>()
  private readonly balances = new Map<AccountName, bigint>()

  /** Posts a fact's transfers, all or none, and returns those that were added; posting the same fact again changes nothing.
   *  @throws RangeError when an account would be overdrawn, or when an id was posted with another content. */
  post(fact: LedgerFact): Transfer[] {
    const fresh = postings(fact).filter((transfer) => !this.has(transfer))
    const after = new Map<AccountName, bigint>()
    const move = (account: AccountName, amount: bigint) =>
      after.set(account, (after.get(account) ?? this.balance(account)) + amount)
    for (const { from, to, amount } of fresh) {
      move(from, -amount)
      move(to, amount)
    }
    for (const [account, balance] of after)
      if (balance < 0n && account !== 'deposits')
        throw new RangeError(`${fact.kind}: ${account} would stand at ${balance}. It holds ${this.balance(account)}.`)
    for (const transfer of fresh) this.transfers.set(transfer.id, transfer)
    for (const [account, balance] of after) this.balances.set(account, balance)
    return fresh
  }

  balance(account: AccountName): bigint {
    return this.balances.get(account) ?? 0n
  }

  entries(): Transfer[] {
    return [...this.transfers.values()]
  }

  private has(transfer: Transfer): boolean {
    const known = this.transfers.get(transfer.id)
    if (known === undefined) return false
    if (known.from !== transfer.from || known.to !== transfer.to || known.amount !== transfer.amount)
      throw new RangeError(`Transfer ${transfer.id} was posted with other values. Correct it by a new entry.`)
    return true
  }
}

/** Every account's balance, derived from the transfers alone. */
export function balancesOf(transfers: Iterable<Transfer>): Map<AccountName, bigint> {
  const balances = new Map<AccountName, bigint>()
  for (const { from, to, amount } of transfers) {
    balances.set(from, (balances.get(from) ?? 0n) - amount)
    balances.set(to, (balances.get(to) ?? 0n) + amount)
  }
  return balances
}

export type LedgerIdentity = Record<
  'deposits' | 'credit' | 'hold' | 'escrow' | 'payable' | 'paid' | 'treasury' | 'withdrawn' | 'difference',
  bigint
>

/** The totals of each kind of account. Invariant: deposits = credit + holds + escrow + payable + paid + treasury + withdrawn, and then
 *  `difference` is 0. */
export function ledgerIdentity(balances: Iterable<readonly [AccountName, bigint]>): LedgerIdentity {
  const sums: LedgerIdentity = {
    deposits: 0n,
    credit: 0n,
    hold: 0n,
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
