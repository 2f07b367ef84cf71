import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Abi,
  type Address,
  createPublicClient,
  createWalletClient,
  encodeFunctionData,
  type Hex,
  http,
} from 'viem'
import { onTestFinished } from 'vitest'
import { type Anvil, type AnvilOptions, devAccount, rpc, startAnvil } from '#contracts/anvil.ts'
import { type Deployment, deployAll } from '#contracts/deploy.ts'
import { type ContractName, contracts } from '#contracts/events.ts'
import { DEMO_SETTINGS, demoHolders, type Settings } from '#contracts/settings.ts'
import { must } from '#test/must.ts'

/** A local chain with all contracts deployed, and unlocked accounts that send without signing. */
export interface TestChain {
  anvil: Anvil
  url: string
  deployment: Deployment
  accounts: Address[]
  /** Sends a transaction and waits until it is mined. @throws when it reverts. */
  send(from: number, contract: ContractName, name: string, args?: readonly unknown[], value?: bigint): Promise<Hex>
  read(contract: ContractName, name: string, args?: readonly unknown[]): Promise<unknown>
  call(method: string, ...params: unknown[]): Promise<unknown>
  head(): Promise<number>
  /** Mines one empty block this many seconds later. */
  wait(seconds: number): Promise<void>
}

const GENESIS = 1_800_000_000
/** There are accounts 0 to 9: 9 only deploys, 0 is the operator. */
const DEPLOYER = 9

export async function testChain(settings: Partial<Settings> = {}, options: AnvilOptions = {}): Promise<TestChain> {
  const anvil = await startAnvil({ genesisTimestamp: GENESIS, blockInterval: 1, ...options })
  onTestFinished(() => anvil.stop())
  return connect(anvil, settings)
}

const MINED_WITHIN_MS = 20_000

export async function receiptOf(
  call: TestChain['call'],
  hash: Hex,
): Promise<{ status: string; contractAddress: Address }> {
  for (const began = performance.now(); performance.now() - began < MINED_WITHIN_MS; await sleep(5)) {
    const receipt = (await call('eth_getTransactionReceipt', hash)) as Awaited<ReturnType<typeof receiptOf>> | null
    if (receipt) return receipt
  }
  throw new Error(`Transaction ${hash} was not mined within ${MINED_WITHIN_MS / 1000} s`)
}

async function connect(anvil: Anvil, settings: Partial<Settings>): Promise<TestChain> {
  const { url } = anvil
  const client = createPublicClient({ transport: http(url), pollingInterval: 20 })
  const accounts = Array.from({ length: 10 }, (_, index) => devAccount(index).address.toLowerCase() as Address)
  const wallet = createWalletClient({ account: devAccount(DEPLOYER), transport: http(url) })
  const deployment = await deployAll(wallet, client, demoHolders(must(accounts[0])), { ...DEMO_SETTINGS, ...settings })
  const call = (method: string, ...params: unknown[]) => rpc(url, method, params)
  const abiOf = (contract: ContractName) => contracts[contract].abi as Abi
  return {
    anvil,
    url,
    deployment,
    accounts,
    call,
    async send(from, contract, name, args = [], value = 0n) {
      const data = encodeFunctionData({ abi: abiOf(contract), functionName: name, args })
      const to = deployment.addresses[contract]
      const transaction = { from: accounts[from], to, data, value: `0x${value.toString(16)}`, gas: '0x1000000' }
      const hash = (await call('eth_sendTransaction', transaction)) as Hex
      const { status } = await receiptOf(call, hash)
      if (status !== '0x1') {
        const abi = abiOf(contract)
        const reason = await client
          .simulateContract({ address: to, abi, functionName: name, args, account: accounts[from], value })
          .then(() => 'it would succeed now')
          .catch((error: Error) => error.message.slice(0, 600))
        throw new Error(`${contract}.${name} reverted: ${reason}`)
      }
      return hash
    },
    read: (contract, functionName, args = []) =>
      client.readContract({ address: deployment.addresses[contract], abi: abiOf(contract), functionName, args }),
    head: async () => Number(await call('eth_blockNumber')),
    async wait(seconds) {
      const { timestamp } = (await call('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }
      await call('evm_setNextBlockTimestamp', Number(timestamp) + seconds)
      await call('evm_mine')
    },
  }
}
