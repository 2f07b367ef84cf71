import {
  BaseError,
  type Hex,
  keccak256,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { accountOf, walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError, ContractRefusal, UnavailableError } from '../errors.ts'
import { inOrder } from '../inOrder.ts'
import { pause } from '../pause.ts'
import type { SentCall } from './contracts.ts'
import { explainRefusal } from './explainRefusal.ts'
import { findByNonce } from './findByNonce.ts'
import { type MinedTransaction, minedTransaction } from './minedTransaction.ts'
import { dataOf, neededGas } from './neededGas.ts'
import { planCall } from './planCall.ts'
import { refusalOfWallet } from './refusalOfWallet.ts'
import { type SentBundle, sendBundle } from './sendBundle.ts'

/** A transaction as it is recorded before it is sent. A wallet that signs and sends in one step gives its hash only afterwards. */
export type SentRecord = SentTransaction | SentBundle

interface SentTransaction {
  nonce: number
  hash?: Hex
  raw?: Hex
}

export interface Sending {
  /** The record of an earlier attempt to send this call. */
  known?: SentRecord
  /** Keeps the record, or forgets it. */
  remember(sent: SentRecord | undefined): Promise<void>
  onSent(hash: Hex): void
}

const FIRST_POLL_MS = 4
const MAX_WAIT_MS = 600_000

/** Sends a call and waits until it is mined. A call that was sent before is never sent twice: its signed bytes, or its nonce, are used again.
 *  @throws ContractRefusal when the contract refuses, UnavailableError when the node does not take or mine it. */
export async function sendOnce(client: Client, call: SentCall, sending: Sending): Promise<MinedTransaction> {
  if (client.plan) return planCall(client, call)
  // One after the other for each account, so that every transaction gets a nonce of its own.
  return inOrder(`${client.deployment.chainId}/${accountOf(client)}`, async () => {
    const { known } = sending
    const receipt = await mined(client, call, known, sending)
    if (receipt.status === 'success') return minedTransaction(client.deployment, receipt)
    await sending.remember(undefined)
    const { contract, functionName } = call
    throw new ContractRefusal(
      `${contract}.${functionName} was reverted in block ${receipt.blockNumber}, although it passed a trial before: something changed in between. Look at the state, and try again.`,
      contract,
      functionName,
    )
  })
}

async function mined(
  client: Client,
  call: SentCall,
  known: SentRecord | undefined,
  sending: Sending,
): Promise<TransactionReceipt> {
  if (known && 'bundle' in known) return sendBundle(client, call, sending, known)
  const receipt = known && (await resume(client, call, known, sending))
  if (receipt) return receipt
  const isSigned = walletOf(client).account.type === 'local'
  return !isSigned && (await isContract(client)) ? sendBundle(client, call, sending) : sendNew(client, call, sending)
}

/** The receipt of a call that was sent before; undefined when another transaction has taken its place. */
async function resume(
  client: Client,
  call: SentCall,
  { nonce, hash, raw }: SentTransaction,
  sending: Sending,
): Promise<TransactionReceipt | undefined> {
  if (!hash) {
    const mined = await minedCount(client)
    if (mined <= nonce) return sendNew(client, call, sending, nonce)
    const found = await findByNonce(client.node, accountOf(client), nonce)
    const ours = found?.input === dataOf(call)
    return ours ? client.node.getTransactionReceipt({ hash: found.hash }) : undefined
  }
  const receipt = await receiptOf(client, hash)
  if (receipt) return receipt
  const sent = raw && (await client.node.sendRawTransaction({ serializedTransaction: raw }).catch(() => undefined))
  const known = sent ?? (await client.node.getTransaction({ hash }).catch(() => undefined))
  if (known || (await minedCount(client)) > nonce) return awaitMined(client, { nonce, hash })
  return sendNew(client, call, sending, nonce) // the node does not take the bytes any more, or the wallet's were lost: the same nonce keeps it single
}

/** How often a call gets another nonce, because a program that uses the same account was faster. */
const MAX_NONCES = 10

/** @param at the nonce of a call that may have been sent before */
async function sendNew(
  client: Client,
  call: SentCall,
  sending: Sending,
  at?: number,
  tries = MAX_NONCES,
): Promise<TransactionReceipt> {
  const { node, chain, deployment } = client
  const wallet = walletOf(client)
  const { account } = wallet
  const { value = 0n } = call
  const to = deployment.addresses[call.contract]
  const data = dataOf(call)
  const failed = (cause: unknown) => explainRefusal(call, cause)
  const gas = await neededGas(client, call)
  const nonce = at ?? (await node.getTransactionCount({ address: account.address, blockTag: 'pending' }))
  let hash: Hex
  if (account.type === 'local') {
    const request = await wallet
      .prepareTransactionRequest({ account, chain, to, data, value, nonce, gas })
      .catch((cause) => Promise.reject(failed(cause)))
    const raw = await wallet.signTransaction(request as never) // viem's type asks for the account again
    hash = keccak256(raw)
    await sending.remember({ nonce, hash, raw })
    try {
      await node.sendRawTransaction({ serializedTransaction: raw })
    } catch (cause) {
      const isTaken = at === undefined && isNonceTaken(cause) && !(await isKnown(client, hash))
      if (!isTaken || tries === 1) throw failed(cause)
      await sending.remember(undefined)
      await pause(client.pollMs, client.signal)
      return sendNew(client, call, sending, undefined, tries - 1)
    }
  } else {
    await sending.remember({ nonce })
    try {
      hash = await wallet.sendTransaction({ account, chain, to, data, value, nonce, gas })
    } catch (cause) {
      const refusal = refusalOfWallet(cause)
      if (!refusal) throw failed(cause)
      await sending.remember(undefined)
      throw refusal
    }
    await sending.remember({ nonce, hash })
  }
  sending.onSent(hash)
  const receipt = await awaitMined(client, { nonce, hash })
  if (receipt) return receipt
  await sending.remember(undefined)
  throw new ClientError(
    `Another transaction of ${account.address} took the place of ${hash}. Does another program use the account? Try again.`,
  )
}

/** Whether a node refuses a transaction because another one of the account has its nonce. */
const isNonceTaken = (cause: unknown): boolean =>
  cause instanceof BaseError &&
  /nonce too low|nonce has already been used|replacement transaction underpriced/i.test(
    `${cause.shortMessage} ${cause.details}`,
  )

/** Whether the node has it all the same: an answer was lost, and the same bytes were sent again. */
const isKnown = ({ node }: Client, hash: Hex): Promise<boolean> =>
  node.getTransaction({ hash }).then(
    () => true,
    (error) => !(error instanceof TransactionNotFoundError),
  )

/** The code of a plain account that has delegated to a contract (EIP-7702). */
const DELEGATION = '0xef0100'

/** Whether the account is a contract, whose owners sign. */
async function isContract(client: Client): Promise<boolean> {
  const code = await client.node.getCode({ address: accountOf(client) })
  return !!code && code !== '0x' && !code.startsWith(DELEGATION)
}

const minedCount = (client: Client): Promise<number> =>
  client.node.getTransactionCount({ address: accountOf(client), blockTag: 'latest' })

const receiptOf = ({ node }: Client, hash: Hex): Promise<TransactionReceipt | undefined> =>
  node.getTransactionReceipt({ hash }).catch((error) => {
    if (error instanceof TransactionReceiptNotFoundError) return undefined
    throw new UnavailableError(`The node does not tell whether ${hash} is mined. Try again.`, { cause: error })
  })

/** Waits for the receipt; undefined when another transaction with the same nonce is mined. */
async function awaitMined(
  client: Client,
  { nonce, hash }: { nonce: number; hash: Hex },
): Promise<TransactionReceipt | undefined> {
  const deadline = Date.now() + MAX_WAIT_MS
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(2 * wait, client.pollMs)) {
    const passed = (await minedCount(client)) > nonce
    const receipt = await receiptOf(client, hash)
    if (receipt) return receipt
    // A node may count a transaction a moment before it has the receipt: only the transaction with the nonce tells whose it is.
    const taken = passed && (await findByNonce(client.node, accountOf(client), nonce).catch(() => undefined))
    if (taken && taken.hash !== hash) return undefined
    if (Date.now() > deadline)
      throw new UnavailableError(
        `${hash} was sent but is not mined after ${MAX_WAIT_MS / 60_000} minutes. Try again: it will not be sent twice.`,
      )
    await pause(wait, client.signal)
  }
}
