import { createPublicClient, custom } from 'viem'
import type { VerifySignature } from '#graphql/signIn/message.ts'
import { openRpc } from '#indexer/rpc/open.ts'

/** A node that does not answer in this time signs nobody in. */
const TIMEOUT_MS = 5_000

/** Asks the chain whether an account has signed: a contract wallet itself says so (ERC-1271, ERC-6492). `signal` closes the connections. */
export function contractWallets(rpcUrls: string, signal: AbortSignal): VerifySignature {
  const rpc = openRpc(rpcUrls, { tries: 1, timeoutMs: TIMEOUT_MS, signal })
  const request = ({ method, params }: { method: string; params?: unknown[] }) => rpc.request(method, params)
  const client = createPublicClient({ transport: custom({ request }, { retryCount: 0 }) })
  return (signed) => client.verifyMessage(signed)
}
