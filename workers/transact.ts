import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Address,
  type Chain as ChainDefinition,
  decodeFunctionData,
  encodeFunctionData,
  type Hex,
  keccak256,
  type LocalAccount,
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
import {
  ALREADY_SENT,
  ChainMismatchError,
  ChainUnavailableError,
  callAbi,
  INSUFFICIENT_FUNDS,
  RevertError,
  toChainError,
} from './chainErrors.ts'

/** Chain writes that happen exactly once. A transaction is signed under the operator's lock and stored *before* it is sent. From then
 *  on only these bytes are sent for its key, and a chain accepts a nonce only once. Therefore after a crash at any point, a dropped
 *  transaction or a reorganisation, the same stored bytes are sent again. */

export interface UntypedCall {
  contract: ContractName
  address: Address
  functionName: string
  args: readonly unknown[]
  value: bigint
}

export interface SignedTransaction {
  hash: Hex
  to: Address
  data: Hex
  value: bigint
  status: string
  /** Decodes the arguments of the call with the ABI of `contract`. */
  args(contract: ContractName): readonly unknown[]
}

export interface Transactor {
  transact(key: string, call: UntypedCall, signal?: AbortSignal): Promise<TransactionReceipt>
  signedTransaction(key: string): Promise<SignedTransaction | undefined>
  rebroadcast(): Promise<number>
  missingNonces(): Promise<number>
}

interface TransactorOptions {
  client: PublicClient<Transport, ChainDefinition>
  account: LocalAccount
  db: Database
  log: Logger
  pollMs: number
  receiptTimeoutMs: number
}

