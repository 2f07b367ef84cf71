import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, readConfig } from '#config'
import type { Deployment } from '#contracts/deploy.ts'
import { startIndexer } from '#indexer/index.ts'
import { rowOf } from '#schema/current.ts'
import { openDatabase } from '#schema/database.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { startPostgres } from '#schema/postgres.ts'
import { migrate } from '#schema/source.ts'
import { computeEpoch } from '#workers/epoch.ts'
import { readDeployment } from './deployment.ts'
import { openArtifacts } from './stores.ts'

interface Verification {
  epoch: number
  /** As the chain has it. */
  root: string
  recomputedRoot: string
}

/** Indexes the chain anew into a database of its own and computes the epoch's root from that index and the artifacts alone.
 *  @throws Error when the epoch is not published, or an artifact is missing or corrupt. */
export async function recomputeRoot(from: {
  rpcUrl: string
  deployment: Deployment
  artifacts: string
  epoch: number
}): Promise<Verification> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-verify-'))
  const server = await startPostgres(folder, { flags: { fsync: 'off' } })
  const abort = new AbortController()
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const indexer = await startIndexer({ db, rpcUrl: from.rpcUrl, deployment: from.deployment, signal: abort.signal })
    try {
      await indexer.caughtUp()
      const map = await rowOf(db, RewardMap, String(from.epoch))
      if (map?.status !== 'Published' || !map.root || map.lastBlock === null)
        throw new Error(`Epoch ${from.epoch} has no published reward map on this chain.`)
      const { s3 } = readConfig()
      const artifacts = await openArtifacts({ s3, artifacts: from.artifacts })
      const again = await computeEpoch({ sql: db, artifacts, deployment: from.deployment }, from.epoch, map.lastBlock)
      return { epoch: from.epoch, root: map.root, recomputedRoot: again.root }
    } finally {
      abort.abort()
      await indexer.stopped.catch(() => {})
      await db.close()
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** `modelcommons verify EPOCH`: says whether the chain's root follows from the chain's facts. Exits with 1 when it does not. */
export async function verify(epoch: number, options: { artifacts?: string }): Promise<void> {
  const config = readConfig()
  if (!config.rpcUrl)
    throw new ConfigError('RPC_URL: required to verify: the chain to read (and DEPLOYMENT: the contracts on it).')
  const deployment = await readDeployment(config.deployment as string)
  const found = await recomputeRoot({
    rpcUrl: config.rpcUrl,
    deployment,
    artifacts: options.artifacts ?? config.artifacts,
    epoch,
  })
  console.log(`Published   ${found.root}\nRecomputed  ${found.recomputedRoot}`)
  if (found.root === found.recomputedRoot) return console.log(`Epoch ${epoch} is right.`)
  console.error(`Epoch ${epoch} is wrong: its root does not follow from the chain. Open a dispute (ground: root).`)
  process.exitCode = 1
}
