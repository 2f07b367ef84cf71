import { type Hex, parseTransaction } from 'viem'
import type { Sql } from '#schema/database.ts'
import { EMPTY_TRANSACTION_PREFIX } from './signedTransactions.ts'

/** How many signed transactions the average is of. */
const AVERAGED = 50
/** The gas of a transaction as long as nothing is signed. */
const FIRST_GAS = 500_000n
/** Nodes accept a transaction only while its account could pay twice the present price: see `estimateFees`. */
const RESERVE_FACTOR = 2n

/** How many more transactions of average size `balance` pays for at `gasPrice` (both in wei). */
export async function transactionsLeft(sql: Sql, sender: string, balance: bigint, gasPrice: bigint): Promise<number> {
  return Number(balance / (((await averageGas(sql, sender)) * gasPrice || 1n) * RESERVE_FACTOR))
}

/** The average gas limit of the newest transactions of an account. */
async function averageGas(sql: Sql, sender: string): Promise<bigint> {
  const { rows } = await sql.query<{ raw: Hex }>(
    `select raw from chain_transaction where sender = $1 and id not like $2 order by nonce desc limit ${AVERAGED}`,
    [sender, `${EMPTY_TRANSACTION_PREFIX}%`],
  )
  if (!rows.length) return FIRST_GAS
  const sum = rows.reduce((total, { raw }) => total + (parseTransaction(raw).gas ?? FIRST_GAS), 0n)
  return sum / BigInt(rows.length)
}
