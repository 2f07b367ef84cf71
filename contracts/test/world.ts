import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  createPublicClient,
  createWalletClient,
  decodeErrorResult,
  encodeFunctionData,
  type Hex,
  http,
  keccak256,
  type PublicClient,
  stringToHex,
  toFunctionSelector,
} from 'viem'
import type { HDAccount } from 'viem/accounts'
import { type Anvil, devAccount, passTime, startAnvil } from '../anvil.ts'
import { type Deployment, deployAll } from '../deploy.ts'
import { type ContractName, contracts, type DecodedEvent, decodeLog } from '../events.ts'
import type { Holders, Settings } from '../settings.ts'

type Contracts = typeof contracts
type Writes<C extends ContractName> = ContractFunctionName<Contracts[C]['abi'], 'nonpayable' | 'payable'>
type Reads<C extends ContractName> = ContractFunctionName<Contracts[C]['abi'], 'view' | 'pure'>
type Args<C extends ContractName, F extends string> = ContractFunctionArgs<
  Contracts[C]['abi'],
  'nonpayable' | 'payable' | 'view' | 'pure',
  F extends ContractFunctionName<Contracts[C]['abi']> ? F : never
>

export const ETHER = 10n ** 18n
/** The timestamp of the first block on every test chain. */
export const GENESIS = 1_800_000_000
const ACCOUNTS = 20
const GAS = 60_000_000n

export const hashOf = (text: string): Hex => keccak256(stringToHex(text))

/** The accounts of the development mnemonic, named by their role in the tests. */
export const SIGNERS: readonly HDAccount[] = Array.from({ length: ACCOUNTS }, (_, nth) => devAccount(nth))
export const [DEPLOYER, OPERATOR, PROPOSER, HOLDER, ALICE, BOB, CAROL, HOST, CONSUMER, STRANGER, RESOLVER, GUARDIAN] =
  SIGNERS as [
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
    HDAccount,
  ]

export const ROLE_HOLDERS: Holders = {
  operator: OPERATOR.address,
  resolver: RESOLVER.address,
  guardian: GUARDIAN.address,
}

export const SETTINGS: Settings = {
  votingDelay: 100,
  votingPeriod: 1_000,
  lateQuorumExtension: 100,
  proposalThreshold: ETHER,
  quorumPercent: 10,
  timelockDelay: 100,
  treasurySharePercent: 100,
  treasuryPeriod: 86_400,
  dailySpendPercent: 100,
  pauseTime: 1_000,
  challengeWindow: 500,
  epochLength: 10,
  publisherBond: 3n * ETHER,
  withdrawalDelay: 300,
  stakeHold: 400,
  scoringFee: 0n,
  appealTime: 1_400,
  disputeTerm: 3_000,
  reopenTime: 200,
  minProposalBond: 10n * ETHER,
  minDisputeBond: 2n * ETHER,
  minValidatorStake: 5n * ETHER,
}

type RawReceipt = {
  status: Hex
  blockNumber: Hex
  gasUsed: Hex
  logs: { address: Address; topics: Hex[]; data: Hex }[]
}

export type Sent = { hash: Hex; block: bigint; gasUsed: bigint; events: DecodedEvent[] }

/** A deployed set of contracts on its own chain, with short calls to use them. */
export class World {
  private readonly names: ReadonlyMap<string, ContractName>

  constructor(
    readonly anvil: Anvil,
    readonly client: PublicClient,
    readonly deployment: Deployment,
  ) {
    const entries = Object.entries(deployment.addresses) as [ContractName, Address][]
    this.names = new Map(entries.map(([name, address]) => [address.toLowerCase(), name]))
  }

  get at(): Deployment['addresses'] {
    return this.deployment.addresses
  }

  /** Sends a transaction and returns its decoded events. @throws Error with the contract's custom error when it reverts. */
  async send<C extends ContractName, F extends Writes<C>>(
    from: Address | HDAccount,
    contract: C,
    functionName: F,
    args: Args<C, F>,
    value = 0n,
  ): Promise<Sent> {
    const call = { ...this.transaction(from, contract, functionName, args as readonly unknown[]), value: hex(value) }
    const hash = (await this.rpc('eth_sendTransaction', [{ ...call, gas: hex(GAS) }])) as Hex
    const receipt = await this.receipt(hash)
    if (receipt.status !== '0x1') throw new Error(`${contract}.${functionName}: ${await this.failure(call)}`)
    const events = receipt.logs.flatMap((log) => {
      const name = this.names.get(log.address.toLowerCase())
      const event = name && decodeLog(name, log)
      return event ? [event] : []
    })
    return { hash, block: BigInt(receipt.blockNumber), gasUsed: BigInt(receipt.gasUsed), events }
  }

  read<C extends ContractName, F extends Reads<C>>(
    contract: C,
    functionName: F,
    args: Args<C, F>,
  ): Promise<ContractFunctionReturnType<Contracts[C]['abi'], 'view' | 'pure', F>> {
    const abi = contracts[contract].abi
    // `never`: viem cannot infer the types of a generic contract and function; the signature of `read` gives them.
    return this.client.readContract({ address: this.at[contract], abi, functionName, args } as never) as never
  }

