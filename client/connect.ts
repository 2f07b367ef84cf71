import {
  type Account,
  createPublicClient,
  createWalletClient,
  custom,
  defineChain,
  type EIP1193Provider,
  http,
  type LocalAccount,
  type PublicClient,
  type WalletClient,
} from 'viem'
import { contracts } from '#contracts/generated/index.ts'
import type { Client, DoneWhen } from './client.ts'
import { readServedDeployment, type ServedDeployment } from './deployment.ts'
import { ClientError, UnavailableError } from './errors.ts'
import { type ApiAccess, openApi, openRequests } from './graphql/api.ts'
import { randomHex } from './randomHex.ts'
import { memoryState, type StateStore } from './state/stateStore.ts'

export interface ConnectOptions extends Partial<Pick<ApiAccess, 'apiKey' | 'patienceMs' | 'onRetry' | 'signal'>> {
  /** A viem account with a key; its transactions go to `node`. */
  account?: LocalAccount
  /** A wallet that keeps the key of its account: an injected one, or a hardware wallet behind it. Its node is used, too. A contract's account (a Safe) reads
   *  and signs in, and sends what its owners sign, by a wallet that takes bundles with an id (EIP-5792); by others its acts are refused. */
  wallet?: EIP1193Provider
  /** The URL of a node of the chain. Default: the wallet's, or the one that the API names. */
  node?: string
  /** Where salts and transactions of unfinished acts are kept. Default: nowhere, so that an act that was interrupted cannot be continued. */
  state?: StateStore
  /** Default: `indexed`, so that what an act did can be queried when it returns. */
  doneWhen?: DoneWhen
  /** Whether the API sends what the account signs, and pays the gas: votes, delegations, contributions and claims. */
  relay?: boolean
  onProgress?: Client['onProgress']
  /** Where salts come from. Default: random bytes that nobody can guess. Only a play that must be the same twice gives another source. */
  newSecret?: Client['newSecret']
  /** Nothing is signed or sent; `client.plan` says what would be. */
  dryRun?: boolean
  /** The interval of questions whether something has happened, in milliseconds. */
  pollMs?: number
}

const PATIENCE_MS = 60_000
const POLL_MS = 500

/**
 * Connects to a system by the URL of its API, which names the chain and the contracts; several alike are separated by commas.
 * @throws ClientError when the node or the wallet is on another chain, UnavailableError when API or node do not answer.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { connect } from '#client/index.ts'
 *
 * const account = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.equal(await client.read('GOpen', 'symbol', []), 'gOPEN')
 * ```
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  const { state = memoryState(), doneWhen = 'indexed', relay = false, onProgress, pollMs = POLL_MS, signal } = options
  const { newSecret = randomHex } = options
  const access: ApiAccess = {
    urls: url.split(',').map((one) => one.trim().replace(/\/+$/, '')),
    apiKey: options.apiKey,
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    onRetry: options.onRetry,
    signal,
  }
  const deployment = await readServedDeployment(access)
  const { chain, node, wallet } = await openChain(deployment, options)
  return {
    ...{ url: access.urls[0] ?? '', deployment, chain, node, wallet },
    ...{ state, doneWhen, relay, pollMs, signal, onProgress, newSecret },
    ask: openApi(access),
    request: openRequests(access),
    ...(options.dryRun && { plan: [] }),
    read: (contract, functionName, args) =>
      node.readContract({
        address: deployment.addresses[contract],
        abi: contracts[contract].abi,
        functionName,
        args,
      } as never) as never, // viem cannot infer the types of a generic contract; the signature has them
  }
}

async function openChain(deployment: ServedDeployment, { account, wallet: provider, node: nodeUrl }: ConnectOptions) {
  const url = nodeUrl ?? deployment.nodeUrl ?? undefined
  if (!url && !provider)
    throw new ClientError('The API names no public node. Give the URL of a node of its chain (option `node`).')
  const chain = defineChain({
    id: deployment.chainId,
    name: `chain ${deployment.chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: url ? [url] : [] } },
  })
  const transport = provider ? custom(provider) : http(url, { retryCount: 5 })
  const node = createPublicClient({ chain, transport, cacheTime: 0 }) as PublicClient
  await requireChain(node, deployment.chainId)
  return { chain, node, wallet: await openWallet() }

  async function openWallet(): Promise<Client['wallet']> {
    if (account) return createWalletClient({ account: account as Account, chain, transport })
    if (!provider) return undefined
    const [address] = await createWalletClient({ chain, transport }).requestAddresses()
    if (!address) throw new ClientError('The wallet gives no account. Unlock it, and allow this page to use one.')
    return createWalletClient({ account: address, chain, transport }) as WalletClient & { account: Account }
  }
}

async function requireChain(node: PublicClient, expected: number): Promise<void> {
  let found: number
  try {
    found = await node.getChainId()
  } catch (cause) {
    throw new UnavailableError('The node of the chain does not answer. Is its address right, and is it running?', {
      cause,
    })
  }
  if (found !== expected)
    throw new ClientError(
      `The node is on chain ${found}, but the contracts of this API are on chain ${expected}. Name a node of chain ${expected}, or let the wallet change its chain.`,
    )
}

/** The same connection for another account with a key: for programs that act for several. */
export const withAccount = (client: Client, account: LocalAccount): Client => ({
  ...client,
  wallet: createWalletClient({ account: account as Account, chain: client.chain, transport: custom(client.node) }),
})
