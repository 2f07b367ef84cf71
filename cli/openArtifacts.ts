import type { Config } from '#config'
import { type ArtifactStore, localStore, s3Store } from '#schema/artifacts.ts'

/** Opens the configured artifact store: an S3 bucket, or a folder. */
export const openArtifacts = (config: Pick<Config, 's3' | 'artifacts'>): Promise<ArtifactStore> =>
  config.s3 ? s3Store(config.s3) : Promise.resolve(localStore(config.artifacts))
