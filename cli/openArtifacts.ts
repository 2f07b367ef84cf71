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
  type Mirror,
  mirroredArtifacts,
  openMirrors,
  s3Objects,
} from '#schema/artifacts/index.ts'
import type { ObjectStore } from '#schema/artifacts/objects.ts'
import type { StoreObserver } from './artifactMetrics.ts'

// Which Node versions are supported is decided by package.json, not by the AWS SDK, whose warning would disturb every command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

/** Without `artifactCache` nothing is kept on this host. */
export type ArtifactConfig = Pick<Config, 's3' | 'artifacts'> & Partial<Pick<Config, 'artifactCache' | 'mirrors'>>

export interface OpenedStores {
  /** This installation's artifacts, and behind them those of the mirrors. */
  artifacts: ArtifactStore
  /** This installation's alone. */
  ownArtifacts: ArtifactStore
  checkpoints: CheckpointStore
  objects: ObjectStore
}

/** Opens the configured artifacts and checkpoints: in an S3 bucket, with a cache of artifacts on this host, or in a folder; and the mirrors,
 *  which need not answer. */
export async function openStores(
  { s3, artifacts, artifactCache, mirrors: addresses }: ArtifactConfig,
  log?: Logger,
  observer?: StoreObserver,
): Promise<OpenedStores> {
  const mirrors = addresses ? configuredMirrors(addresses, log, observer) : []
  const mirrored = (own: ArtifactStore) => mirroredArtifacts(own, mirrors, { log, onRead: observer?.onMirrorRead })
  if (!s3) {
    const objects = folderObjects(artifacts)
    const ownArtifacts = localArtifacts(artifacts, objects)
    return { artifacts: mirrored(ownArtifacts), ownArtifacts, checkpoints: checkpointsIn(objects), objects }
  }
  const objects = await s3Objects({
    ...s3,
    breaker: {
      onChange(state) {
        observer?.onCircuit(state.open)
        if (state.open) log?.warn({ err: state.cause }, 'S3 does not answer: calls fail at once until it does')
        else log?.info('S3 answers again')
      },
    },
  })
  const stored = artifactsIn(objects)
  const cached = (store: ArtifactStore) => (artifactCache ? cachedArtifacts(store, { ...artifactCache, log }) : store)
  return {
    artifacts: cached(mirrored(stored)),
    ownArtifacts: cached(stored),
    checkpoints: checkpointsIn(objects),
    objects,
  }
}

export function configuredMirrors(
  { addresses, maxBytes }: Config['mirrors'],
  log?: Logger,
  observer?: StoreObserver,
): Mirror[] {
  const mirrors = openMirrors(addresses, {
    maxBytes,
    breaker: (mirror) => ({
      onChange(state) {
        observer?.onMirrorCircuit(mirror, state.open)
        if (state.open)
          log?.warn({ mirror, err: state.cause }, 'a mirror of artifacts is of no use: it is asked less often')
        else log?.info({ mirror }, 'a mirror of artifacts answers again')
      },
    }),
  })
  for (const { where } of mirrors) observer?.onMirror(where)
  return mirrors
}

export const openArtifacts = async (...options: Parameters<typeof openStores>): Promise<ArtifactStore> =>
  (await openStores(...options)).artifacts

/** All objects as they lie there: artifacts and checkpoints. */
export const openObjects = async ({ s3, artifacts }: Pick<Config, 's3' | 'artifacts'>): Promise<ObjectStore> =>
  s3 ? s3Objects(s3) : folderObjects(artifacts)
