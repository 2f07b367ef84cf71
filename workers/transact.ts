import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Account,
  type Address,
  type Chain as ChainDefinition,
  decodeFunctionData,
  encodeFunctionData,
  type Hex,
  keccak256,
  type PublicClient,
  parseTransaction,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  type Transport,
} from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { lockSigner } from '#schema/advisoryLocks.ts'
import type { Database, Sql } from '#schema/database.ts'
import { ChainTransaction } from '#schema/offchain/ledger.ts'
import { columns } from '#schema/rows.ts'
import { ChainError, callAbi, toChainError } from './chainErrors.ts'

/** Chain writes that happen exactly once. A transaction is signed under the operator's lock and stored *before* it is sent; from then
 *  on only these bytes are ever sent for its key, and a nonce is used once on a chain. So a crash at any point, a node that
 *  drops it or a reorganisation ends the same way: the stored bytes are sent again. */

export interface UntypedCall {
  contract: ContractName
  address: Address
  functionName: string
  args: readonly unknown[]
  value: bigint
}

/** A signed call. */
export interface SignedTransaction {
  hash: Hex
  to: Address
  data: Hex
  value: bigint
  status: string
  /** Decodes the arguments with the contract's ABI. */
  args(contract: ContractName): readonly unknown[]
}

export interface Transactor {
  transact(key: string, call: UntypedCall, signal?: AbortSignal): Promise<TransactionReceipt>
  signedTransaction(key: string): Promise<SignedTransaction | undefined>
  rebroadcast(): Promise<number>
}

interface TransactorOptions {
  client: PublicClient<Transport, ChainDefinition>
  account: Account
  db: Database
  log: Logger
  pollMs: number
  receiptTimeoutMs: number
}

/** How often, at least, an unmined transaction is sent again. */
const RESEND_MS = 2_000
/** More than this is no reorganisation. */
const MAX_PENDING = 1_000
/** How long a nonce may look used by someone else before that is believed. */
const NONCE_CONFLICT_MS = 3_000

