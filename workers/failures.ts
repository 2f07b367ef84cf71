import { ArtifactError } from '#schema/artifacts/index.ts'
import { InputError } from '#schema/inputs.ts'
import { redactCredentials } from '#schema/redact.ts'
import { JobError } from './job.ts'
import type { JobFailure } from './jobState.ts'

/** What clients see of a failed job: a code, and a message that says what to do. */

/** The failure of a job that would fail again at each retry; undefined when a retry may succeed. */
export function permanentFailure(error: unknown): JobFailure | undefined {
  if (error instanceof JobError) return { code: error.code, message: error.message }
  if (error instanceof InputError) return { code: 'BAD_INPUT', message: error.message }
  if (error instanceof ArtifactError && error.code === 'missing')
    return { code: 'ARTIFACT_MISSING', message: missingArtifactMessage(error) }
  if (error instanceof ArtifactError) return { code: 'ARTIFACT_CORRUPT', message: error.message }
  return undefined
}

/** The message of a missing artifact for clients. It does not tell where the operator keeps the store. */
export const missingArtifactMessage = ({ artifact, message }: ArtifactError): string =>
  artifact
    ? `Artifact ${artifact} is not in the store that this worker reads. Copy it there, or set S3_ENDPOINT and S3_BUCKET of the worker to the store that holds it. Then request the job again under a new idempotency key.`
    : message

/** The message of any other error for clients: one short line, without stack and passwords. */
export function publicMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const [firstLine = ''] = redactCredentials(text).split('\n')
  return firstLine.slice(0, 500)
}