  /** The error of a call, as `Contract.Error` (the contract whose ABI has it; the called one first) and its arguments;
   *  `none` when the call succeeds. Nothing is sent. */
  async errorOf<C extends ContractName, F extends Writes<C>>(
    from: Address | HDAccount,
    contract: C,
    functionName: F,
    args: Args<C, F>,
    value = 0n,
  ): Promise<{ name: string; args: readonly unknown[] }> {
    const call = { ...this.transaction(from, contract, functionName, args as readonly unknown[]), value: hex(value) }
    const reply = await this.raw('eth_call', [{ ...call, gas: hex(GAS) }, 'pending'])
    if (!reply.error) return { name: 'none', args: [] }
    return namedError(contract, reply.error.data, reply.error.message)
  }

  /** Acts as an address without a known key (the timelock, a contract). */
  async impersonate(address: Address): Promise<Address> {
    await this.rpc('anvil_impersonateAccount', [address])
    await this.rpc('anvil_setBalance', [address, hex(ETHER)])
    return address
  }

  async warp(seconds: number): Promise<void> {
    await passTime(this.anvil.url, seconds)
  }

  async mine(blocks = 1): Promise<void> {
    await this.rpc('anvil_mine', [hex(BigInt(blocks))])
  }

  async now(): Promise<number> {
    return Number((await this.client.getBlock()).timestamp)
  }

  async snapshot(): Promise<Hex> {
    return (await this.rpc('evm_snapshot', [])) as Hex
  }

  async revert(id: Hex): Promise<void> {
    await this.rpc('evm_revert', [id])
  }

  /** Plays on the chain, and undoes what was played. */
  async undone<T>(play: () => Promise<T>): Promise<T> {
    const before = await this.snapshot()
    try {
      return await play()
    } finally {
      await this.revert(before)
    }
  }

  async balance(account: Address): Promise<bigint> {
    return this.read('GOpen', 'balanceOf', [account])
  }

  async rpc(method: string, params: unknown[]): Promise<unknown> {
    const reply = await this.raw(method, params)
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`)
    return reply.result
  }

  private transaction(
    from: Address | HDAccount,
    contract: ContractName,
    functionName: string,
    args: readonly unknown[],
  ) {
    const abi = contracts[contract].abi
    // `never`: as in `read`; the callers' signatures check the types.
    const data = encodeFunctionData({ abi, functionName, args } as never)
    return { from: typeof from === 'string' ? from : from.address, to: this.at[contract], data }
  }

  private async receipt(hash: Hex): Promise<RawReceipt> {
    for (;;) {
      const receipt = (await this.rpc('eth_getTransactionReceipt', [hash])) as RawReceipt | null
      if (receipt) return receipt
      await sleep(2)
    }
  }

  private async failure(call: object): Promise<string> {
    const reply = await this.raw('eth_call', [call, 'pending'])
    return reply.error ? namedError(undefined, reply.error.data, reply.error.message).name : 'reverted'
  }

  private async raw(method: string, params: unknown[]) {
    const response = await fetch(this.anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    return (await response.json()) as { result?: unknown; error?: { message: string; data?: Hex } }
  }
}

/** Starts a chain, deploys everything and gives each account 1,000 gOPEN, approved everywhere. */
export async function startWorld(settings: Partial<Settings> = {}): Promise<World> {
  const anvil = await startAnvil({ genesisTimestamp: GENESIS, blockInterval: 1, accounts: ACCOUNTS })
  const client = createPublicClient({ transport: http(anvil.url), pollingInterval: 10, cacheTime: 0 })
  const wallet = createWalletClient({ account: DEPLOYER, transport: http(anvil.url) })
  const deployment = await deployAll(wallet, client, ROLE_HOLDERS, { ...SETTINGS, ...settings })
  const world = new World(anvil, client, deployment)
  const spenders = [
    'ModelRegistry',
    'DatanetRegistry',
    'FeedbackPool',
    'InferenceMarket',
    'RewardDistributor',
    'Disputes',
  ]
  for (const { address } of SIGNERS.slice(1, 10)) {
    await world.send(address, 'GOpen', 'deposit', [], 1_000n * ETHER)
    for (const name of spenders)
      await world.send(address, 'GOpen', 'approve', [world.at[name as ContractName], 2n ** 255n])
  }
  return world
}

function namedError(contract: ContractName | undefined, data: Hex | undefined, message: string) {
  if (!data || data === '0x') return { name: message, args: [] }
  const names = [contract, ...(Object.keys(contracts) as ContractName[])].filter((name) => name !== undefined)
  for (const name of names) {
    const abi = contracts[name].abi.filter(
      (item) => item.type === 'error' && toFunctionSelector(signatureOf(item)) === data.slice(0, 10),
    )
    if (abi.length === 0) continue
    const error = decodeErrorResult({ abi, data })
    return { name: `${name}.${error.errorName}`, args: (error.args ?? []) as readonly unknown[] }
  }
  return { name: `${message} ${data.slice(0, 10)}`, args: [] }
}

function signatureOf(item: { name: string; inputs: readonly { type: string }[] }): string {
  return `${item.name}(${item.inputs.map((input) => input.type).join(',')})`
}

function hex(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
