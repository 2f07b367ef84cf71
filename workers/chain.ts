import { hkdfSync } from 'node:crypto'
import { createReceiptEIP712, type EIP712SignedReceipt } from '@x402/extensions/offer-receipt'
import type { Logger } from 'pino'
import {
  type Address,
  type Chain as ChainDefinition,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  createPublicClient,
  defineChain,
  type Hex,
  type PublicClient,
  parseGwei,
  type TransactionReceipt,
  type Transport,
  toHex,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Deployment } from '#contracts/deploy.ts'
import { type DecodedEvent, decodeLog } from '#contracts/events.ts'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import { type ReceiptStatement, receiptData } from '#rules/receipt.ts'
import { usageData } from '#rules/signing.ts'
import type { Database } from '#schema/database.ts'
import { traced } from '#schema/tracing.ts'
import { ChainMismatchError, ChainUnavailableError } from './chainErrors.ts'
import type { GasOptions } from './gas.ts'
import { type NodeTransportOptions, nodeTransport } from './nodeTransport.ts'
import { createTransactor, type SignedTransaction, type TransactOptions } from './transact.ts'
import { transactionsLeft } from './wallet.ts'

/** The receipt of a write, with the decoded events of our contracts in order. */
export type DecodedReceipt = TransactionReceipt & { events: DecodedEvent[] }

type Abi<C extends ContractName> = (typeof contracts)[C]['abi']
type View = 'view' | 'pure'
type Write = 'nonpayable' | 'payable'

/** A state-changing call, with its arguments typed by the contract's ABI. */
export interface ContractCall<C extends ContractName, F extends ContractFunctionName<Abi<C>, Write>> {
  contract: C
  functionName: F
  args: ContractFunctionArgs<Abi<C>, Write, F>
  value?: bigint
}

/** The chain as workers use it: typed reads, and idempotent writes. */
export interface ChainClient {
  readonly client: PublicClient<Transport, ChainDefinition>
  readonly chainId: number
  readonly addresses: Record<ContractName, Address>
  /** The operator's address, which signs all transactions; in lower case. */
  readonly account: Address
  /** Calls a view function at the latest block, or at `blockNumber`. */
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
  /** Sends the transaction that `key` identifies exactly once, and returns its receipt. When it is called again with the same key, in this
   *  process or after a crash, it sends the same signed bytes again or returns the existing receipt.
   *  @throws RevertError with the contract's error; ChainMismatchError when the key belongs to another call; ChainUnavailableError
   *  when a later retry may succeed. */
  transact<C extends ContractName, F extends ContractFunctionName<Abi<C>, Write>>(
    key: string,
    call: ContractCall<C, F>,
    options?: TransactOptions,
  ): Promise<DecodedReceipt>
  /** The timestamp of the latest block, in seconds. It differs from run to run: for values in a transaction use `timeOf`. */
  now(): Promise<number>
  /** The timestamp, in seconds, of the block that contains the transaction of `key`: the same in each attempt of a job.
   *  @throws ChainUnavailableError `not-mined` when there is no such transaction. */
  timeOf(key: string): Promise<number>
  /** The transaction that was signed under `key`, if any. A new attempt that computes another result must use the one that was signed. */
  signedTransaction(key: string): Promise<SignedTransaction | undefined>
  /** Sends again all transactions of the operator that the chain has lost (dropped from the pool, removed by a reorganisation, or never
   *  received). Returns their number. */
  rebroadcast(): Promise<number>
  /** The number of signed transactions of the operator of which the node knows nothing: neither mined nor in its pool. */
  missingNonces(): Promise<number>
  /** How many more transactions of average size the operator's account can pay for. */
  transactionsLeft(): Promise<number>
  /** The operator's signature as the host whose endpoint has answered (`receiptData`), without `attribution` of an answer that is not traced. */
  signReceipt(statement: ReceiptStatement, attribution?: Hex): Promise<Hex>
  /** The receipt of x402's extension `offer-receipt` for a payment of `payer`, signed by the operator. */
  signX402Receipt(resourceUrl: string, payer: string): Promise<EIP712SignedReceipt>
  /** 32 bytes that only whoever has the operator's key can know; the same for the same purpose on this chain. */
  secret(purpose: string): Hex
  /** The operator's signature as the host whose usage document this is (`usageData`). */
  signUsage(epoch: number, document: Hex): Promise<Hex>
}

