import pLimit from 'p-limit'
import { createPublicClient, custom, toHex } from 'viem'
import { ApiError } from '#graphql/errors.ts'
import { signedByKey, type VerifySignature } from '#graphql/signature.ts'
import { openRpc } from '#indexer/rpc/open.ts'

/** A node that does not answer in this time tells nothing. */
const TIMEOUT_MS = 5_000
/** What a wallet may need to say whether it has signed, its deployment included. */
const MAX_GAS = toHex(5_000_000)
/** Questions to the node at the same time, and those that wait for them: whoever asks has shown nothing yet. */
const MAX_CONCURRENT = 2
const MAX_WAITING = 20

/** Tells whether an account has signed: by its key, or the contract wallet itself says so (ERC-1271, ERC-6492). Only for a signature that is not the account's own key's
 *  is the chain asked. `signal` closes the connections. */
export function contractWallets(rpcUrls: string, signal: AbortSignal): VerifySignature {
  const rpc = openRpc(rpcUrls, { tries: 1, timeoutMs: TIMEOUT_MS, signal })
  const request = ({ method, params = [] }: { method: string; params?: unknown[] }) =>
    rpc.request(
      method,
      method === 'eth_call' ? [{ ...(params[0] as object), gas: MAX_GAS }, ...params.slice(1)] : params,
    )
  const client = createPublicClient({ transport: custom({ request }, { retryCount: 0 }) })
  const inTurn = pLimit(MAX_CONCURRENT)
  return async (signed) => {
    if (await signedByKey(signed)) return true
    if (inTurn.pendingCount >= MAX_WAITING)
      throw new ApiError(
        'TOO_BUSY',
        'Too many signatures of contract wallets are checked at this moment. Try again in some seconds.',
      )
    return inTurn(() => client.verifyHash(signed))
  }
}
