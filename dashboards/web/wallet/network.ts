import type { EIP1193Provider } from 'viem'
import type { ServedDeployment } from '#client/deployment.ts'
import { ClientError } from '#client/errors.ts'

/** Error codes of wallets: EIP-1193, EIP-3085 and EIP-3326. */
const REFUSED = 4001
const UNKNOWN_CHAIN = 4902
const ALREADY_ASKING = -32_002

/** A wallet's error in words that say what to do. */
export function walletWords(cause: unknown): ClientError {
  if (cause instanceof ClientError) return cause
  const { code, message } = cause as { code?: number; message?: string }
  if (code === REFUSED) return new ClientError('You refused in the wallet. Nothing was signed.', { cause })
  if (code === ALREADY_ASKING)
    return new ClientError('The wallet asks you already: open it, answer there, and try again.', { cause })
  return new ClientError(`The wallet does not answer as it should: ${message ?? String(cause)}`, { cause })
}

/** Lets the wallet change to the chain of the contracts; one that does not know it is offered to add it, with the node that the API names.
 *  @throws ClientError that says what to do. */
export async function switchChain(provider: EIP1193Provider, deployment: ServedDeployment): Promise<void> {
  const { chainId, nodeUrl } = deployment
  const id = { chainId: `0x${chainId.toString(16)}` as const }
  try {
    await provider.request({ method: 'wallet_switchEthereumChain', params: [id] })
  } catch (error) {
    if (!isUnknownChain(error)) throw walletWords(error)
    if (!nodeUrl)
      throw new ClientError(
        `The wallet does not know chain ${chainId}, and this API names no public node of it. Add the chain to the wallet by hand.`,
      )
    const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 }
    const added = { ...id, chainName: `ModelCommons ${chainId}`, nativeCurrency, rpcUrls: [nodeUrl] }
    try {
      await provider.request({ method: 'wallet_addEthereumChain', params: [added] })
      await provider.request({ method: 'wallet_switchEthereumChain', params: [id] }) // not every wallet changes to what it adds
    } catch (refused) {
      throw walletWords(refused)
    }
  }
}

/** Some wallets put the code inside `data`. */
function isUnknownChain(error: unknown): boolean {
  const { code, data } = error as { code?: number; data?: { originalError?: { code?: number } } }
  return code === UNKNOWN_CHAIN || data?.originalError?.code === UNKNOWN_CHAIN
}
