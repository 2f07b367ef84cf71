import type { ContractName } from '#contracts/events.ts'
import type { Database } from '#schema/database.ts'
import { Children, type Factory, topicsFor } from '../chain/children.ts'
import { isLimit } from '../chain/ranges.ts'
import { Source, type SourceOptions } from '../chain/source.ts'
import { IndexerError } from '../errors.ts'
import { type FollowedGovernor, Governances, profileOf } from '../governors/governances.ts'
import type { Followed } from '../handlers/events.ts'
import { Endpoints } from '../rpc/endpoints.ts'
import { httpRpc, type Rpc, type RpcOptions } from '../rpc/rpc.ts'
import { webSocketRpc } from '../rpc/websocket.ts'
import { beginAt, type Contracts, type Position, readCursor } from '../store/cursor.ts'

/** Where the contracts stand. `startBlock`: the first block that may hold one of their events. */
export interface FollowedDeployment {
  chainId: number
  startBlock: bigint | number
  addresses: Partial<Record<ContractName, string>>
  /** What `addresses.ModelGovernor` counts; asked of the token when left out. */
  clock?: FollowedGovernor['clock']
  /** Governors besides that of `addresses`, each with its token and its timelock. */
  governors?: readonly FollowedGovernor[]
  /** Contracts whose events name further contracts to follow. */
  factories?: readonly Factory[]
}

/** A deployment as the indexer works with it. */
export interface Place {
  chainId: number
  /** Addresses by name, in lower case. */
  contracts: Contracts
  followed: Followed
  children: Children
  governances: Governances
  /** At least 1: the genesis block has no logs, and every start needs a block before it. */
  startBlock: number
  topics: string[]
}

export function placeOf(deployment: FollowedDeployment): Place {
  const { chainId, startBlock, addresses, clock, governors = [], factories = [] } = deployment
  const { ModelGovernor, GOpen, TimelockController } = addresses
  const home = ModelGovernor && { address: ModelGovernor, token: GOpen, timelock: TimelockController, clock }
  const profiles = [...(home ? [{ ...home, name: 'ModelCommons' }] : []), ...governors].map(profileOf)
  const named = Object.entries(addresses).map(
    ([name, address]) => [name as ContractName, address!.toLowerCase()] as const,
  )
  const entries = profiles
    .slice(home ? 1 : 0)
    .flatMap(({ id, token, timelock }) => [
      ['ModelGovernor', id] as const,
      ...(token === null ? [] : [['GOpen', token] as const]),
      ...(timelock === null ? [] : [['TimelockController', timelock] as const]),
    ])
  const first = profiles[0] ? [profiles[0].id, profiles[0].token, profiles[0].timelock] : []
  const children = new Children(new Map([...named, ...entries].map(([name, address]) => [address, name])), factories)
  const { followed } = children
  return {
    chainId,
    contracts: contractsOf(named, [...entries, ...children.factories.map((address) => ['Factory', address] as const)]),
    followed,
    children,
    governances: new Governances(
      profiles,
      new Set([...named.map(([, address]) => address), ...first.filter((one) => one !== null)]),
    ),
    startBlock: Math.max(1, Number(startBlock)),
    topics: [...new Set([...[...followed.values()].flatMap(topicsFor), ...children.topics])],
  }
}

type Entries = readonly (readonly [string, string])[]

/** Addresses by name, those of the deployment as they are named there; of the others each once, and numbered after the first. */
function contractsOf(named: Entries, entries: Entries): Contracts {
  const contracts: Record<string, string> = Object.fromEntries(named)
  for (const [name, address] of entries) {
    if (Object.values(contracts).includes(address)) continue
    let key = name
    for (let n = 2; contracts[key] !== undefined; n++) key = `${name} ${n}`
    contracts[key] = address
  }
  return contracts
}

export const sourceOf = (place: Place, rpc: Rpc, options: SourceOptions = {}) =>
  new Source(
    rpc,
    { addresses: Object.values(place.contracts), topics: place.topics },
    { ...options, children: place.children, panel: rpc instanceof Endpoints ? rpc : undefined },
  )

const openOne = (url: string, options: RpcOptions): Rpc =>
  url.startsWith('ws') ? webSocketRpc(url, options) : httpRpc(url, options)

/** With other endpoints at hand, waiting long for one is no use. */
const TRIES_OF_SEVERAL = 2

/** One endpoint, or several as one: a list separated by commas, the preferred one first. */
export function openRpc(urls: string, options: RpcOptions, onFailover?: () => void): Rpc {
  const [first, ...others] = endpointsIn(urls)
  if (!others.length) return openOne(first!, options)
  const several = { tries: TRIES_OF_SEVERAL, ...options }
  return new Endpoints(
    [first!, ...others].map((url) => openOne(url, several)),
    isLimit,
    onFailover,
  )
}

export const endpointsIn = (urls: string) => urls.split(',').map((url) => url.trim())

/** @throws IndexerError when the node is of another chain. */
export async function requireChain(rpc: Rpc, chainId: number): Promise<void> {
  const actual = Number(await rpc.request('eth_chainId'))
  if (actual !== chainId)
    throw new IndexerError(
      `RPC_URL leads to chain ${actual}, but the contracts stand on chain ${chainId}. Correct RPC_URL or the deployment.`,
    )
}

/** @throws IndexerError when the node's chain has the id of the one that is indexed, and another history from the first final block on. */
export async function requireHistory(db: Database, rpc: Rpc, chainId: number): Promise<void> {
  const { rows } = await db.query(
    'select number, hash from block where final and exists (select 1 from cursor where id = $1) order by number limit 1',
    [String(chainId)],
  )
  if (!rows[0]) return
  const { number, hash } = rows[0] as { number: number; hash: string }
  const now = (await rpc.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as {
    hash: string
  } | null
  if (now && now.hash !== hash)
    throw new IndexerError(
      `RPC_URL leads to another chain than the one that is indexed, though both have the id ${chainId}: block ${number} is ${now.hash} there, ${hash} here. Correct RPC_URL, or use an empty database (DATABASE_URL).`,
    )
}

/** Where to start: the cursor, or the block before the deployment.
 *  @throws IndexerError when the start block lies in the future, or the database holds the index of something else. */
export async function begin(
  db: Database,
  source: Source,
  { chainId, contracts, startBlock: start }: Place,
): Promise<Position> {
  const stored = await readCursor(db, chainId, contracts)
  if (stored) return stored
  const { head } = await source.tip(start - 1)
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
