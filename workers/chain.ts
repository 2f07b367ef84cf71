import type { Logger } from 'pino'
import {
  type Account,
  type Address,
  type Chain as ChainDefinition,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  createPublicClient,
  defineChain,
  type Hex,
  http,
  type PublicClient,
  type TransactionReceipt,
  type Transport,
  webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Deployment } from '#contracts/deploy.ts'
import { type DecodedEvent, decodeLog } from '#contracts/events.ts'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import type { Database } from '#schema/database.ts'
import { ChainError } from './chainErrors.ts'
import { createTransactor, type SignedTransaction } from './transact.ts'

/** The receipt of a write, with the events of our contracts decoded, in order. */
export type DecodedReceipt = TransactionReceipt & { events: DecodedEvent[] }

type Abi<C extends ContractName> = (typeof contracts)[C]['abi']
type View = 'view' | 'pure'
type Write = 'nonpayable' | 'payable'

/** A call that changes the chain, with its arguments typed by the contract. */
export interface ContractCall<C extends ContractName, F extends ContractFunctionName<Abi<C>, Write>> {
  contract: C
  functionName: F
  args: ContractFunctionArgs<Abi<C>, Write, F>
  value?: bigint
}

/** The chain as workers use it: typed reads, and writes that happen once however often they are asked for. */
export interface ChainClient {
  readonly client: PublicClient<Transport, ChainDefinition>
  readonly chainId: number
  readonly addresses: Record<ContractName, Address>
  /** The operator, who signs: in lower case. */
  readonly account: Address
  /** Calls a view function at the newest block, or at `blockNumber`. */
  read<
    C extends ContractName,
    F extends ContractFunctionName<Abi<C>, View>,
    A extends ContractFunctionArgs<Abi<C>, View, F>,
  >(
    contract: C,
    functionName: F,
    args: A,
    blockNumber?: bigint,
  ): Promise<ContractFunctionReturnType<Abi<C>, View, F, A>>
  /** Makes the effect that `key` names happen exactly once, and returns its receipt. Asked again, in this process or after a
   *  crash, it sends the same signed bytes again or returns the receipt that stands.
   *  @throws ChainError: `reverted` with the contract's error; `key-reused` when the key stands for another call; `not-mined`,
   *  `nonce-used`, `no-funds`, `unreachable` when it may be asked for again later. */
  transact<C extends ContractName, F extends ContractFunctionName<Abi<C>, Write>>(
    key: string,
    call: ContractCall<C, F>,
    options?: { signal?: AbortSignal },
  ): Promise<DecodedReceipt>
  /** The newest block's time, in seconds. It differs from run to run: what goes into a transaction takes `timeOf`. */
  now(): Promise<number>
  /** The chain's time, in seconds, of the block that holds the transaction of `key`: a moment that stays the same however often the
   *  job runs. @throws ChainError `not-mined` when there is none. */
  timeOf(key: string): Promise<number>
  /** What was signed under `key`, if anything: whoever computes anew with another result must go on with what was sent. */
  signedTransaction(key: string): Promise<SignedTransaction | undefined>
  /** Sends again whatever of ours the chain has lost (dropped, reorganised away, never broadcast). Returns how many. */
  rebroadcast(): Promise<number>
  /** The operator's EIP-191 signature of 32 bytes. */
  sign(hash: Hex): Promise<Hex>
}

export interface ChainClientOptions {
  rpcUrl: string
  deployment: Pick<Deployment, 'addresses' | 'chainId'>
  operatorKey: Hex
  db: Database
  log: Logger
  /** Between two looks for a receipt; 50 ms on a local chain, else 1 s. */
  pollMs?: number
  /** How long a transaction may wait to be mined. */
  receiptTimeoutMs?: number
}

const LOCAL_CHAIN_IDS = [1337, 31337]

/** Opens the chain behind `rpcUrl`. @throws ChainError when nothing answers there, or another chain does than the deployment's. */
export async function openChainClient(options: ChainClientOptions): Promise<ChainClient> {
  const { rpcUrl, deployment, operatorKey, db, log } = options
  const transport = rpcUrl.startsWith('ws') ? webSocket(rpcUrl) : http(rpcUrl, { retryCount: 3, timeout: 20_000 })
  const chainId = await createPublicClient({ transport })
    .getChainId()
    .catch((cause) => {
      throw new ChainError('unreachable', 'RPC_URL: no chain answers there. Start it or correct the URL.', { cause })
    })
  if (chainId !== deployment.chainId)
    throw new ChainError(
      'unreachable',
      `RPC_URL leads to chain ${chainId}, but DEPLOYMENT is for chain ${deployment.chainId}. Correct one of them.`,
    )
  const pollMs = options.pollMs ?? (LOCAL_CHAIN_IDS.includes(chainId) ? 50 : 1000)
  const definition = defineChain({
    id: chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const client: ChainClient['client'] = createPublicClient({
    transport,
    chain: definition,
    pollingInterval: pollMs,
    cacheTime: 0,
  })
  const account: Account = privateKeyToAccount(operatorKey)
  const { addresses } = deployment
  const transactor = createTransactor({
    client,
    account,
    db,
    log,
    pollMs,
    receiptTimeoutMs: options.receiptTimeoutMs ?? 180_000,
  })
  return {
    client,
    chainId,
    addresses,
    account: account.address.toLowerCase() as Address,
    read: (contract, functionName, args, blockNumber) =>
      client.readContract({
        address: addresses[contract],
        abi: contracts[contract].abi,
        functionName,
        args,
        blockNumber,
      } as never) as never,
    async transact(key, { contract, functionName, args, value = 0n }, { signal } = {}) {
      const call = { contract, address: addresses[contract], functionName, args: args as readonly unknown[], value }
      const receipt = await transactor.transact(key, call, signal)
      return { ...receipt, events: decodeEvents(receipt, addresses) }
    },
    now: async () => Number((await client.getBlock()).timestamp),
    async timeOf(key) {
      const hash = (await transactor.signedTransaction(key))?.hash
      const receipt = hash && (await client.getTransactionReceipt({ hash }).catch(() => undefined))
      if (!receipt) throw new ChainError('not-mined', `No transaction of ${key} is on the chain: make it first.`)
      return Number((await client.getBlock({ blockHash: receipt.blockHash })).timestamp)
    },
    signedTransaction: transactor.signedTransaction,
    rebroadcast: transactor.rebroadcast,
    sign: (hash) => account.signMessage!({ message: { raw: hash } }),
  }
}

function decodeEvents({ logs }: TransactionReceipt, addresses: Record<ContractName, Address>): DecodedEvent[] {
  const names = new Map(
    Object.entries(addresses).map(([name, address]) => [address.toLowerCase(), name as ContractName]),
  )
  return logs.flatMap((log) => {
    const name = names.get(log.address.toLowerCase())
    const event = name && decodeLog(name, log)
    return event ? [event] : []
  })
}
