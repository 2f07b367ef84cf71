import { ARTIFACT_GRACE_SECONDS } from '#rules/dispute.ts'
import { ArtifactError, type ArtifactStore, PartlyAnsweredError } from '#schema/artifacts/index.ts'
import type { RewardMap } from '#schema/onchain/rewards.ts'

/** Artifacts of which one is missing that the own store and at least one mirror have answered not to have, once `isOverdue` says that it was awaited long
 *  enough: so one mirror that never answers shields no false map. */
export const presumeMissing = <A extends Pick<ArtifactStore, 'get'>>(
  artifacts: A,
  isOverdue: (error: PartlyAnsweredError) => Promise<boolean>,
): A => ({
  ...artifacts,
  async get(name, options) {
    try {
      return await artifacts.get(name, options)
    } catch (error) {
      if (!(error instanceof PartlyAnsweredError && (await isOverdue(error)))) throw error
      throw new ArtifactError('missing', `${error.message} For 72 hours nobody has served it: it counts as missing.`, {
        cause: error,
        artifact: error.artifact,
      })
    }
  },
})

/** Whether the artifacts of a published map were awaited for 72 hours at `time`, unix seconds. */
export const isOverdue = ({ publishedAt }: Pick<RewardMap, 'publishedAt'>, time: number): boolean =>
  publishedAt !== null && time - publishedAt.getTime() / 1000 >= ARTIFACT_GRACE_SECONDS
