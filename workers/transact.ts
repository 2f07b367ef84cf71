import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Address,
  type Chain as ChainDefinition,
  decodeFunctionData,
  encodeFunctionData,
  type Hex,
  type LocalAccount,
  type PublicClient,
  parseTransaction,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  type Transport,
} from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import type { Database } from '#schema/database.ts'
import type { ChainTransaction } from '#schema/offchain/ledger.ts'
import {
  ChainMismatchError,
  ChainUnavailableError,
  callAbi,
  nodeText,
  RevertError,
  toChainError,
} from './chainErrors.ts'
import { estimateFees, type Fees, priceOf, replacementFees } from './fees.ts'
import { estimateGas, type GasOptions, revertReason, type UntypedCall } from './gas.ts'
import { minedWithNonce } from './minedNonce.ts'
import { type Refusal, refusalOf } from './refusals.ts'
import { emptyTransactionKey, hashesOf, openSignedTransactions, signedFees } from './signedTransactions.ts'
import { StuckTransactions } from './stuckTransactions.ts'

/** Chain writes that happen exactly once. A transaction is signed under the operator's lock and stored *before* it is sent. From then
 *  on only these bytes are sent for its key, or bytes for the same nonce with a higher fee, and a chain accepts a nonce only once. Therefore
 *  after a crash at any point, a dropped transaction or a reorganisation, the same transaction is sent again.
 *
 *  A nonce that is not mined blocks all later ones. So nothing takes a nonce before its gas is known and can be paid; the transaction of the next
 *  nonce is replaced at a higher fee when it is not mined, and by an empty one when no block can take it. */

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
  transact(key: string, call: UntypedCall, options?: TransactOptions): Promise<TransactionReceipt>
  signedTransaction(key: string): Promise<SignedTransaction | undefined>
  rebroadcast(): Promise<number>
  missingNonces(): Promise<number>
}

export interface TransactOptions {
  signal?: AbortSignal
  /** Whether a call that was mined and reverted is signed once more when it would succeed. Only for one that the contract refuses a second time: a copy of the
   *  database may not know that it has succeeded since. */
  again?: boolean
}

export interface TransactorOptions extends GasOptions {
  client: PublicClient<Transport, ChainDefinition>
  account: LocalAccount
  db: Database
  log: Logger
  pollMs: number
  receiptTimeoutMs: number
  /** A transaction that could be mined and is not is replaced after this time. */
  replaceAfterMs: number
  /** The most that a unit of gas may cost, in wei. */
  maxFee: bigint
  /** The environment variable that has the key, for messages. */
  keyName: string
}

/** An unmined transaction is sent again after this time. */
const RESEND_MS = 2_000
/** If the chain lacks more transactions than this, it was not reorganised but replaced by another chain. */
const MAX_PENDING = 1_000
/** A nonce must appear used by another transaction for this long; a node that lags may show it for a moment. */
const NONCE_CONFLICT_MS = 3_000
/** The gas of a transfer. */
const EMPTY_GAS = 21_000n