export function createTransactor(options: TransactorOptions): Transactor {
  const { client, account, db, log, pollMs, receiptTimeoutMs } = options
  const sender = account.address.toLowerCase() as Address

  const findStored = async (key: string, sql: Sql = db): Promise<ChainTransaction | undefined> => {
    const { rows } = await sql.query<ChainTransaction>(
      `select ${columns(ChainTransaction)} from chain_transaction where id = $1`,
      [key],
    )
    if (rows[0] && parseTransaction(rows[0].raw as Hex).chainId !== client.chain.id)
      throw new ChainError(
        'other-chain',
        `Transaction ${key} was signed for another chain than ${client.chain.id}. Use the database that belongs to this chain.`,
      )
    return rows[0]
  }

  const receiptOf = (hash: string) =>
    client.getTransactionReceipt({ hash: hash as Hex }).catch((cause) => {
      if (cause instanceof TransactionReceiptNotFoundError) return undefined
      throw toChainError('Looking for a receipt', cause)
    })

  const transactionCount = (blockTag: 'latest' | 'pending' | 'finalized') =>
    client.getTransactionCount({ address: sender, blockTag }).catch((cause) => {
      throw toChainError('Counting the operator’s transactions', cause)
    })

  const send = async (raw: string) => {
    await client.sendRawTransaction({ serializedTransaction: raw as Hex }).catch((cause: Error) => {
      if (
        /already known|already imported|known transaction|nonce too low|lower than the current nonce/i.test(
          cause.message,
        )
      )
        return
      if (/insufficient funds|exceeds the balance/i.test(cause.message))
        throw new ChainError(
          'no-funds',
          `OPERATOR_KEY: ${sender} cannot pay for gas. Send it some of the chain's native token; the transaction follows by itself.`,
          { cause },
        )
      log.warn({ err: cause }, 'the node refused a transaction; it is sent again')
    })
  }

  /** One signer at a time, over all processes. */
  const withSignerLock = <T>(work: (sql: Sql) => Promise<T>) =>
    db.transaction(async (sql) => {
      await lockSigner(sql, sender, client.chain.id)
      return work(sql)
    })

  const signAt = async (nonce: number, to: Address, data: Hex, value: bigint, gas: bigint) => {
    const common = { chainId: client.chain.id, nonce, to, data, value, gas }
    const raw = await account.signTransaction!({ ...common, ...(await estimateFees(client)) } as never)
    return { raw: raw as Hex, hash: keccak256(raw as Hex) }
  }

  const nextNonce = async (sql: Sql) => {
    const { rows } = await sql.query<{ next: number }>(
      'select coalesce(max(nonce) + 1, 0) as next from chain_transaction where sender = $1',
      [sender],
    )
    return Math.max(rows[0]!.next, await transactionCount('pending'))
  }

  const insert = (sql: Sql, key: string, nonce: number, { hash, raw }: { hash: Hex; raw: Hex }) =>
    sql.query(
      `insert into chain_transaction (id, sender, nonce, hash, raw, status, created_at)
       values ($1, $2, $3, $4, $5, 'Sent', clock_timestamp())
       on conflict (id) do update set nonce = excluded.nonce, hash = excluded.hash, raw = excluded.raw, status = 'Sent', error = null`,
      [key, sender, nonce, hash, raw],
    )

  /** Signs the call under a nonce of its own and stores it, unless that was done before. `dead`: a stored transaction whose nonce
   *  another one has used for good, so that it can never be mined and may be signed anew. */
  const signAndStore = async (key: string, call: UntypedCall, dead?: string): Promise<ChainTransaction> => {
    const data = encodeFunctionData({ abi: callAbi(call.contract), functionName: call.functionName, args: call.args })
    const gas = await estimateGas(client, sender, call)
    await withSignerLock(async (sql) => {
      const known = await findStored(key, sql)
      if (known && known.hash !== dead) return
      const nonce = await nextNonce(sql)
      await insert(sql, key, nonce, await signAt(nonce, call.address, data, call.value, gas))
    })
    return (await findStored(key))!
  }

  /** Sends everything of ours from the chain's next nonce up to `last`: a transaction waits for all before it. Where the database has
   *  none for a nonce and neither has the node, an empty one fills the gap. */
  const sendUpTo = async (last: number): Promise<number> => {
    const from = await transactionCount('latest')
    if (last - from > MAX_PENDING)
      throw new ChainError(
        'other-chain',
        `The chain has ${from} transactions of the operator ${sender}, the database has signed ${last + 1}. Was the chain started anew? Then give it a new database.`,
      )
    const { rows } = await db.query<{ nonce: number; raw: string }>(
      'select nonce, raw from chain_transaction where sender = $1 and nonce between $2 and $3 order by nonce',
      [sender, from, last],
    )
    const known = new Map(rows.map(({ nonce, raw }) => [nonce, raw]))
    for (let nonce = from; nonce <= last; nonce++) {
      const raw = known.get(nonce) ?? (await fillGap(nonce))
      if (raw) await send(raw)
    }
    return Math.max(0, last - from + 1)
  }

  const fillGap = async (nonce: number): Promise<string | undefined> => {
    if ((await transactionCount('pending')) > nonce) return undefined
    return withSignerLock(async (sql) => {
      const { rows } = await sql.query('select raw from chain_transaction where sender = $1 and nonce = $2', [
        sender,
        nonce,
      ])
      if (rows[0]) return rows[0].raw
      log.warn({ nonce }, 'filling a gap between nonces')
      const signed = await signAt(nonce, sender, '0x', 0n, 21_000n)
      await insert(sql, `gap-${client.chain.id}-${sender}-${nonce}`, nonce, signed)
      return signed.raw
    })
  }

  const updateStatus = (hash: string, status: string, error: string | null) =>
    db.query(
      'update chain_transaction set status = $2, error = $3 where hash = $1 and (status, error) is distinct from ($2, $3)',
      [hash, status, error],
    )

  const recordReceipt = async (key: string, call: UntypedCall, receipt: TransactionReceipt) => {
    if (receipt.status === 'success') {
      await updateStatus(receipt.transactionHash, 'Mined', null)
      return receipt
    }
    const fault = await revertReason(client, sender, call, receipt.blockNumber, key)
    await updateStatus(receipt.transactionHash, 'Reverted', fault.message)
    throw fault
  }

  const waitForReceipt = async (key: string, call: UntypedCall, signal?: AbortSignal): Promise<TransactionReceipt> => {
    const started = Date.now()
    let mine = (await findStored(key))!
    let sentAt = 0
    let doubted = 0
    for (;;) {
      signal?.throwIfAborted()
      const receipt = await receiptOf(mine.hash)
      if (receipt) return recordReceipt(key, call, receipt)
      if ((await transactionCount('latest')) > mine.nonce) {
        doubted ||= Date.now()
        if (Date.now() - doubted > NONCE_CONFLICT_MS) {
          if ((await transactionCount('finalized')) <= mine.nonce)
            throw new ChainError(
              'nonce-used',
              `Nonce ${mine.nonce} of the operator ${sender} was used by another transaction. Keep OPERATOR_KEY for the workers alone; this is tried again when that transaction is final.`,
            )
          log.warn({ key, nonce: mine.nonce }, 'another transaction used the nonce for good: signing anew')
          mine = await signAndStore(key, call, mine.hash)
          doubted = 0
          sentAt = 0
        }
      } else {
        doubted = 0
        if (Date.now() - sentAt > RESEND_MS) {
          await sendUpTo(mine.nonce)
          sentAt = Date.now()
          continue
        }
      }
      if (Date.now() - started > receiptTimeoutMs)
        throw new ChainError(
          'not-mined',
          `Transaction ${mine.hash} (${key}) was not mined within ${Math.round(receiptTimeoutMs / 1000)} s. It stays signed; asking again goes on waiting for it.`,
        )
      await sleep(pollMs, undefined, { signal })
    }
  }

  const signedTransaction = async (key: string): Promise<SignedTransaction | undefined> => {
    const row = await findStored(key)
    if (!row) return undefined
    const { to, data = '0x', value = 0n } = parseTransaction(row.raw as Hex)
    const args = (contract: ContractName) => decodeFunctionData({ abi: callAbi(contract), data }).args ?? []
    return { hash: row.hash as Hex, to: to as Address, data, value, status: row.status, args }
  }

  return {
    signedTransaction,
    async transact(key, call, signal) {
      const before = await signedTransaction(key)
      if (!before) await signAndStore(key, call)
      const { to, data } = (await signedTransaction(key))!
      const wanted = encodeFunctionData({
        abi: callAbi(call.contract),
        functionName: call.functionName,
        args: call.args,
      })
      if (to.toLowerCase() !== call.address.toLowerCase() || data !== wanted)
        throw new ChainError(
          'key-reused',
          `The key ${key} already stands for another call than ${call.contract}.${call.functionName} with these arguments. Go on with what was sent, or choose another key.`,
        )
      return waitForReceipt(key, call, signal)
    },
    async rebroadcast() {
      const { rows } = await db.query<{ last: number | null }>(
        'select max(nonce) as last from chain_transaction where sender = $1',
        [sender],
      )
      return rows[0]!.last === null ? 0 : sendUpTo(rows[0]!.last)
    },
  }
}