export interface ChainClientOptions extends GasOptions {
  rpcUrl: string
  deployment: Pick<Deployment, 'addresses' | 'chainId'>
  operatorKey: Hex
  db: Database
  log: Logger
  /** Time between two queries for a receipt; default 50 ms on a local chain, otherwise 1 s. */
  pollMs?: number
  /** How long to wait until a transaction is mined; default 3 minutes. */
  receiptTimeoutMs?: number
  /** After how long a transaction that is not mined is replaced at a higher fee; default 1 minute. */
  replaceAfterMs?: number
  /** The most that a unit of gas may cost, in wei; default 500 gwei. */
  maxFee?: bigint
  /** The environment variable that has the key, for messages; default OPERATOR_KEY. */
  keyName?: string
  node?: NodeTransportOptions
}

/** Development chains, which mine a block only for a transaction. */
export const LOCAL_CHAIN_IDS: readonly number[] = [1337, 31337]

/** Connects to the chain behind `rpcUrl`.
 *  @throws ChainUnavailableError when it does not answer; ChainMismatchError when it is not the chain of the deployment. */
export async function openChainClient(options: ChainClientOptions): Promise<ChainClient> {
  const { rpcUrl, deployment, operatorKey, db, log } = options
  const transport = nodeTransport(rpcUrl, options.node)
  const chainId = await createPublicClient({ transport })
    .getChainId()
    .catch((cause) => {
      throw new ChainUnavailableError('unreachable', 'RPC_URL: no chain answers. Start it, or correct the URL.', {
        cause,
      })
    })
  if (chainId !== deployment.chainId)
    throw new ChainMismatchError(
      'other-chain',
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
  const account = privateKeyToAccount(operatorKey)
  const { addresses } = deployment
  const transactor = createTransactor({
    client,
    account,
    db,
    log,
    pollMs,
    receiptTimeoutMs: options.receiptTimeoutMs ?? 180_000,
    replaceAfterMs: options.replaceAfterMs ?? 60_000,
    maxFee: options.maxFee ?? parseGwei('500'),
    maxGas: options.maxGas,
    triedIn: options.triedIn,
    keyName: options.keyName ?? 'OPERATOR_KEY',
  })
  return {
    client,
    chainId,
    addresses,
    account: account.address.toLowerCase() as Address,
    read: (contract, functionName, args, blockNumber) =>
      traced(`chain read ${contract}.${String(functionName)}`, { kind: 'client' }, () =>
        client.readContract({
          address: addresses[contract],
          abi: contracts[contract].abi,
          functionName,
          args,
          blockNumber,
        } as never),
      ) as never, // viem cannot infer the types of a generic contract; the signature above has them
    transact: (key, { contract, functionName, args, value = 0n }, options) =>
      traced(
        `chain send ${contract}.${String(functionName)}`,
        { kind: 'client', attributes: { 'transaction.key': key } },
        async (span) => {
          const call = { contract, address: addresses[contract], functionName, args: args as readonly unknown[], value }
          const receipt = await transactor.transact(key, call, options)
          span.set({ 'transaction.hash': receipt.transactionHash, 'block.number': Number(receipt.blockNumber) })
          return { ...receipt, events: decodeEvents(receipt, addresses) }
        },
      ),
    now: async () => Number((await client.getBlock()).timestamp),
    async timeOf(key) {
      const hash = (await transactor.signedTransaction(key))?.hash
      const receipt = hash && (await client.getTransactionReceipt({ hash }).catch(() => undefined))
      if (!receipt)
        throw new ChainUnavailableError('not-mined', `No transaction of ${key} is on the chain. Send it first.`)
      return Number((await client.getBlock({ blockHash: receipt.blockHash })).timestamp)
    },
    signedTransaction: transactor.signedTransaction,
    rebroadcast: transactor.rebroadcast,
    missingNonces: transactor.missingNonces,
    async transactionsLeft() {
      const [balance, price] = await Promise.all([
        client.getBalance({ address: account.address }),
        client.getGasPrice(),
      ])
      return transactionsLeft(db, account.address.toLowerCase(), balance, price)
    },
    secret: (purpose) => toHex(new Uint8Array(hkdfSync('sha256', operatorKey, '', `${chainId}/${purpose}`, 32))),
    signReceipt: (statement, attribution) =>
      traced('chain sign', {}, () =>
        account.signTypedData(receiptData({ chainId, contract: addresses.InferenceMarket }, statement, attribution)),
      ),
    signX402Receipt: (resourceUrl, payer) =>
      traced('chain sign', {}, () =>
        createReceiptEIP712({ resourceUrl, payer, network: `eip155:${chainId}` }, (data) =>
          account.signTypedData(data as Parameters<typeof account.signTypedData>[0]),
        ),
      ),
    signUsage: (epoch, document) =>
      traced('chain sign', {}, () =>
        account.signTypedData(usageData({ chainId, contract: addresses.RewardDistributor }, epoch, document)),
      ),
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
