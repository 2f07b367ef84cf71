import { zeroAddress } from 'viem'
import { Holder } from '#schema/onchain/governance.ts'
import type { Rows } from '../store/rows.ts'
import { type EventContext, type EventHandlers, uint256 } from './eventContext.ts'
import { fixQuorums } from './quorums.ts'
import { setting, settingOr } from './settings.ts'

const holder = (rows: Rows, event: EventContext, account: string) =>
  rows.get(Holder, event.idPrefix + account) ?? {
    id: event.idPrefix + account,
    token: event.address,
    account,
    balance: 0n,
    locked: settingOr(rows, event, 'votesNeedLock', 'false') === 'true' ? 0n : null,
    delegate: null,
    votes: 0n,
  }

const move = (rows: Rows, event: EventContext, account: string, amount: bigint) => {
  const { balance, ...rest } = holder(rows, event, account)
  rows.put(Holder, { ...rest, balance: uint256(balance + amount) })
}

/** gOPEN, or any ERC20Votes token. One transaction may contain a transfer, a delegation and two changes of votes: each event
 *  holds the value after it, so only their order matters. */
export const token = {
  Transfer(rows, { from, to, value }, event) {
    const accounts = [from, to].filter((account) => account !== zeroAddress)
    rows.preload(
      Holder,
      accounts.map((account) => event.idPrefix + account),
    )
    const supply = (change: bigint) => {
      fixQuorums(rows, event)
      setting(rows, event, 'totalSupply', uint256(BigInt(settingOr(rows, event, 'totalSupply', '0')) + change))
    }
    if (from === zeroAddress) supply(value)
    else move(rows, event, from, -value)
    if (to === zeroAddress) supply(-value)
    else move(rows, event, to, value)
  },
  DelegateChanged(rows, { delegator, toDelegate }, event) {
    rows.put(Holder, { ...holder(rows, event, delegator), delegate: toDelegate === zeroAddress ? null : toDelegate })
  },
  DelegateVotesChanged(rows, { delegate, newVotes }, event) {
    rows.put(Holder, { ...holder(rows, event, delegate), votes: newVotes })
  },
  /** The token says in its first transaction that only locked tokens vote: then no row of its holders counts the balance. */
  VotesNeedLock(rows, _, event) {
    setting(rows, event, 'votesNeedLock', 'true')
  },
  VotesLocked(rows, { account, locked }, event) {
    rows.put(Holder, { ...holder(rows, event, account), locked })
  },
  UnlockRequested(rows, { account, locked }, event) {
    rows.put(Holder, { ...holder(rows, event, account), locked })
  },
  VotesUnlocked: null,
  Approval: null,
  EIP712DomainChanged: null,
} satisfies EventHandlers<'GOpen'>
