import type { Logger } from 'pino'
import type { Config } from '#config'
import {
  type ArtifactStore,
  artifactsIn,
  type CheckpointStore,
  cachedArtifacts,
  checkpointsIn,
  folderObjects,
  localArtifacts,
  s3Objects,
} from '#schema/artifacts/index.ts'
import type { ObjectStore } from '#schema/artifacts/objects.ts'

// Which Node versions are supported is decided by package.json, not by the AWS SDK, whose warning would disturb every command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

/** Without `artifactCache` nothing is kept on this host. */
export type ArtifactConfig = Pick<Config, 's3' | 'artifacts'> & Partial<Pick<Config, 'artifactCache'>>

/** Opens the configured artifacts and checkpoints: in an S3 bucket, with a cache of artifacts on this host, or in a folder.
 *  `onCircuit` is told when S3 is no longer asked, and when it is again. */
export async function openStores(
  { s3, artifacts, artifactCache }: ArtifactConfig,
  log?: Logger,
  onCircuit?: (open: boolean) => void,
): Promise<{ artifacts: ArtifactStore; checkpoints: CheckpointStore; objects: ObjectStore }> {
  if (!s3) {
    const objects = folderObjects(artifacts)
    return { artifacts: localArtifacts(artifacts, objects), checkpoints: checkpointsIn(objects), objects }
  }
  const objects = await s3Objects({
    ...s3,
    breaker: {
      onChange(state) {
        onCircuit?.(state.open)
        if (state.open) log?.warn({ err: state.cause }, 'S3 does not answer: calls fail at once until it does')
        else log?.info('S3 answers again')
      },
    },
  })
  const stored = artifactsIn(objects)
  return {
    artifacts: artifactCache ? cachedArtifacts(stored, { ...artifactCache, log }) : stored,
    checkpoints: checkpointsIn(objects),
    objects,
  }
}

export const openArtifacts = async (...options: Parameters<typeof openStores>): Promise<ArtifactStore> =>
  (await openStores(...options)).artifacts

/** All objects as they lie there: artifacts and checkpoints. */
export const openObjects = async ({ s3, artifacts }: Pick<Config, 's3' | 'artifacts'>): Promise<ObjectStore> =>
  s3 ? s3Objects(s3) : folderObjects(artifacts)