/** An unmined transaction is sent again after this time. */
const RESEND_MS = 2_000
/** If the chain lacks more transactions than this, it was not reorganised but replaced by another chain. */
const MAX_PENDING = 1_000
/** A nonce must appear used by another transaction for this long; a node that lags may show it for a moment. */
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
      throw new ChainMismatchError(
        'other-chain',
        `Transaction ${key} was signed for another chain than ${client.chain.id}. Use the database that belongs to this chain.`,
      )
    return rows[0]
  }

  const mustFind = async (key: string): Promise<ChainTransaction> => {
    const stored = await findStored(key)
    if (!stored) throw new Error(`Transaction ${key} is not stored.`)
    return stored
  }

  const receiptOf = (hash: string) =>
    client.getTransactionReceipt({ hash: hash as Hex }).catch((cause) => {
      if (cause instanceof TransactionReceiptNotFoundError) return undefined
      throw toChainError('Reading a receipt', cause)
    })

  const transactionCount = (blockTag: 'latest' | 'pending' | 'finalized') =>
    client.getTransactionCount({ address: sender, blockTag }).catch((cause) => {
      throw toChainError('Reading the operator’s nonce', cause)
    })

  const send = async (raw: string) => {
    await client.sendRawTransaction({ serializedTransaction: raw as Hex }).catch((cause: Error) => {
      if (ALREADY_SENT.test(cause.message)) return
      if (INSUFFICIENT_FUNDS.test(cause.message))
        throw new ChainUnavailableError(
          'no-funds',
          `OPERATOR_KEY: ${sender} cannot pay for gas. Send it native tokens of the chain; the transaction is then sent automatically.`,
          { cause },
        )
      log.warn({ err: cause }, 'the node refused a transaction; it will be sent again')
    })
  }

  /** Lets one process at a time sign for the operator. `work` asks the chain nothing: a node that hangs would keep every worker from signing. */
  const withSignerLock = <T>(work: (sql: Sql) => Promise<T>) =>
    db.transaction(async (sql) => {
      await lockSigner(sql, sender, client.chain.id)
      return work(sql)
    })

  type Fees = Awaited<ReturnType<typeof estimateFees>>
  const signAt = async (nonce: number, to: Address, data: Hex, value: bigint, gas: bigint, fees: Fees) => {
    const raw = await account.signTransaction({ chainId: client.chain.id, nonce, to, data, value, gas, ...fees })
    return { raw, hash: keccak256(raw) }
  }

  /** The nonce after the last signed one; 0 without any. */
  const nextStored = async (sql: Sql = db) => {
    const { rows } = await sql.query<{ next: number }>(
      'select coalesce(max(nonce) + 1, 0) as next from chain_transaction where sender = $1',
      [sender],
    )
    return rows[0]?.next ?? 0
  }

  const insert = (sql: Sql, key: string, nonce: number, { hash, raw }: { hash: Hex; raw: Hex }) =>
    sql.query(
      `insert into chain_transaction (id, sender, nonce, hash, raw, status, created_at)
       values ($1, $2, $3, $4, $5, 'Sent', clock_timestamp())
       on conflict (id) do update set nonce = excluded.nonce, hash = excluded.hash, raw = excluded.raw, status = 'Sent', error = null`,
      [key, sender, nonce, hash, raw],
    )

  /** Signs the call with the next nonce and stores it, unless it is stored already. `dead` is the hash of a stored transaction that can
   *  never be mined, because a final transaction used its nonce: it is replaced by a new signature. */
  const signAndStore = async (key: string, call: UntypedCall, dead?: string): Promise<ChainTransaction> => {
    const data = encodeFunctionData({ abi: callAbi(call.contract), functionName: call.functionName, args: call.args })
    const gas = await estimateGas(client, sender, call)
    const [fees, pending] = await Promise.all([estimateFees(client), transactionCount('pending')])
    await withSignerLock(async (sql) => {
      const known = await findStored(key, sql)
      if (known && known.hash !== dead) return
      const nonce = Math.max(await nextStored(sql), pending) // what the workers signed since `pending` was read is stored
      await insert(sql, key, nonce, await signAt(nonce, call.address, data, call.value, gas, fees))
    })
    return mustFind(key)
  }

  /** Sends all stored transactions from the chain's next nonce up to `last`, because a transaction waits for all earlier nonces. If
   *  neither the database nor the node has a transaction for a nonce, an empty transaction fills the gap. */
  const sendUpTo = async (last: number): Promise<number> => {
    const from = await transactionCount('latest')
    if (last - from > MAX_PENDING)
      throw new ChainMismatchError(
        'other-chain',
        `The chain has ${from} transactions of the operator ${sender}, but the database has ${last + 1} signed ones. If the chain was recreated, use a new database.`,
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
    const fees = await estimateFees(client)
    return withSignerLock(async (sql) => {
      const { rows } = await sql.query('select raw from chain_transaction where sender = $1 and nonce = $2', [
        sender,
        nonce,
      ])
      if (rows[0]) return rows[0].raw
      log.warn({ nonce }, 'no transaction has this nonce; an empty transaction fills the gap')
      const signed = await signAt(nonce, sender, '0x', 0n, 21_000n, fees)
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
    const error = await revertReason(client, sender, call, receipt.blockNumber, key)
    await updateStatus(receipt.transactionHash, 'Reverted', error.message)
    throw error
  }

  const waitForReceipt = async (key: string, call: UntypedCall, signal?: AbortSignal): Promise<TransactionReceipt> => {
    const started = performance.now()
    let stored = await mustFind(key)
    let sentAt = Number.NEGATIVE_INFINITY
    let conflictSince = 0
    for (;;) {
      signal?.throwIfAborted()
      const receipt = await receiptOf(stored.hash)
      if (receipt) return recordReceipt(key, call, receipt)
      if ((await transactionCount('latest')) > stored.nonce) {
        conflictSince ||= performance.now()
        if (performance.now() - conflictSince > NONCE_CONFLICT_MS) {
          if ((await transactionCount('finalized')) <= stored.nonce)
            throw new ChainUnavailableError(
              'nonce-used',
              `Nonce ${stored.nonce} of the operator ${sender} was used by another transaction. Use OPERATOR_KEY only for the workers. A retry succeeds once that transaction is final.`,
            )
          log.warn({ key, nonce: stored.nonce }, 'a final transaction used the nonce; signing again with a new nonce')
          stored = await signAndStore(key, call, stored.hash)
          conflictSince = 0
          sentAt = Number.NEGATIVE_INFINITY
        }
      } else {
        conflictSince = 0
        if (performance.now() - sentAt > RESEND_MS) {
          await sendUpTo(stored.nonce)
          sentAt = performance.now()
          continue
        }
      }
      if (performance.now() - started > receiptTimeoutMs)
        throw new ChainUnavailableError(
          'not-mined',
          `Transaction ${stored.hash} (${key}) was not mined within ${Math.round(receiptTimeoutMs / 1000)} s. It stays stored; a retry continues to wait for it.`,
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
      const { raw } = (await findStored(key)) ?? (await signAndStore(key, call))
      const { to, data } = parseTransaction(raw as Hex)
      const expected = encodeFunctionData({
        abi: callAbi(call.contract),
        functionName: call.functionName,
        args: call.args,
      })
      if (to?.toLowerCase() !== call.address.toLowerCase() || data !== expected)
        throw new ChainMismatchError(
          'key-reused',
          `The key ${key} is already used for another call than ${call.contract}.${call.functionName} with these arguments. Use the transaction that was sent, or choose another key.`,
        )
      return waitForReceipt(key, call, signal)
    },
    async rebroadcast() {
      const next = await nextStored()
      return next ? sendUpTo(next - 1) : 0
    },
    async missingNonces() {
      return Math.max(0, (await nextStored()) - (await transactionCount('pending')))
    },
  }
}

/** Fee limits in wei that stay valid while the base fee rises eightfold; only the actual base fee and the tip are paid. */
async function estimateFees(client: TransactorOptions['client']) {
  try {
    const { baseFeePerGas } = await client.getBlock()
    if (baseFeePerGas === null) return { type: 'legacy' as const, gasPrice: (await client.getGasPrice()) * 2n }
    const maxPriorityFeePerGas = await client.estimateMaxPriorityFeePerGas().catch(() => 1_000_000_000n)
    return { type: 'eip1559' as const, maxPriorityFeePerGas, maxFeePerGas: baseFeePerGas * 8n + maxPriorityFeePerGas }
  } catch (cause) {
    throw toChainError('Estimating fees', cause)
  }
}

/** The gas limit, with a margin for state changes before the call is mined. @throws RevertError when the call would revert. */
async function estimateGas(client: TransactorOptions['client'], sender: Address, call: UntypedCall): Promise<bigint> {
  const what = `${call.contract}.${call.functionName}`
  const { address, functionName, args, value } = call
  // viem cannot type a call whose contract is known only at run time
  const request = { abi: callAbi(call.contract), address, functionName, args, value, account: sender } as never
  try {
    await client.simulateContract(request)
    // a node may include pending transactions in the estimate: the call may revert only here
    const gas = await client.estimateContractGas(request)
    return (gas * 3n) / 2n + 20_000n
  } catch (cause) {
    throw toChainError(what, cause)
  }
}

/** Simulates a reverted call at its block and at the one before, to find the contract's error. */
async function revertReason(
  client: TransactorOptions['client'],
  sender: Address,
  call: UntypedCall,
  block: bigint,
  key: string,
): Promise<RevertError> {
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
      } as never) // viem cannot type a call whose contract is known only at run time
    } catch (cause) {
      const error = toChainError(`${call.contract}.${call.functionName} (${key})`, cause)
      if (error instanceof RevertError) return error
    }
  return new RevertError(`${call.contract}.${call.functionName} (${key}) was mined and reverted.`)
}
