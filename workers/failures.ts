import { ArtifactError } from '#schema/artifacts.ts'
import { InputError } from '#schema/inputs.ts'
import { JobError } from './job.ts'
import type { JobFailure } from './jobState.ts'

/** What a failed job says: a code, and a message that tells who asked what to do. */

/** The fault of a request that would fail again however often it is tried; undefined when trying again may help. */
export function permanentFailure(error: unknown): JobFailure | undefined {
  if (error instanceof JobError) return { code: error.code, message: error.message }
  if (error instanceof InputError) return { code: 'BAD_INPUT', message: error.message }
  if (error instanceof ArtifactError && error.code === 'missing')
    return { code: 'ARTIFACT_MISSING', message: missingArtifactMessage(error) }
  if (error instanceof ArtifactError) return { code: 'ARTIFACT_CORRUPT', message: error.message }
  return undefined
}

/** The error as whoever asked may read it: where the operator keeps the store is not theirs to know. */
export const missingArtifactMessage = ({ artifact, message }: ArtifactError): string =>
  artifact
    ? `Artifact ${artifact} is not in the store that this worker reads. Copy it there, or point S3_ENDPOINT and S3_BUCKET of the worker at the store that holds it; then ask again under a new idempotency key.`
    : message

/** Any other error as outsiders may read it: one short line, no stack, no passwords. */
export function publicMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .replace(/\/\/([^:@/\s]*):[^@/\s]*@/g, '//$1:…@')
    .split('\n')[0]!
    .slice(0, 500)
}
