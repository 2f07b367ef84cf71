import { checkEpoch, keepIn } from '#epochs/checkEpoch.ts'
import { missingManifests } from '#epochs/epoch.ts'
import type { EpochSources } from '#epochs/epochSources.ts'
import { ARTIFACT_GRACE_SECONDS } from '#rules/dispute.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { type JobContext, MissingArtifactError } from '../job.ts'

/** The artifacts that the chain names, that the map of the epoch needs, and that nobody could fetch for 72 hours since the epoch's last block, by the chain's
 *  time: their versions then have no weights and no judgements (amendment 12a). The pages of the map before are no such artifacts: they are computed and stored.
 *  @throws MissingArtifactError while one is missing for less than that; what the store throws when it is away. */
export async function absentArtifacts(
  { chain, artifacts, input: { epoch } }: JobContext<'settleEpoch'>,
  sources: EpochSources,
  toBlock: number,
): Promise<string[]> {
  if ((await missingManifests(sources, epoch)).length > 0 && epoch > 1)
    await checkEpoch(sources, epoch - 1, keepIn(artifacts)).catch((error) => {
      if (!(error instanceof ArtifactError)) throw error
    })
  const missing = await missingManifests(sources, epoch)
  if (missing.length === 0) return []
  const { timestamp } = await chain.client.getBlock({ blockNumber: BigInt(toBlock) })
  const givenUpAt = Number(timestamp) + ARTIFACT_GRACE_SECONDS
  if ((await chain.now()) >= givenUpAt) return missing
  throw new MissingArtifactError(
    `Epoch ${epoch} needs ${missing.join(', ')}. Copy them to the artifact store if you have them, or add a mirror that has them to ARTIFACT_MIRRORS. From ${new Date(givenUpAt * 1000).toISOString()} on the epoch is settled without them.`,
  )
}