/** The reason of a revert that was found before: nodes forget the states by which it is found. */
function recordedRevert({ status, hash, error }: ChainTransaction, mined: Hex): RevertError | undefined {
  const errorName = /reverts: (\w+)\(/.exec(error ?? '')?.[1]
  return status === 'Reverted' && hash === mined && errorName ? new RevertError(error ?? '', { errorName }) : undefined
}

export function createTransactor(options: TransactorOptions): Transactor {
  const { client, account, db, log, pollMs, receiptTimeoutMs, replaceAfterMs, maxFee, keyName } = options
  const sender = account.address.toLowerCase() as Address
  const chainId = client.chain.id
  const journal = openSignedTransactions(db, sender, chainId)
  const stuck = new StuckTransactions(client, replaceAfterMs)

  const mustFind = async (key: string): Promise<ChainTransaction> => {
    const stored = await journal.find(key)
    if (!stored) throw new Error(`Transaction ${key} is not stored.`)
    return stored
  }

  const receiptOf = (hash: Hex) =>
    client.getTransactionReceipt({ hash }).catch((cause) => {
      if (cause instanceof TransactionReceiptNotFoundError) return undefined
      throw toChainError('Reading a receipt', cause)
    })

  const transactionCount = (blockTag: 'latest' | 'pending' | 'finalized') =>
    client.getTransactionCount({ address: sender, blockTag }).catch((cause) => {
      throw toChainError('Reading the operator’s nonce', cause)
    })

  const noFunds = (cause?: unknown) =>
    new ChainUnavailableError(
      'no-funds',
      `${keyName}: ${sender} cannot pay for gas. Send it native tokens of the chain; the transaction is then sent automatically.`,
      { cause },
    )

  /** Gives signed bytes to the node. @throws ChainUnavailableError when the operator cannot pay for them. */
  const send = async (raw: string): Promise<Refusal | undefined> => {
    try {
      await client.sendRawTransaction({ serializedTransaction: raw as Hex })
    } catch (cause) {
      const refusal = refusalOf(nodeText(cause))
      if (refusal === 'funds') throw noFunds(cause)
      if (refusal === 'other') log.warn({ err: cause }, 'the node refused a transaction; it will be sent again')
      return refusal
    }
  }

  interface Unsigned {
    nonce: number
    to: Address
    data: Hex
    value: bigint
    gas: bigint
  }
  const sign = (transaction: Unsigned, fees: Fees) => account.signTransaction({ chainId, ...transaction, ...fees })
  const emptyAt = (nonce: number): Unsigned => ({ nonce, to: sender, data: '0x', value: 0n, gas: EMPTY_GAS })

  /** A transaction that nobody can pay for takes no nonce: it would block those behind it. */
  const requireFunds = async (cost: bigint) => {
    const balance = await client.getBalance({ address: sender }).catch((cause) => {
      throw toChainError('Reading the operator’s balance', cause)
    })
    if (balance < cost) throw noFunds()
  }

  /** Signs the call with the next nonce and stores it, unless it is stored already. `dead` is the hash of a stored transaction that can
   *  never be mined, because a final transaction used its nonce: it is replaced by a new signature. */
  const signAndStore = async (key: string, call: UntypedCall, dead?: string): Promise<ChainTransaction> => {
    const data = encodeFunctionData({ abi: callAbi(call.contract), functionName: call.functionName, args: call.args })
    const gas = await estimateGas(client, sender, call, options)
    const [fees, pending] = await Promise.all([estimateFees(client, maxFee), transactionCount('pending')])
    await requireFunds(gas * priceOf(fees) + call.value)
    await journal.withLock(async (sql) => {
      const known = await journal.find(key, sql)
      if (known && known.hash !== dead) return
      const nonce = Math.max(await journal.next(sql), pending) // what the workers signed since `pending` was read is stored
      const raw = await sign({ nonce, to: call.address, data, value: call.value, gas }, fees)
      await journal.insert(sql, key, nonce, raw)
    })
    return mustFind(key)
  }

  /** Sends all stored transactions from the chain's next nonce up to `last`, because a transaction waits for all earlier nonces. If
   *  neither the database nor the node has a transaction for a nonce, an empty transaction fills the gap. */
  const sendUpTo = async (last: number): Promise<number> => {
    const next = await transactionCount('latest')
    if (last - next > MAX_PENDING)
      throw new ChainMismatchError(
        'other-chain',
        `The chain has ${next} transactions of the operator ${sender}, but the database has ${last + 1} signed ones. If the chain was recreated, use a new database.`,
      )
    const known = new Map((await journal.between(next, last)).map((one) => [one.nonce, one]))
    for (let nonce = next; nonce <= last; nonce++) {
      const stored = known.get(nonce) ?? (await fillGap(nonce))
      if (!stored) continue
      const refusal = await send(stored.raw)
      if (refusal === 'impossible') await cancel(stored)
      else if (nonce === next && (await stuck.includes(stored, refusal))) await replace(stored)
    }
    return Math.max(0, last - next + 1)
  }

  const fillGap = async (nonce: number): Promise<ChainTransaction | undefined> => {
    if ((await transactionCount('pending')) > nonce) return undefined
    const raw = await sign(emptyAt(nonce), await estimateFees(client, maxFee))
    return journal.withLock(async (sql) => {
      const [found] = await journal.between(nonce, nonce, sql)
      if (found) return found
      log.warn({ nonce }, 'no transaction has this nonce; an empty transaction fills the gap')
      const key = emptyTransactionKey(chainId, sender, nonce)
      await journal.insert(sql, key, nonce, raw)
      return journal.find(key, sql)
    })
  }

  /** Sends the same transaction at a higher fee. */
  const replace = async (old: ChainTransaction) => {
    const fees = await replacementFees(client, signedFees(old.raw), maxFee)
    if (!fees) return stuck.warnOnce(old, log)
    const { to, data = '0x', value = 0n, gas = EMPTY_GAS } = parseTransaction(old.raw as Hex)
    const raw = await sign({ nonce: old.nonce, to: to as Address, data, value, gas }, fees)
    const isReplaced = await journal.withLock(async (sql) => {
      const [present] = await journal.between(old.nonce, old.nonce, sql)
      if (present?.hash !== old.hash) return false // another worker was faster
      await journal.replace(sql, old, raw)
      return true
    })
    if (!isReplaced) return
    log.warn(
      { key: old.id, nonce: old.nonce, fee: priceOf(fees) },
      'a transaction is not mined: sent again at a higher fee',
    )
    await send(raw)
  }

  /** Uses the nonce of a transaction that no block can take for an empty one. */
  const cancel = async (old: ChainTransaction) => {
    const present = await estimateFees(client, maxFee)
    const fees = (await replacementFees(client, signedFees(old.raw), maxFee)) ?? present
    const raw = await sign(emptyAt(old.nonce), fees)
    const isCancelled = await journal.withLock(async (sql) => {
      const [found] = await journal.between(old.nonce, old.nonce, sql)
      if (found?.hash !== old.hash) return false
      await journal.cancel(sql, old.id, 'No block of this chain can take the transaction.')
      await journal.insert(sql, emptyTransactionKey(chainId, sender, old.nonce), old.nonce, raw)
      return true
    })
    if (!isCancelled) return
    log.error({ key: old.id, nonce: old.nonce }, 'no block can take a transaction: cancelled by an empty one')
    await send(raw)
  }

  const minedOf = async (stored: ChainTransaction): Promise<TransactionReceipt | undefined> => {
    for (const hash of hashesOf(stored)) {
      const receipt = await receiptOf(hash)
      if (receipt) return receipt
    }
  }

  /** The receipt of the same call at the same nonce under a hash that the journal lacks, because an older copy of the database was restored after
   *  the transaction had been replaced. */
  const minedUnknown = async (stored: ChainTransaction): Promise<TransactionReceipt | undefined> => {
    const mined = await minedWithNonce(client, sender, stored.nonce)
    const { to, data = '0x', value = 0n } = parseTransaction(stored.raw as Hex)
    const isSame = mined?.to?.toLowerCase() === to?.toLowerCase() && mined?.input === data && mined.value === value
    return mined && isSame ? receiptOf(mined.hash) : undefined
  }

  const recordReceipt = async (
    stored: ChainTransaction,
    call: UntypedCall,
    receipt: TransactionReceipt,
    again = false,
  ) => {
    if (receipt.status === 'success') {
      await journal.settle(stored, receipt.transactionHash, null)
      return receipt
    }
    const error =
      recordedRevert(stored, receipt.transactionHash) ??
      (await revertReason(client, sender, call, receipt.blockNumber, stored.id))
    await journal.settle(stored, receipt.transactionHash, error.message)
    error.isMined = !again
    throw error
  }

  const waitForReceipt = async (
    key: string,
    call: UntypedCall,
    { signal, again }: TransactOptions,
  ): Promise<TransactionReceipt> => {
    const started = performance.now()
    let sentAt = Number.NEGATIVE_INFINITY
    let conflictSince = 0
    for (;;) {
      signal?.throwIfAborted()
      const stored = await mustFind(key) // any worker may have replaced or cancelled it
      const receipt = await minedOf(stored)
      if (receipt) return recordReceipt(stored, call, receipt, again)
      if (stored.status === 'Cancelled') await estimateGas(client, sender, call, options) // if it still cannot be mined, the job fails now
      if ((await transactionCount('latest')) > stored.nonce) {
        conflictSince ||= performance.now()
        if (performance.now() - conflictSince > NONCE_CONFLICT_MS) {
          const unknown = await minedUnknown(stored)
          if (unknown) return recordReceipt(stored, call, unknown, again)
          if ((await transactionCount('finalized')) <= stored.nonce)
            throw new ChainUnavailableError(
              'nonce-used',
              `Nonce ${stored.nonce} of the operator ${sender} was used by another transaction. Use ${keyName} only here. A retry succeeds once that transaction is final.`,
            )
          log.warn({ key, nonce: stored.nonce }, 'a final transaction used the nonce; signing again with a new nonce')
          await signAndStore(key, call, stored.hash)
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

  /** Signs a reverted call again when what reverted it has passed: a pause, or another call of the same block. Not before its revert is final: in another fork the
   *  first one may succeed. */
  const signAgain = async (reverted: ChainTransaction, call: UntypedCall) => {
    const [mined, final] = await Promise.all([
      minedOf(reverted),
      client.getBlock({ blockTag: 'finalized' }).catch(() => undefined),
    ])
    if (mined?.status !== 'reverted' || !final || mined.blockNumber > final.number) return
    try {
      await signAndStore(reverted.id, call, reverted.hash)
    } catch (error) {
      if (!(error instanceof RevertError)) throw error // else it would still be reverted, and its caller learns why it was
    }
  }

  const signedTransaction = async (key: string): Promise<SignedTransaction | undefined> => {
    const row = await journal.find(key)
    if (!row) return undefined
    const { to, data = '0x', value = 0n } = parseTransaction(row.raw as Hex)
    const args = (contract: ContractName) => decodeFunctionData({ abi: callAbi(contract), data }).args ?? []
    return { hash: row.hash as Hex, to: to as Address, data, value, status: row.status, args }
  }

  return {
    signedTransaction,
    async transact(key, call, options = {}) {
      const stored = (await journal.find(key)) ?? (await signAndStore(key, call))
      const { to, data } = parseTransaction(stored.raw as Hex)
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
      if (options.again && stored.status === 'Reverted') await signAgain(stored, call)
      return waitForReceipt(key, call, options)
    },
    async rebroadcast() {
      const next = await journal.next()
      return next ? sendUpTo(next - 1) : 0
    },
    async missingNonces() {
      return Math.max(0, (await journal.next()) - (await transactionCount('pending')))
    },
  }
}
