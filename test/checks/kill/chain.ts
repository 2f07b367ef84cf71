import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  type LocalAccount,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import type { Deployment } from '#contracts/deploy.ts'
import { type ContractName, contracts, type DecodedEvent, decodeLog } from '#contracts/events.ts'

const RECEIPT_TIMEOUT_MS = 60_000

type Abi<C extends ContractName> = (typeof contracts)[C]['abi']
type Write = 'nonpayable' | 'payable'
type View = 'view' | 'pure'

type SentTransaction = TransactionReceipt & { events: DecodedEvent[] }

/** The chain as people use it who repeat what a killed chain has lost: they know what they have sent by what the contracts say alone. */
export function openPatientChain(rpcUrl: string, deployment: Deployment) {
  const { addresses } = deployment
  const chain = defineChain({
    id: deployment.chainId,
    name: 'local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const transport = http(rpcUrl)
  const client = createPublicClient({ chain, transport, pollingInterval: 20, cacheTime: 0 })
  /** A local chain mines at once, but only a moment after it has answered. */
  const mined = async (hash: `0x${string}`): Promise<TransactionReceipt> => {
    for (const deadline = Date.now() + RECEIPT_TIMEOUT_MS; ; await sleep(5)) {
      const receipt = await client.getTransactionReceipt({ hash }).catch((error) => {
        if (error instanceof TransactionReceiptNotFoundError && Date.now() < deadline) return undefined
        throw error
      })
      if (receipt) return receipt
    }
  }
  const names = new Map(
    Object.entries(addresses).map(([name, address]) => [address.toLowerCase(), name as ContractName]),
  )

  return {
    client,
    chainId: deployment.chainId,
    addresses,

    /** Sends a call and waits until it is mined. @throws Error with the contract's error when it reverts. */
    async send<C extends ContractName, F extends ContractFunctionName<Abi<C>, Write>>(
      account: LocalAccount,
      contract: C,
      functionName: F,
      args: ContractFunctionArgs<Abi<C>, Write, F>,
      value?: bigint,
    ): Promise<SentTransaction> {
      const { abi } = contracts[contract]
      const call = { address: addresses[contract], abi, functionName, args, account, value }
      await client.simulateContract(call as never) // viem cannot infer the types of a generic contract
      const wallet = createWalletClient({ account, chain, transport })
      const hash = await wallet.writeContract(call as never) // likewise
      const receipt = await mined(hash)
      if (receipt.status !== 'success')
        throw new Error(`${contract}.${functionName} reverted in block ${receipt.blockNumber}.`)
      const events = receipt.logs.flatMap((log) => {
        const name = names.get(log.address.toLowerCase())
        return (name && decodeLog(name, log)) || []
      })
      return { ...receipt, events }
    },

    read<
      C extends ContractName,
      F extends ContractFunctionName<Abi<C>, View>,
      A extends ContractFunctionArgs<Abi<C>, View, F>,
    >(contract: C, functionName: F, args: A): Promise<ContractFunctionReturnType<Abi<C>, View, F, A>> {
      return client.readContract({
        address: addresses[contract],
        abi: contracts[contract].abi,
        functionName,
        args,
      } as never) as never // viem cannot infer the types of a generic contract; the signature above has them
    },

    async now(): Promise<bigint> {
      return (await client.getBlock()).timestamp
    },

    /** Moves the clock of the local chain to `timestamp` with an empty block; does nothing when it is not earlier. */
    async advanceTo(timestamp: bigint): Promise<void> {
      if ((await client.getBlock()).timestamp >= timestamp) return
      // methods of development chains, which are not among viem's public methods
      await client.request({ method: 'evm_setNextBlockTimestamp', params: [`0x${timestamp.toString(16)}`] } as never)
      await client.request({ method: 'evm_mine' } as never) // likewise
    },
  }
}

export type PatientChain = ReturnType<typeof openPatientChain>
