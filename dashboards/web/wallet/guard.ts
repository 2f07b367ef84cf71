import type { EIP1193Provider } from 'viem'
import { type DecodedCall, decodeCall } from '#client/chain/decodeCall.ts'
import type { ServedDeployment } from '#client/deployment.ts'
import { ClientError } from '#client/errors.ts'

/** What stands between the acts and a wallet: whatever the API says, a wallet is asked to sign only for the contracts of the deployment that was
 *  checked, on its chain, and only what was shown. */

export interface AskedTransaction extends DecodedCall {
  kind: 'transaction'
  data: string
  /** Native tokens, in wei. */
  value: bigint
}

export interface AskedSignature {
  kind: 'signature'
  /** The type of the message, as in EIP-712. */
  type: string
  message: Readonly<Record<string, unknown>>
}

export type WalletRequest = AskedTransaction | AskedSignature

export interface Guard {
  deployment: Pick<ServedDeployment, 'chainId' | 'addresses'>
  account: string
  /** Resolves when the person has agreed to what is asked; rejects when not. */
  approve(asked: WalletRequest): Promise<void>
}

const READS = new Set([
  ...['eth_chainId', 'eth_blockNumber', 'eth_getBlockByNumber'],
  ...['eth_getBalance', 'eth_getCode', 'eth_call', 'eth_estimateGas', 'eth_gasPrice', 'eth_maxPriorityFeePerGas'],
  ...['eth_feeHistory', 'eth_getTransactionCount', 'eth_getTransactionByHash', 'eth_getTransactionReceipt'],
])

/** The domain in which vouchers are signed: x402's, on every chain. A voucher's channel binds it to the market. */
const VOUCHERS = { name: 'x402 Batch Settlement', verifyingContract: '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003' }

interface Transaction {
  from?: string
  to?: string
  data?: string
  value?: string
}

/** The wallet as the acts see it. @throws ClientError, before the wallet is asked, for anything else than what `guard` allows. */
export function guarded(provider: EIP1193Provider, guard: Guard): EIP1193Provider {
  const pass = provider.request as (asked: { method: string; params?: unknown }) => Promise<unknown>
  const requireChain = async () => {
    const chainId = Number(await pass({ method: 'eth_chainId' }))
    if (chainId !== guard.deployment.chainId)
      throw new ClientError(
        `The wallet is on chain ${chainId} now, and the contracts are on chain ${guard.deployment.chainId}. Nothing was signed. Switch its chain back, and try again.`,
      )
  }
  const request = async ({ method, params }: { method: string; params?: unknown }): Promise<unknown> => {
    if (method === 'eth_accounts' || method === 'eth_requestAccounts') return [guard.account]
    if (READS.has(method)) return pass({ method, params })
    const given = (params ?? []) as readonly unknown[]
    if (method === 'eth_sendTransaction') await guard.approve(readTransaction(guard, given[0] as Transaction))
    else if (method === 'eth_signTypedData_v4') await guard.approve(readSignature(guard, given))
    else throw new ClientError(`This page never asks a wallet for ${method}. Nothing was signed.`)
    await requireChain() // as late as possible: the person may have changed it meanwhile
    return pass({ method, params })
  }
  return { request, on: () => {}, removeListener: () => {} } as unknown as EIP1193Provider
}

function readTransaction({ deployment, account }: Guard, sent: Transaction): AskedTransaction {
  requireAccount(account, sent.from)
  const call = decodeCall(deployment, sent)
  if (!call)
    throw new ClientError(
      `A transaction to ${sent.to ?? 'no address'} is none of the contracts of this deployment. It was not signed: the API may be lying. Connect to another one.`,
    )
  const spender = call.functionName === 'approve' ? String(call.args[0]) : undefined
  if (spender && !isOurs(deployment, spender))
    throw new ClientError(`${spender} is no contract of this deployment, and may not take gOPEN. Nothing was signed.`)
  return { kind: 'transaction', ...call, data: sent.data ?? '0x', value: BigInt(sent.value ?? 0) }
}

interface TypedData {
  domain?: { name?: string; chainId?: unknown; verifyingContract?: string }
  primaryType?: string
  message?: Record<string, unknown>
}

function readSignature({ deployment, account }: Guard, [signer, text]: readonly unknown[]): AskedSignature {
  requireAccount(account, String(signer))
  const { domain, primaryType = '', message = {} } = (typeof text === 'string' ? JSON.parse(text) : text) as TypedData
  const contract = domain?.verifyingContract ?? ''
  const isVoucher =
    primaryType === 'Voucher' && domain?.name === VOUCHERS.name && isSame(contract, VOUCHERS.verifyingContract)
  if (Number(domain?.chainId) !== deployment.chainId || !(isVoucher || isOurs(deployment, contract)))
    throw new ClientError(
      `A signature for ${contract || 'no contract'} on chain ${domain?.chainId ?? '?'} is none of this deployment. It was not given: the API may be lying. Connect to another one.`,
    )
  return { kind: 'signature', type: primaryType, message }
}

function requireAccount(account: string, given: string | undefined): void {
  if (!isSame(account, given ?? ''))
    throw new ClientError(`${given ?? 'No account'} is not the account that is connected. Nothing was signed.`)
}

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

const isOurs = ({ addresses }: Guard['deployment'], contract: string) =>
  Object.values(addresses).some((address) => isSame(address, contract))