/** Fees that hold through a long rise of the base fee; only what the block asks is paid. In wei. */
async function estimateFees(client: TransactorOptions['client']) {
  try {
    const { baseFeePerGas } = await client.getBlock()
    if (baseFeePerGas === null) return { type: 'legacy', gasPrice: (await client.getGasPrice()) * 2n }
    const maxPriorityFeePerGas = await client.estimateMaxPriorityFeePerGas().catch(() => 1_000_000_000n)
    return { type: 'eip1559', maxPriorityFeePerGas, maxFeePerGas: baseFeePerGas * 8n + maxPriorityFeePerGas }
  } catch (cause) {
    throw toChainError('Asking for fees', cause)
  }
}

/** The gas limit, with room for a state that changes before the call is mined. @throws ChainError `reverted` when it would revert. */
async function estimateGas(client: TransactorOptions['client'], sender: Address, call: UntypedCall): Promise<bigint> {
  const what = `${call.contract}.${call.functionName}`
  const { address, functionName, args, value } = call
  const made = { abi: callAbi(call.contract), address, functionName, args, value, account: sender } as never
  try {
    await client.simulateContract(made)
    // nodes may reckon with what waits to be mined: the call may revert here, and not before
    const gas = await client.estimateContractGas(made)
    return (gas * 3n) / 2n + 20_000n
  } catch (cause) {
    throw toChainError(what, cause)
  }
}

/** Replays a reverted call around its block to learn the contract's error. */
async function revertReason(
  client: TransactorOptions['client'],
  sender: Address,
  call: UntypedCall,
  block: bigint,
  key: string,
): Promise<ChainError> {
  const { address, functionName, args, value } = call
  for (const blockNumber of [block - 1n, block])
    try {
      await client.simulateContract({
        abi: callAbi(call.contract),
        address,
        functionName,
        args,
        value,
        account: sender,
        blockNumber,
      } as never)
    } catch (cause) {
      const fault = toChainError(`${call.contract}.${call.functionName} (${key})`, cause)
      if (fault.code === 'reverted') return fault
    }
  return new ChainError('reverted', `${call.contract}.${call.functionName} (${key}) was mined and reverted.`)
}
