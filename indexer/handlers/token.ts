import { zeroAddress } from 'viem'
import { Holder } from '#schema/onchain/governance.ts'
import type { Rows } from '../store/rows.ts'
import type { Handlers, Moment } from './handler.ts'
import { fixQuorums, setting, settingOr } from './settings.ts'

const holder = (rows: Rows, at: Moment, account: string) =>
  rows.get(Holder, at.scope + account) ?? {
    id: at.scope + account,
    token: at.address,
    account,
    balance: 0n,
    delegate: null,
    votes: 0n,
  }

const move = (rows: Rows, at: Moment, account: string, amount: bigint) => {
  const { balance, ...rest } = holder(rows, at, account)
  rows.put(Holder, { ...rest, balance: balance + amount })
}

/** gOPEN, or any ERC20Votes token. One transaction may hold a transfer, a delegation and two changes of votes: each event says
 *  what is true after it, so their order is all that counts. */
export const token: Handlers<'GOpen'> = {
  Transfer(rows, { from, to, value }, at) {
    const accounts = [from, to].filter((account) => account !== zeroAddress)
    rows.need(
      Holder,
      accounts.map((account) => at.scope + account),
    )
    const supply = (change: bigint) => {
      fixQuorums(rows, at)
      setting(rows, at, 'totalSupply', BigInt(settingOr(rows, at, 'totalSupply', '0')) + change)
    }
    if (from === zeroAddress) supply(value)
    else move(rows, at, from, -value)
    if (to === zeroAddress) supply(-value)
    else move(rows, at, to, value)
  },
  DelegateChanged(rows, { delegator, toDelegate }, at) {
    rows.put(Holder, { ...holder(rows, at, delegator), delegate: toDelegate === zeroAddress ? null : toDelegate })
  },
  DelegateVotesChanged(rows, { delegate, newVotes }, at) {
    rows.put(Holder, { ...holder(rows, at, delegate), votes: newVotes })
  },
  Approval: null,
  EIP712DomainChanged: null,
}
