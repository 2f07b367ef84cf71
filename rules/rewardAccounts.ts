/** Rule 10 (reward map): cumulative amounts and debts of the accounts. */

import type { Hex } from 'viem'
import { bigintMin } from './bps.ts'
import type { Debt, EpochFacts } from './epochFacts.ts'
import { LargeMap } from './largeMap.ts'
import { lower } from './lower.ts'
import { ascending } from './order.ts'
import type { RewardEntry } from './rewardEntry.ts'

export type AccountState = { account: Hex; cumulative: bigint }

/** Adds an epoch's entries to the cumulative amounts. Debts are then paid, oldest first, from what an account can still claim; an amount never
 *  falls below what was claimed, and what is not covered stays owed. What is withheld from one account is
 *  given to its creditor in the same map, so a map never promises more than was received. Appends the entries `withheld` and `recovered`.
 *  @throws RangeError when the previous map contradicts itself or a debt is negative. */
export function postToAccounts(
  facts: Pick<EpochFacts, 'treasury' | 'before' | 'corrections'>,
  lines: RewardEntry[],
): { accounts: AccountState[]; total: bigint; treasury: bigint; debts: Debt[] } {
  const treasury = lower(facts.treasury)
  const states = new LargeMap<Hex, State>()
  for (const state of facts.before.accounts) {
    const account = lower(state.account)
    if (states.has(account)) throw new RangeError(`Account ${account} is given twice in the previous map.`)
    if (state.claimed > state.cumulative)
      throw new RangeError(
        `Account ${account} claimed ${state.claimed}, more than its leaf's ${state.cumulative}. ` +
          'Take claims and leaf from the same finalised block.',
      )
    states.set(account, { before: state.cumulative, cumulative: state.cumulative, claimed: state.claimed })
  }
  const stateOf = (account: Hex): State => {
    let state = states.get(account)
    if (state === undefined) states.set(account, (state = { before: 0n, cumulative: 0n, claimed: 0n }))
    return state
  }
  for (const { account, amount } of lines) stateOf(account).cumulative += amount

  const debts: Debt[] = []
  for (const debt of [...facts.before.debts, ...facts.corrections]) {
    if (debt.amount < 0n) throw new RangeError(`A debt of ${debt.account} is negative: ${debt.amount}.`)
    const account = lower(debt.account)
    const to = debt.to === null ? treasury : lower(debt.to)
    const state = stateOf(account)
    const withheld = bigintMin(debt.amount, state.cumulative - state.claimed)
    if (withheld > 0n) {
      const source = { kind: 'correction', id: debt.reason } as const
      const formula = { versionId: null, source, pot: debt.amount, weight: withheld, whole: debt.amount }
      lines.push({ ...formula, account, role: 'withheld', amount: -withheld })
      lines.push({ ...formula, account: to, role: 'recovered', amount: withheld })
      state.cumulative -= withheld
      stateOf(to).cumulative += withheld
    }
    if (withheld < debt.amount) debts.push({ ...debt, account, amount: debt.amount - withheld })
  }

  let total = 0n
  const accounts: AccountState[] = []
  for (const [account, { before, cumulative }] of states) {
    total += cumulative - before
    if (cumulative > 0n) accounts.push({ account, cumulative })
  }
  accounts.sort((a, b) => ascending(a.account, b.account))
  const own = stateOf(treasury)
  return { accounts, total, treasury: own.cumulative - own.before, debts }
}

/** An account before and after the epoch; its leaf must not fall below `claimed`. */
type State = { before: bigint; cumulative: bigint; claimed: bigint }
