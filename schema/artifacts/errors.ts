import { PermanentError, RetriableError } from '../errors.ts'

/** The artifact itself cannot be used, however often it is read. */
export class ArtifactError extends PermanentError {
  override name = 'ArtifactError'
  /** The requested name, of a missing artifact. */
  readonly artifact?: string
  constructor(
    readonly code: 'missing' | 'corrupt' | 'tooLarge',
    message: string,
    options: ErrorOptions & { artifact?: string } = {},
  ) {
    super(message, options)
    this.artifact = options.artifact
  }
}

/** The store cannot be read or written at present. The message names no folder of this host: the `cause` does. */
export class ArtifactStoreError extends RetriableError {
  override name = 'ArtifactStoreError'
  constructor(
    readonly code: 'unreachable' | 'full',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The own store and at least one mirror have answered that they have none; the other mirrors have given no answer. */
export class PartlyAnsweredError extends ArtifactStoreError {
  override name = 'PartlyAnsweredError'
  constructor(
    readonly artifact: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super('unreachable', message, options)
  }
}

/** The connection ended in the middle of an object. */
export class BrokenTransferError extends ArtifactStoreError {
  override name = 'BrokenTransferError'
}

export const missingArtifact = (name: string, where: string, cause?: unknown) =>
  new ArtifactError(
    'missing',
    `Artifact ${name} is not in ${where}. Copy it there, or set S3_ENDPOINT and S3_BUCKET to the store that has it, or add a mirror that has it to ARTIFACT_MIRRORS.`,
    { cause, artifact: name },
  )

export const tooLargeArtifact = (name: string, maxBytes: number) =>
  new ArtifactError('tooLarge', `Artifact ${name} has more than the ${maxBytes} bytes that are read of it here.`, {
    artifact: name,
  })

/** The error of a file operation, as one of the store. A full disk, or a full quota, is told apart. */
export function fileError(what: string, cause: unknown): ArtifactStoreError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new ArtifactStoreError('full', `The disk is full, so ${what} failed. Free some space; it is tried again.`, {
        cause,
      })
    : new ArtifactStoreError('unreachable', `The disk refused ${what} (${code}). Check MODELCOMMONS_HOME.`, { cause })
}
