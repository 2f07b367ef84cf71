import { EngineError } from '#engine/process/index.ts'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { DatabaseError } from '#schema/database.ts'
import {
  hostFault,
  IndexBehindError,
  isDatabaseFull,
  isRetriable,
  PermanentError,
  RetriableError,
} from '#schema/errors.ts'
import { InputError } from '#schema/inputs.ts'
import { publicMessage, publicText } from '#schema/publicMessage.ts'
import { QueueError } from '#schema/queue.ts'
import {
  ChainMismatchError,
  ChainUnavailableError,
  GasLimitError,
  isTransportError,
  RevertError,
} from './chainErrors.ts'
import { AttributionPendingError, JobError, MissingArtifactError, PendingError } from './job.ts'
import type { JobFailure } from './jobState.ts'

/** Whose fault it is that an attempt has no result, and what clients see of it: a code, and a message that says what to do.
 *  input: the job fails at once, because it would fail again at each retry.
 *  infrastructure: the job waits and uses no attempt.
 *  job: everything else, for example an unexpected error or a crash. It is retried a few times. */
export type JobFault = 'input' | 'infrastructure' | 'job'

/** Why jobs wait: the code of the failure. */
export const WAIT_CODES = [
  'ARTIFACT_STORE',
  'CHAIN',
  'CHAIN_FUNDS',
  'DATABASE',
  'QUEUE',
  'DISK',
  'MEMORY',
  'INDEX_BEHIND',
  'ATTRIBUTION',
  'ARTIFACT_AWAITED',
  'PENDING',
  'SERVICE',
] as const
export type WaitCode = (typeof WAIT_CODES)[number]

export function faultOf(error: unknown): { fault: JobFault; failure: JobFailure } {
  const code = waitCode(error)
  if (code) return { fault: 'infrastructure', failure: { code, message: waitMessage(code, error) } }
  const permanent = permanentFailure(error)
  if (permanent) return { fault: 'input', failure: permanent }
  return { fault: 'job', failure: { code: 'INTERNAL', message: publicMessage(error) } }
}

/** The failure of a job that would fail again at each retry; undefined when a retry may succeed. */
export function permanentFailure(error: unknown): JobFailure | undefined {
  const failure = (code: string, message = (error as Error).message) => ({ code, message: publicText(message) })
  if (passes(error)) return undefined
  if (error instanceof JobError) return failure(error.code)
  if (error instanceof InputError) return failure('BAD_INPUT')
  if (error instanceof EngineError && error.fault === 'input') return failure('BAD_INPUT')
  if (error instanceof ArtifactError && error.code === 'missing')
    return failure('ARTIFACT_MISSING', missingArtifactMessage(error))
  if (error instanceof ArtifactError) return failure('ARTIFACT_CORRUPT')
  if (error instanceof RevertError) return failure('REVERTED')
  if (error instanceof GasLimitError) return failure('GAS_LIMIT')
  if (error instanceof ChainMismatchError) return failure('CHAIN_MISMATCH')
  if (error instanceof PermanentError) return failure('REFUSED')
  return undefined
}

/** Errors of contracts that end by themselves: the guardian's pause, a mandate's cap for one day, and too many maps that are not final. */
const PASSING_REVERTS: readonly (string | undefined)[] = ['GuardianPaused', 'ExceedsDailyCap', 'TooManyPending']
const passes = (error: unknown) =>
  error instanceof RevertError && !error.isMined && PASSING_REVERTS.includes(error.errorName)

/** What must come back before the job can go on; undefined when it waits for nothing. */
function waitCode(error: unknown): WaitCode | undefined {
  if (passes(error)) return 'PENDING'
  if (error instanceof PermanentError) return undefined
  const host = hostFault(error) ?? hostFault(engineCause(error))
  if (host) return host === 'disk' ? 'DISK' : 'MEMORY'
  if (error instanceof EngineError) return error.fault === 'hostMemory' ? 'MEMORY' : undefined
  if (error instanceof ArtifactStoreError) return error.code === 'full' ? 'DISK' : 'ARTIFACT_STORE'
  if (error instanceof ChainUnavailableError) return error.code === 'no-funds' ? 'CHAIN_FUNDS' : 'CHAIN'
  if (isTransportError(error)) return 'CHAIN'
  if (error instanceof DatabaseError) return 'DATABASE'
  if (error instanceof QueueError) return 'QUEUE'
  if (error instanceof IndexBehindError) return 'INDEX_BEHIND'
  if (error instanceof AttributionPendingError) return 'ATTRIBUTION'
  if (error instanceof MissingArtifactError) return 'ARTIFACT_AWAITED'
  if (error instanceof PendingError) return 'PENDING'
  if (error instanceof RetriableError) return 'SERVICE'
  if (!isRetriable(error)) return undefined
  return isDatabaseError(error) ? 'DATABASE' : 'SERVICE'
}

/** An engine's error carries the code of its child's error, whose causes do not cross the process boundary. */
const engineCause = (error: unknown) =>
  error instanceof EngineError && error.code ? Object.assign(new Error(), { code: error.code }) : undefined

/** Errors of `pg` have a SQLSTATE or none; those of sockets and of Node begin with E. */
const isDatabaseError = (error: unknown) => !/^E[A-Z]/.test(String((error as { code?: unknown }).code ?? ''))

const WAITS_FOR: Record<WaitCode, string> = {
  ARTIFACT_STORE: 'The artifact store does not answer.',
  CHAIN: 'The chain does not answer or has not mined a transaction.',
  CHAIN_FUNDS: 'The account that signs cannot pay for gas.',
  DATABASE: 'The database did not answer.',
  QUEUE: 'The queue does not answer.',
  DISK: 'A disk of the worker’s host is full or fails.',
  MEMORY: 'The worker’s host has no memory left.',
  INDEX_BEHIND: 'The index has not reached the block that the job needs.',
  ATTRIBUTION: 'Answers are not traced to contributions yet.',
  ARTIFACT_AWAITED: 'An artifact that the chain names is in no store.',
  PENDING: 'Something else must happen first.',
  SERVICE: 'A service does not answer.',
}

const waitMessage = (code: WaitCode, error: unknown) =>
  `${isDatabaseFull(error) ? 'The disk of the database is full: make room on it.' : WAITS_FOR[code]} The job waits and is tried again by itself. (${publicMessage(error)})`

/** The message of a missing artifact for clients. It does not tell where the operator keeps the store. */
export const missingArtifactMessage = ({ artifact, message }: ArtifactError): string =>
  artifact
    ? `Artifact ${artifact} is in no store that this worker reads. Copy it there, or set S3_ENDPOINT and S3_BUCKET of the worker to the store that holds it, or add a mirror that holds it to its ARTIFACT_MIRRORS. Then try the job again (mutation retryJob).`
    : message
