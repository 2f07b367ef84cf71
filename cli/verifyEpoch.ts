import { readConfig } from '#config'
import type { Deployment } from '#contracts/deploy.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import { type Difference, firstDifference } from '#rules/verification.ts'
import { getDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { RewardMap as RewardMapRow } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { computeEpoch } from '#workers/epoch.ts'
import type { EpochSources } from '#workers/epochSources.ts'
import { configuredChain } from './configuredChain.ts'
import { withFreshIndex } from './freshIndex.ts'
import { openArtifacts } from './openArtifacts.ts'

interface Verification {
  epoch: number
  /** The root on the chain. */
  root: string
  recomputedRoot: string
  /** The first difference between the published map and the recomputed one. */
  difference: Difference | null
}

/** Indexes the chain into a new database and computes the epoch's root from that index and the artifacts alone.
 *  @throws PermanentError when the epoch is not published, or an artifact is missing or corrupt. */
export async function recomputeRoot(from: {
  rpcUrl: string
  deployment: Deployment
  artifacts: string
  epoch: number
}): Promise<Verification> {
  const { rpcUrl, deployment, epoch } = from
  return withFreshIndex({ rpcUrl, deployment }, undefined, async (db) => {
    const { s3, artifactCache, mirrors } = readConfig(process.env, { signs: false })
    const artifacts = await openArtifacts({ s3, artifacts: from.artifacts, artifactCache, mirrors })
    return recomputeOn({ sql: db, artifacts, deployment }, epoch)
  })
}

/** Computes the root of a published epoch from an index and the artifacts. @throws PermanentError as `recomputeRoot` */
export async function recomputeOn(sources: EpochSources, epoch: number): Promise<Verification> {
  const map = await rowOf(sources.sql, RewardMapRow, String(epoch))
  if (map?.status !== 'Published' || !map.root || map.lastBlock === null)
    throw new PermanentError(
      `Epoch ${epoch} has no published reward map on this chain. Choose a published epoch, or correct RPC_URL and DEPLOYMENT.`,
    )
  const recomputed = await computeEpoch(sources, epoch, map.lastBlock)
  const published = map.uri ? await getDocument(sources.artifacts, rewardMapDocument, map.uri) : undefined
  const difference = published ? firstDifference(mapOf(published), mapOf(recomputed)) : null
  return { epoch, root: map.root, recomputedRoot: recomputed.root, difference }
}

/** A document as a reward map of the rules. */
const mapOf = (document: RewardMapDocument): EpochRewardMap => ({
  root: document.root as `0x${string}`,
  total: BigInt(document.total),
  treasury: 0n,
  leaves: document.leaves.map(({ account, cumulative }) => ({
    chain: BigInt(document.chainId),
    distributor: document.distributor as `0x${string}`,
    epoch: BigInt(document.epoch),
    account: account as `0x${string}`,
    cumulative: BigInt(cumulative),
  })),
  carried: document.carried.map((one) => ({ ...one, amount: BigInt(one.amount) }) as EpochRewardMap['carried'][number]),
  debts: document.debts.map((one) => ({ ...one, amount: BigInt(one.amount) }) as EpochRewardMap['debts'][number]),
  lines: document.lines.map(
    (one) =>
      ({
        ...one,
        amount: BigInt(one.amount),
        pot: BigInt(one.pot),
        weight: BigInt(one.weight),
        whole: BigInt(one.whole),
      }) as EpochRewardMap['lines'][number],
  ),
})

/** `modelcommons verify EPOCH`: checks that the published root follows from the facts on the chain. Exits with 1 when it does not. */
export async function verify(epoch: number, options: { artifacts?: string }): Promise<void> {
  const config = readConfig(process.env, { signs: false })
  const { rpcUrl, deployment } = await configuredChain(config)
  const found = await recomputeRoot({
    rpcUrl,
    deployment,
    artifacts: options.artifacts ?? config.artifacts,
    epoch,
  })
  console.log(`Published   ${found.root}\nRecomputed  ${found.recomputedRoot}`)
  if (found.root === found.recomputedRoot) return console.log(`Epoch ${epoch} is right.`)
  const { difference } = found
  if (difference)
    console.error(
      `First difference at ${difference.place}: published ${difference.published}, recomputed ${difference.recomputed}.`,
    )
  console.error(`Epoch ${epoch} is wrong: its root does not follow from the chain. Open a dispute (ground: root).`)
  process.exitCode = 1
}
