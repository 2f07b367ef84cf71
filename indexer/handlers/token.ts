import { zeroAddress } from 'viem'
import { Holder } from '#schema/onchain/governance.ts'
import type { Rows } from '../rows.ts'
import type { Handlers } from './handler.ts'
import { fixQuorums, setting, settingOr } from './settings.ts'

const holder = (rows: Rows, id: string) => rows.get(Holder, id) ?? { id, balance: 0n, delegate: null, votes: 0n }

const move = (rows: Rows, id: string, amount: bigint) => {
  const { balance, ...rest } = holder(rows, id)
  rows.put(Holder, { ...rest, balance: balance + amount })
}

/** gOPEN, or any ERC20Votes token. One transaction may hold a transfer, a delegation and two changes of votes: each event says
 *  what is true after it, so their order is all that counts. */
export const token: Handlers<'GOpen'> = {
  Transfer(rows, { from, to, value }, at) {
    rows.need(
      Holder,
      [from, to].filter((id) => id !== zeroAddress),
    )
    const supply = (change: bigint) => {
      fixQuorums(rows, at)
      setting(rows, 'totalSupply', BigInt(settingOr(rows, 'totalSupply', '0')) + change)
    }
    if (from === zeroAddress) supply(value)
    else move(rows, from, -value)
    if (to === zeroAddress) supply(-value)
    else move(rows, to, value)
  },
  DelegateChanged(rows, { delegator, toDelegate }) {
    rows.put(Holder, { ...holder(rows, delegator), delegate: toDelegate === zeroAddress ? null : toDelegate })
  },
  DelegateVotesChanged(rows, { delegate, newVotes }) {
    rows.put(Holder, { ...holder(rows, delegate), votes: newVotes })
  },
  Approval: null,
  EIP712DomainChanged: null,
}
