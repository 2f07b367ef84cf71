import type { Config } from '#config'
import { type ArtifactStore, localStore, s3Store } from '#schema/artifacts/index.ts'

// Which Node versions are supported is decided by package.json, not by the AWS SDK, whose warning would disturb every command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

/** Opens the configured artifact store: an S3 bucket, or a folder. */
export const openArtifacts = (config: Pick<Config, 's3' | 'artifacts'>): Promise<ArtifactStore> =>
  config.s3 ? s3Store(config.s3) : Promise.resolve(localStore(config.artifacts))
