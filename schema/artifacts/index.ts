import { folderObjects } from './folder.ts'
import { localArtifacts } from './local.ts'
import { type S3Settings, s3Objects } from './s3.ts'
import { type ArtifactStore, artifactsIn, type GetOptions } from './store.ts'

export { type ArtifactCacheOptions, cachedArtifacts } from './cache.ts'
export { type CheckpointStore, checkpointOwner, checkpointsIn } from './checkpoints.ts'
export { ArtifactError, ArtifactStoreError, PartlyAnsweredError } from './errors.ts'
export { MIRROR_OUTCOMES, type Mirror, MirrorError, type MirrorOutcome } from './mirror.ts'
export { type MirrorAddress, mirrorAddress } from './mirrorAddress.ts'
export { mirroredArtifacts } from './mirrored.ts'
export { openMirrors } from './openMirrors.ts'
export type { ArtifactStore, GetOptions, S3Settings }
export { artifactsIn, folderObjects, localArtifacts, s3Objects }

/** Artifacts as files under `folder`. */
export const localStore = (folder: string): ArtifactStore => localArtifacts(folder, folderObjects(folder))

/** Artifacts as objects of an S3-compatible bucket. @throws ArtifactStoreError at once when the bucket cannot be used. */
export const s3Store = async (settings: S3Settings): Promise<ArtifactStore> => artifactsIn(await s3Objects(settings))
