import { type Address, createPublicClient, http, parseEther } from 'viem'
import type { Deployment } from '#contracts/deploy.ts'
import { type ContractName, contracts } from '#contracts/generated/index.ts'

/** Blocks in which others may have changed what a command had read. */
const RECENT_BLOCKS = 100n

/** Compares what the commands printed with what the contracts say, asked by calls of this check's own. */
export class Figures {
  readonly wrong: string[] = []
  compared = 0
  private readonly node

  constructor(
    rpcUrl: string,
    private readonly deployment: Deployment,
  ) {
    this.node = createPublicClient({ transport: http(rpcUrl), cacheTime: 0 })
  }

  read(
    contract: ContractName,
    functionName: string,
    args: readonly unknown[] = [],
    blockNumber?: bigint,
  ): Promise<unknown> {
    const { abi } = contracts[contract]
    const address = this.deployment.addresses[contract]
    return this.node.readContract({ address, abi, functionName, args, blockNumber } as never)
  }

  async now(): Promise<bigint> {
    return (await this.node.getBlock()).timestamp
  }

  /** How many samples an account has given; others may give some meanwhile. */
  async contributionsOf(account: Address): Promise<number> {
    const count = Number(await this.read('DatanetRegistry', 'contributionCount'))
    const ids = Array.from({ length: count }, (_, nth) => BigInt(nth + 1))
    const contributors = await Promise.all(ids.map((id) => this.read('DatanetRegistry', 'contributorOf', [id])))
    return contributors.filter((one) => String(one).toLowerCase() === account.toLowerCase()).length
  }

  same(what: string, printed: unknown, onChain: unknown): void {
    this.compared++
    if (String(printed) !== String(onChain)) this.wrong.push(`${what}: ${printed} was printed, and is ${onChain}`)
  }

  /** As `same`, for what others change meanwhile: what was printed was so within the last blocks.
   *  @param read the value at a block */
  async was(what: string, printed: unknown, read: (block: bigint) => Promise<unknown>): Promise<void> {
    const newest = await this.node.getBlockNumber()
    let onChain: unknown
    for (let block = newest; block >= 0n && block > newest - RECENT_BLOCKS; block--) {
      const value = await read(block).catch(() => undefined) // before the contract had it
      onChain ??= value
      if (String(value) === String(printed)) return this.same(what, printed, value)
    }
    this.same(what, printed, onChain)
  }

  /** Of a line of `account balance`. */
  async balance(who: string, account: Address, line: string): Promise<void> {
    const printed = (name: string) => parseEther(new RegExp(`\\b${name} ([\\d.]+)`).exec(line)?.[1] ?? '-1')
    this.same(`${who}: native`, printed('native'), await this.node.getBalance({ address: account }))
    this.same(`${who}: gOPEN`, printed('gOpen'), await this.read('GOpen', 'balanceOf', [account]))
    this.same(`${who}: locked`, printed('locked'), await this.read('GOpen', 'lockedOf', [account]))
    this.same(`${who}: votes`, printed('votes'), await this.read('GOpen', 'getVotes', [account]))
  }
}
