/** The ledger's accounts. `deposits` is the outside world that money comes in from: its balance is minus all deposits.
 *  Every other account is never negative.
 *  - `credit:<consumer>` prepaid and free; `hold:<callId>` reserved for a running call
 *  - `escrow:<epoch>` fees of an epoch whose reward map is not final, and what was carried into it
 *  - `payable:<account>` granted by a final map, not yet claimed; `paid:<account>` claimed
 *  - `treasury` the treasury's part; `withdrawn:<consumer>` credit taken back */
export type AccountName =
  | 'deposits'
  | 'treasury'
  | `credit:${string}`
  | `hold:${string}`
  | `escrow:${string}`
  | `payable:${string}`
  | `paid:${string}`
  | `withdrawn:${string}`

/** One immutable movement of `amount` wei. `id` says which fact it belongs to: the same fact gives the same ids. */
export type Transfer = { id: string; from: AccountName; to: AccountName; amount: bigint }

/** The finalised facts that move money. Ids are unique per kind (transaction hash and log index, call, epoch). */
export type LedgerFact =
  | { kind: 'deposit'; id: string; consumer: string; amount: bigint }
  | { kind: 'reserve'; callId: string; consumer: string; amount: bigint }
  | { kind: 'charge'; callId: string; consumer: string; epoch: bigint; hold: bigint; fee: bigint }
  /** A voucher redeemed on chain: fees that no hold of ours stands for. */
  | { kind: 'redeem'; id: string; consumer: string; epoch: bigint; amount: bigint }
  /** Money given to an epoch's rewards from outside. */
  | { kind: 'fund'; id: string; epoch: bigint; amount: bigint }
  | { kind: 'withdraw'; id: string; consumer: string; amount: bigint }
  /** A final reward map: what each account's leaf rose (or fell, by a correction) by; the rest of the escrow is carried. */
  | {
      kind: 'rewardMap'
      epoch: bigint
      escrow: bigint
      treasury: bigint
      changes: readonly { account: string; amount: bigint }[]
    }
  | { kind: 'claim'; id: string; account: string; amount: bigint }

/** The transfers that a fact posts, in order. Zero movements are left out.
 *  @throws RangeError when the fact's amounts contradict each other. */
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

/** Balances and the transfers that made them. Transfers are only ever added. */
export class Ledger {
  private readonly transfers = new Map<string, Transfer>()
  private readonly balances = new Map<AccountName, bigint>()

  /** Posts a fact's transfers, all or none; posting the same fact again changes nothing. Returns what was added.
   *  @throws RangeError when an account would be overdrawn, or an id returns with another content. */
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

/** Deposits = credit + holds + escrow + payable + paid + treasury + withdrawn: `difference` is 0 while it holds. */
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
