import type { Hex } from 'viem'
import { least } from './bps.ts'
import { type Debt, type EpochFacts, lower } from './epochFacts.ts'
import type { Explanation } from './explanation.ts'

export type AccountState = { account: Hex; cumulative: bigint }

/** Adds an epoch's lines to the cumulative amounts and settles debts, oldest first, from what an account could still claim: never
 *  below what it has claimed; what is not covered stays owed. Withheld money goes to whom it is due in the same breath, so
 *  a map never promises more than it received. Appends the `withheld` and `recovered` lines. */
export function postToAccounts(
  facts: EpochFacts,
  lines: Explanation[],
): { accounts: AccountState[]; total: bigint; treasury: bigint; debts: Debt[] } {
  const treasury = lower(facts.treasury)
  const cumulative = new Map<Hex, bigint>()
  const claimable = new Map<Hex, bigint>()
  const before = new Map<Hex, bigint>()
  for (const state of facts.before.accounts) {
    const account = lower(state.account)
    if (cumulative.has(account)) throw new RangeError(`Account ${account} is given twice in the former map.`)
    if (state.claimed > state.cumulative)
      throw new RangeError(
        `Account ${account} claimed ${state.claimed}, more than its leaf's ${state.cumulative}. ` +
          'Take claims and leaf from the same finalised block.',
      )
    before.set(account, state.cumulative)
    cumulative.set(account, state.cumulative)
    claimable.set(account, state.cumulative - state.claimed)
  }
  const add = (to: Map<Hex, bigint>, account: Hex, amount: bigint) => to.set(account, (to.get(account) ?? 0n) + amount)
  for (const { account, amount } of lines) {
    add(cumulative, account, amount)
    add(claimable, account, amount)
  }

  const debts: Debt[] = []
  for (const debt of [...facts.before.debts, ...facts.corrections]) {
    if (debt.amount < 0n) throw new RangeError(`A debt of ${debt.account} is negative: ${debt.amount}.`)
    const account = lower(debt.account)
    const to = debt.to === null ? treasury : lower(debt.to)
    const withheld = least(debt.amount, claimable.get(account) ?? 0n)
    if (withheld > 0n) {
      const source = { kind: 'correction', id: debt.reason } as const
      const formula = { versionId: null, source, pot: debt.amount, weight: withheld, whole: debt.amount }
      lines.push({ ...formula, account, role: 'withheld', amount: -withheld })
      lines.push({ ...formula, account: to, role: 'recovered', amount: withheld })
      add(cumulative, account, -withheld)
      add(claimable, account, -withheld)
      add(cumulative, to, withheld)
    }
    if (withheld < debt.amount) debts.push({ ...debt, account, amount: debt.amount - withheld })
  }

  const accounts = [...cumulative]
    .filter(([, amount]) => amount > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, amount]) => ({ account, cumulative: amount }))
  const sum = (amounts: Iterable<bigint>) => [...amounts].reduce((a, b) => a + b, 0n)
  return {
    accounts,
    total: sum(cumulative.values()) - sum(before.values()),
    treasury: (cumulative.get(treasury) ?? 0n) - (before.get(treasury) ?? 0n),
    debts,
  }
}
