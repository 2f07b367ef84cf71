import {
  BaseError,
  bytesToHex,
  DuplicateIdError,
  type Hex,
  MethodNotFoundRpcError,
  MethodNotSupportedRpcError,
  type TransactionReceipt,
  UnknownBundleIdError,
  UnsupportedProviderMethodError,
} from 'viem'
import { getCallsStatus, sendCalls } from 'viem/actions'
import { accountOf, walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError, ContractRefusal, UnavailableError } from '../errors.ts'
import { pause } from '../pause.ts'
import type { SentCall } from './contracts.ts'
import { explainRefusal } from './explainRefusal.ts'
import { dataOf, neededGas } from './neededGas.ts'
import { refusalOfWallet } from './refusalOfWallet.ts'

/** Acts of a contract wallet (such as a Safe). Its owners sign, perhaps several and days later, and its transactions have no nonce of the account: so an act
 *  is sent as a bundle of one call, with an id that is kept before, and the wallet takes an id once.
 *  https://eips.ethereum.org/EIPS/eip-5792 */

/** A bundle as it is recorded before it is sent. */
export interface SentBundle {
  bundle: Hex
}

interface BundleSending {
  remember(sent: SentBundle | undefined): Promise<void>
}

/** How long the owners are waited for. */
const MAX_WAIT_MS = 600_000

/** Sends a call by the wallet's contract, or goes on waiting for one that was sent, until it is mined.
 *  @throws ContractRefusal when the contract refuses, ClientError when the wallet does not take bundles, UnavailableError while its owners have not signed */
export async function sendBundle(
  client: Client,
  call: SentCall,
  sending: BundleSending,
  known?: SentBundle,
): Promise<TransactionReceipt> {
  const bundle = known?.bundle ?? bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
  if (!known || (await statusOf(client, bundle)) === undefined) await send(client, call, sending, bundle)
  const deadline = Date.now() + MAX_WAIT_MS
  while (Date.now() < deadline) {
    const status = await statusOf(client, bundle)
    if (status?.status === 'success') {
      const hash = status.receipts?.at(-1)?.transactionHash
      if (hash) return client.node.getTransactionReceipt({ hash })
    }
    if (status?.status === 'failure') {
      await sending.remember(undefined)
      throw new ContractRefusal(
        `${call.contract}.${call.functionName}: the wallet says that it failed (status ${status.statusCode}). Look there, and try again.`,
        call.contract,
        call.functionName,
      )
    }
    await pause(client.pollMs, client.signal)
  }
  throw new UnavailableError(
    `The owners of ${accountOf(client)} have not signed and sent ${call.contract}.${call.functionName} yet. Try again once they have: it will not be sent twice.`,
  )
}

async function send(client: Client, call: SentCall, sending: BundleSending, bundle: Hex): Promise<void> {
  const wallet = walletOf(client)
  const { account } = wallet
  const { value = 0n } = call
  await neededGas(client, call) // a trial: what the contract refuses, nobody is asked to sign
  await sending.remember({ bundle })
  try {
    const calls = [{ to: client.deployment.addresses[call.contract], data: dataOf(call), value }]
    await sendCalls(wallet, { account, chain: client.chain, calls, id: bundle })
  } catch (cause) {
    if (is(cause, DuplicateIdError)) return // sent before, and the answer was lost
    const isUnable = is(cause, MethodNotFoundRpcError, MethodNotSupportedRpcError, UnsupportedProviderMethodError)
    const refusal = isUnable ? unable(client, cause) : refusalOfWallet(cause)
    if (!refusal) throw explainRefusal(call, cause)
    await sending.remember(undefined)
    throw refusal
  }
}

const unable = (client: Client, cause: unknown) =>
  new ClientError(
    `${accountOf(client)} is a contract wallet (such as a Safe), and what connects it does not send bundles with an id (EIP-5792): an act could be sent twice. Connect it by a wallet that does, use an account with a key, or let the contract send the calls of \`encodeCall\` by itself.`,
    { cause },
  )

/** What the wallet knows of a bundle; undefined when it has none of this id. */
const statusOf = (client: Client, bundle: Hex) =>
  getCallsStatus(walletOf(client), { id: bundle }).catch((cause) => {
    if (is(cause, UnknownBundleIdError)) return undefined
    throw new UnavailableError(
      'The wallet does not tell what became of the act. Try again: it will not be sent twice.',
      {
        cause,
      },
    )
  })

const is = (cause: unknown, ...types: (abstract new (...of: never[]) => Error)[]): boolean =>
  cause instanceof BaseError && types.some((type) => cause.walk((error) => error instanceof type) !== null)
