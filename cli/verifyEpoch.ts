import { createPublicClient, http } from 'viem'
import { readConfig } from '#config'
import type { Deployment } from '#contracts/deploy.ts'
import { checkEpoch, type EpochCheck } from '#epochs/checkEpoch.ts'
import { blockHashes } from '#epochs/epochSources.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { configuredChain } from './configuredChain.ts'
import { withFreshIndex } from './freshIndex.ts'
import { openArtifacts } from './openArtifacts.ts'

/** Indexes the chain into a new database and checks the epoch's map by that index, the node's blocks and the artifacts alone.
 *  @throws as checkEpoch */
export async function recomputeRoot(from: {
  rpcUrl: string
  deployment: Deployment
  artifacts: string
  epoch: number
}): Promise<EpochCheck> {
  const { rpcUrl, deployment, epoch } = from
  return withFreshIndex({ rpcUrl, deployment }, undefined, async (sql) => {
    const { s3, artifactCache, mirrors } = readConfig(process.env, { signs: false })
    const artifacts = await openArtifacts({ s3, artifacts: from.artifacts, artifactCache, mirrors })
    return checkEpoch({ sql, artifacts, deployment, blockHash: blockHashesAt(rpcUrl) }, epoch)
  })
}

/** The hashes of the blocks of the node at `rpcUrl`. */
export const blockHashesAt = (rpcUrl: string) => blockHashes(createPublicClient({ transport: http(rpcUrl) }))

/** Exit codes of `verify EPOCH` and of `watch --once`. */
export const WRONG_MAP = 1
export const UNCHECKABLE_MAP = 2

/** `modelcommons verify EPOCH`: checks that the published map follows from the facts on the chain. */
export async function verify(epoch: number, options: { artifacts?: string }): Promise<void> {
  const config = readConfig(process.env, { signs: false })
  const { rpcUrl, deployment } = await configuredChain(config)
  const artifacts = options.artifacts ?? config.artifacts
  try {
    const { root, recomputedRoot, difference } = await recomputeRoot({ rpcUrl, deployment, artifacts, epoch })
    console.log(`Published   ${root}\nRecomputed  ${recomputedRoot}`)
    if (difference === null) return console.log(`Epoch ${epoch} is right.`)
    const { place, published, recomputed } = difference
    console.error(`First difference at ${place}: published ${published}, recomputed ${recomputed}.`)
    console.error(`Epoch ${epoch} is wrong: its map does not follow from the chain. Open a dispute (ground: root).`)
    process.exitCode = WRONG_MAP
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error
    console.error(`Epoch ${epoch} cannot be checked: ${error.message}`)
    process.exitCode = UNCHECKABLE_MAP
  }
}
