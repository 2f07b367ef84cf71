import { type Address, type Hex, keccak256, parseTransaction } from 'viem'
import { lockSigner } from '#schema/advisoryLocks.ts'
import type { Database, Sql } from '#schema/database.ts'
import { ChainTransaction } from '#schema/offchain/ledger.ts'
import { columns } from '#schema/rows.ts'
import { ChainMismatchError } from './chainErrors.ts'
import type { Fees } from './fees.ts'

/** The journal of an operator's signed transactions, in the database. Whatever is signed is stored here under the signer's lock before it is
 *  sent, so that after a crash at any point the same bytes are sent again. */
export interface SignedTransactions {
  /** @throws ChainMismatchError when it was signed for another chain. */
  find(key: string, sql?: Sql): Promise<ChainTransaction | undefined>
  /** What is to be sent for these nonces, at most one transaction for each. */
  between(first: number, last: number, sql?: Sql): Promise<ChainTransaction[]>
  /** The nonce after the last signed one; 0 without any. */
  next(sql?: Sql): Promise<number>
  /** Lets one process at a time sign for the operator. `work` asks the chain nothing: a node that hangs would keep every worker from
   *  signing. */
  withLock<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  insert(sql: Sql, key: string, nonce: number, raw: Hex): Promise<void>
  /** Puts new bytes in the place of those of `old`, of which one or the other will be mined. */
  replace(sql: Sql, old: ChainTransaction, raw: Hex): Promise<void>
  /** Gives up a transaction that no block can take. Its key is signed again with another nonce. */
  cancel(sql: Sql, id: string, why: string): Promise<void>
  /** Records which of a key's transactions was mined, and with what result. */
  settle(stored: ChainTransaction, mined: Hex, error: string | null): Promise<void>
}

/** Empty transactions, which only use a nonce, have such a key. */
export const EMPTY_TRANSACTION_PREFIX = 'gap-'
export const emptyTransactionKey = (chainId: number, sender: Address, nonce: number) =>
  `${EMPTY_TRANSACTION_PREFIX}${chainId}-${sender}-${nonce}`

/** The hashes of a key's transactions, the newest first: at most one of them is ever mined. */
export const hashesOf = ({ hash, replaced }: ChainTransaction): Hex[] => [
  hash as Hex,
  ...(replaced ?? []).map((raw) => keccak256(raw as Hex)).reverse(),
]

export function signedFees(raw: string): Fees {
  const { gasPrice = 0n, maxFeePerGas, maxPriorityFeePerGas = 0n } = parseTransaction(raw as Hex)
  return maxFeePerGas === undefined
    ? { type: 'legacy', gasPrice }
    : { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas }
}

export function openSignedTransactions(db: Database, sender: Address, chainId: number): SignedTransactions {
  const list = columns(ChainTransaction)
  return {
    async find(key, sql = db) {
      const { rows } = await sql.query<ChainTransaction>(`select ${list} from chain_transaction where id = $1`, [key])
      if (rows[0] && parseTransaction(rows[0].raw as Hex).chainId !== chainId)
        throw new ChainMismatchError(
          'other-chain',
          `Transaction ${key} was signed for another chain than ${chainId}. Use the database that belongs to this chain.`,
        )
      return rows[0]
    },
    async between(first, last, sql = db) {
      const { rows } = await sql.query<ChainTransaction>(
        `select ${list} from chain_transaction where sender = $1 and nonce between $2 and $3 and status <> 'Cancelled' order by nonce`,
        [sender, first, last],
      )
      return rows
    },
    async next(sql = db) {
      const { rows } = await sql.query<{ next: number }>(
        'select coalesce(max(nonce) + 1, 0) as next from chain_transaction where sender = $1',
        [sender],
      )
      return rows[0]?.next ?? 0
    },
    withLock: (work) =>
      db.transaction(async (sql) => {
        await lockSigner(sql, sender, chainId)
        return work(sql)
      }),
    async insert(sql, key, nonce, raw) {
      await sql.query(
        `insert into chain_transaction (id, sender, nonce, hash, raw, status, created_at)
         values ($1, $2, $3, $4, $5, 'Sent', clock_timestamp())
         on conflict (id) do update set nonce = excluded.nonce, hash = excluded.hash, raw = excluded.raw, status = 'Sent', error = null,
           replaced = null`,
        [key, sender, nonce, keccak256(raw), raw],
      )
    },
    async replace(sql, old, raw) {
      await sql.query(
        `update chain_transaction set raw = $2, hash = $3, replaced = array_append(replaced, $4) where id = $1`,
        [old.id, raw, keccak256(raw), old.raw],
      )
    },
    async cancel(sql, id, why) {
      await sql.query(`update chain_transaction set status = 'Cancelled', error = $2 where id = $1`, [id, why])
    },
    async settle({ id, nonce, raw, replaced }, mined, error) {
      const all = [...(replaced ?? []), raw]
      const one = all.find((bytes) => keccak256(bytes as Hex) === mined) ?? raw
      const others = all.filter((bytes) => bytes !== one)
      await db.query(
        `update chain_transaction set status = $2, error = $3, hash = $4, raw = $5, replaced = $6
         where id = $1 and nonce = $7 and (status, error, hash) is distinct from ($2, $3, $4)`, // not what was signed again meanwhile
        [id, error === null ? 'Mined' : 'Reverted', error, mined, one, others.length ? others : null, nonce],
      )
    },
  }
}
