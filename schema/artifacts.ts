import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { keccak256 } from 'viem'
import { PermanentError, RetriableError } from './errors.ts'

/** Stores bytes by their keccak256 (`0x…`), the name that contracts also use. Every read checks the content against the name, so the store need
 *  not be trusted. */
export interface ArtifactStore {
  /** Stores `bytes` atomically and returns their name; storing them twice is harmless. */
  put(bytes: Uint8Array): Promise<string>
  /** @throws ArtifactError when the artifact is missing, or its bytes do not have the hash that its name says. */
  get(name: string): Promise<Uint8Array>
  has(name: string): Promise<boolean>
}

/** The artifact itself cannot be used, however often it is read. */
export class ArtifactError extends PermanentError {
  override name = 'ArtifactError'
  /** The requested name, of a missing artifact. */
  readonly artifact?: string
  constructor(
    readonly code: 'missing' | 'corrupt',
    message: string,
    options: ErrorOptions & { artifact?: string } = {},
  ) {
    super(message, options)
    this.artifact = options.artifact
  }
}

/** The store cannot be read or written at present. */
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

const NAME = /^0x[0-9a-f]{64}$/

function verified(name: string, bytes: Uint8Array): Uint8Array {
  const actual = keccak256(bytes)
  if (actual !== name)
    throw new ArtifactError(
      'corrupt',
      `The content of artifact ${name} has the hash ${actual}. Delete it and copy it again from a store you trust.`,
    )
  return bytes
}

function validName(name: string): string {
  if (!NAME.test(name))
    throw new ArtifactError(
      'missing',
      `${JSON.stringify(name)} is not an artifact name: expected 0x and 64 lower-case hex digits.`,
    )
  return name
}

/** Artifacts as files under `folder`, in sub-folders by prefix. A file is written to a temporary name, synced and renamed, so it is always
 *  complete. */
export function localStore(folder: string): ArtifactStore {
  const path = (name: string) => join(folder, validName(name).slice(2, 4), name)
  return {
    async put(bytes) {
      const name = keccak256(bytes)
      const target = path(name)
      if (await exists(target)) return name
      await mkdir(join(folder, name.slice(2, 4)), { recursive: true })
      const temporary = `${target}.${process.pid}.${++writes}.part`
      try {
        const file = await open(temporary, 'wx')
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(temporary, target)
      } catch (cause) {
        await rm(temporary, { force: true })
        const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
        throw new ArtifactStoreError(
          full ? 'full' : 'unreachable',
          full
            ? `The disk under ${folder} is full, so the artifact was not stored. Free some space and try again.`
            : `Could not store an artifact under ${folder}: ${(cause as Error).message}`,
          { cause },
        )
      }
      return name
    },
    async get(name) {
      const bytes = await readFile(path(name)).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') throw missing(name, folder, cause)
        throw new ArtifactStoreError('unreachable', `Could not read artifact ${name}: ${cause.message}`, { cause })
      })
      return verified(name, bytes)
    },
    has: (name) => exists(path(name)),
  }
}

let writes = 0

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

const missing = (name: string, where: string, cause?: unknown) =>
  new ArtifactError(
    'missing',
    `Artifact ${name} is not in ${where}. Copy it there, or set S3_ENDPOINT and S3_BUCKET to the store that has it.`,
    { cause, artifact: name },
  )

export interface S3Settings {
  endpoint?: string
  bucket: string
  region?: string
  accessKeyId?: string
  secretAccessKey?: string
}

/** Artifacts as objects of an S3-compatible bucket. @throws ArtifactStoreError at once when the bucket does not answer. */
export async function s3Store(settings: S3Settings): Promise<ArtifactStore> {
  const { endpoint, bucket, accessKeyId, secretAccessKey } = settings
  const where = `bucket ${bucket}${endpoint ? ` at ${endpoint}` : ''}`
  const client = new S3Client({
    region: settings.region ?? 'us-east-1',
    maxAttempts: 3,
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  })
  const unreachable = (cause: unknown) =>
    new ArtifactStoreError(
      'unreachable',
      `S3_ENDPOINT/S3_BUCKET: ${where} does not answer (${(cause as Error).name}: ${(cause as Error).message}). Check the address, the credentials and that the bucket exists.`,
      { cause },
    )
  await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((cause) => {
    throw unreachable(cause)
  })
  const absent = (cause: unknown) => ['NoSuchKey', 'NotFound'].includes((cause as Error).name)
  const has = (name: string) =>
    client.send(new HeadObjectCommand({ Bucket: bucket, Key: validName(name) })).then(
      () => true,
      (cause) => {
        if (absent(cause)) return false
        throw unreachable(cause)
      },
    )
  return {
    has,
    async put(bytes) {
      const name = keccak256(bytes)
      if (await has(name)) return name
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes })).catch((cause) => {
        throw unreachable(cause)
      })
      return name
    },
    async get(name) {
      try {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: validName(name) }))
        return verified(name, (await found.Body?.transformToByteArray()) ?? new Uint8Array())
      } catch (cause) {
        if (cause instanceof ArtifactError) throw cause
        throw absent(cause) ? missing(name, where, cause) : unreachable(cause)
      }
    },
  }
}
