import { type ContractName, topicsOf } from '#contracts/events.ts'
import type { Database } from '#schema/database.ts'
import { beginAt, type Contracts, type Position, readCursor } from './cursor.ts'
import { IndexerError } from './errors.ts'
import type { Clock, Followed } from './events.ts'
import { otherTopics } from './handlers/otherGovernors.ts'
import { httpRpc, type Rpc, RpcError, type RpcOptions } from './rpc.ts'
import { Source } from './source.ts'
import { webSocketRpc } from './websocket.ts'

/** Where the contracts stand. `startBlock`: the first block that may hold one of their events. */
export interface FollowedDeployment {
  chainId: number
  startBlock: bigint | number
  addresses: Partial<Record<ContractName, string>>
}

/** A deployment as the indexer works with it. */
export interface Place {
  chainId: number
  /** Addresses by name, in lower case. */
  contracts: Contracts
  followed: Followed
  /** At least 1: the genesis block has no logs, and every start needs a block before it. */
  startBlock: number
  topics: string[]
}

export function placeOf({ chainId, startBlock, addresses }: FollowedDeployment): Place {
  const entries = Object.entries(addresses).map(([name, address]) => [name, address!.toLowerCase()] as const)
  const contracts = Object.fromEntries(entries)
  return {
    chainId,
    contracts,
    followed: new Map(entries.map(([name, address]) => [address, name as ContractName])),
    startBlock: Math.max(1, Number(startBlock)),
    topics: [...new Set(entries.flatMap(([name]) => topicsFor(name as ContractName)))],
  }
}

const topicsFor = (name: ContractName) =>
  name === 'ModelGovernor' ? [...topicsOf(name), ...otherTopics] : topicsOf(name)

export const sourceOf = (place: Place, rpc: Rpc, confirmations?: number) =>
  new Source(rpc, { addresses: Object.values(place.contracts), topics: place.topics }, { confirmations })

export const openRpc = (url: string, options: RpcOptions): Rpc =>
  url.startsWith('ws') ? webSocketRpc(url, options) : httpRpc(url, options)

/** Where to start: the cursor, or the block before the deployment. */
export async function begin(
  db: Database,
  source: Source,
  { chainId, contracts, startBlock: start }: Place,
): Promise<Position> {
  const actual = await source.chainId()
  if (actual !== chainId)
    throw new IndexerError(
      `RPC_URL leads to chain ${actual}, but the contracts stand on chain ${chainId}. Correct RPC_URL or the deployment.`,
    )
  const stored = await readCursor(db, chainId, contracts)
  if (stored) return stored
  const { head } = await source.tip()
  if (start > head.number + 1)
    throw new IndexerError(
      `The deployment's start block ${start} lies in the future: chain ${chainId} is at block ${head.number}. Correct startBlock, or RPC_URL.`,
    )
  const [base] = await source.headers([start - 1])
  if (!base)
    throw new IndexerError(`The node has no block ${start - 1}, from which indexing would start: use one with history.`)
  await beginAt(db, chainId, base, head.number, contracts)
  return (await readCursor(db, chainId, contracts))!
}

const CLOCK_MODE = '0x4bf5d7e9'
const REVERTED = 3

/** Whether the token counts seconds or blocks (ERC-6372). */
export async function clockOf(rpc: Rpc, token: string | undefined): Promise<Clock> {
  if (!token) return 'blocknumber'
  const mode = await rpc.request('eth_call', [{ to: token, data: CLOCK_MODE }, 'latest']).catch((error) => {
    // an older token counts blocks and does not say so; a node that fails otherwise has said nothing of the token
    if (error instanceof RpcError && (error.code === REVERTED || /revert/i.test(error.reason))) return '0x'
    throw error
  })
  return Buffer.from(String(mode).slice(2), 'hex').includes('timestamp') ? 'timestamp' : 'blocknumber'
}
