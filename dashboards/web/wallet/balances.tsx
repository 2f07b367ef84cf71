import { useEffect, useState } from 'react'
import type { Client } from '#client/client.ts'
import { type Balance, balanceOf } from '#client/reads/balance.ts'
import { exactly, gopen } from '../say/figures.ts'

const EVERY_MS = 4000

/** What an account has, by the contracts. */
export function Balances({ client, account }: { client: Client; account: `0x${string}` }) {
  const [balance, setBalance] = useState<Balance>()
  useEffect(() => {
    const read = () => void balanceOf(client, account).then(setBalance, () => setBalance(undefined))
    read()
    const timer = setInterval(read, EVERY_MS)
    return () => clearInterval(timer)
  }, [client, account])
  if (!balance) return <p className="quiet">Reading what you have…</p>
  const rows = [
    ['Native tokens, for gas', balance.native],
    ['gOPEN, free', balance.gOpen],
    ['gOPEN, locked to vote', balance.locked],
    ['Votes you cast', balance.votes],
  ] as const
  return (
    <dl className="balances">
      {rows.map(([label, wei]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd title={exactly(wei)}>{gopen(wei)}</dd>
        </div>
      ))}
    </dl>
  )
}
