import { numberToHex } from 'viem'
import { type Config, readConfig } from '#config'
import type { EpochSources } from '#epochs/epochSources.ts'
import type { BlockHeader } from '#indexer/rpc/answers.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { configuredChain } from './configuredChain.ts'
import type { DeploymentFile } from './deployment.ts'
import { withFreshIndex } from './freshIndex.ts'
import { openArtifacts } from './openArtifacts.ts'

/** What a stranger has: an index of its own, the blocks of any of its nodes, and the artifacts. */
export interface OwnIndex extends EpochSources {
  sql: Database
  artifacts: ArtifactStore
  deployment: DeploymentFile
  /** The time of the newest block, unix seconds. */
  now(): Promise<number>
}

export interface OwnIndexOptions {
  /** The artifact folder, unless S3 is configured. */
  artifacts?: string
}

const TIMEOUT_MS = 10_000

/** Indexes the configured chain into a new database, which follows the chain while `work` runs and is then deleted. No service and no key is
 *  needed. */
export async function onOwnIndex<T>(
  options: OwnIndexOptions,
  work: (own: OwnIndex, config: Config & { rpcUrl: string }) => Promise<T>,
): Promise<T> {
  const config = readConfig(process.env, { signs: false })
  const { rpcUrl, rpcUrls, deployment } = await configuredChain(config)
  return ownIndexOf({ ...config, artifacts: options.artifacts ?? config.artifacts }, { rpcUrls, deployment }, (own) =>
    work(own, { ...config, rpcUrl }),
  )
}

/** The same for a chain that the caller names: `rpcUrls` are one or several URLs, separated by commas. */
export async function ownIndexOf<T>(
  config: Parameters<typeof openArtifacts>[0],
  { rpcUrls, deployment }: { rpcUrls: string; deployment: DeploymentFile },
  work: (own: OwnIndex) => Promise<T>,
): Promise<T> {
  const artifacts = await openArtifacts(config)
  const done = new AbortController()
  const blocks = blocksAt(rpcUrls, done.signal)
  try {
    return await withFreshIndex({ rpcUrl: rpcUrls, deployment }, undefined, (sql) =>
      work({ sql, artifacts, deployment, ...blocks }),
    )
  } finally {
    done.abort()
  }
}

/** Hashes and times of blocks, from any of the nodes. `signal` closes the connections. */
export function blocksAt(rpcUrls: string, signal: AbortSignal): Pick<OwnIndex, 'blockHash' | 'now'> {
  const rpc = openRpc(rpcUrls, { timeoutMs: TIMEOUT_MS, signal })
  const blockAt = async (place: string) => {
    const block = (await rpc.request('eth_getBlockByNumber', [place, false])) as BlockHeader | null
    if (!block) throw new RetriableError(`RPC_URL: the node has no block ${place}.`)
    return block
  }
  return {
    blockHash: async (block) => (await blockAt(numberToHex(block))).hash,
    now: async () => (await blockAt('latest')).timestamp.getTime() / 1000,
  }
}
