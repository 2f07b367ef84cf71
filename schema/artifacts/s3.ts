import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError } from '../circuitBreaker.ts'
import { ArtifactStoreError, BrokenTransferError } from './errors.ts'
import { ObjectMissingError, type ObjectStore, sizeOf } from './objects.ts'
import { bucketAccess } from './s3Access.ts'
import { answerOf, failureText, type RequestOptions } from './s3Requests.ts'
import { PART_BYTES, partOf, uploadInParts } from './s3Upload.ts'
import { requireThroughput } from './throughput.ts'

export interface S3Settings {
  /** The URL of an S3-compatible service, which may have a path. Without it, AWS. */
  endpoint?: string
  bucket: string
  /** Default: us-east-1 with an endpoint, else what the AWS environment says. */
  region?: string
  /** Default: the AWS chain of environment, files and instance roles. */
  accessKeyId?: string
  secretAccessKey?: string
  sessionToken?: string
  /** Whether the bucket is in the path instead of the host name. Default: with an endpoint. */
  pathStyle?: boolean
  /** Requests are not signed: anybody may read the bucket. */
  anonymous?: boolean
  /** Nothing is written, not even to find out what the credentials may do. */
  readOnly?: boolean
  /** What error messages name as the place to correct. Default: S3_ENDPOINT/S3_BUCKET. */
  variable?: string
  limits?: Partial<S3Limits>
  breaker?: Partial<CircuitBreakerOptions>
}

/** How long an S3 service may take. */
export interface S3Limits {
  /** For a connection. */
  connectMs: number
  /** Without any byte of an answer, or below the rate. */
  idleMs: number
  /** The lowest rate of a transfer. */
  minBytesPerSecond: number
  /** Tries of a request that fails before its answer begins. */
  tries: number
}

const LIMITS: S3Limits = { connectMs: 3000, idleMs: 10_000, minBytesPerSecond: 8192, tries: 2 }
/** From this size on, a request asks first whether the object is there. */
const PROBE_BYTES = 256 * 1024

/** The objects of an S3-compatible bucket. @throws ArtifactStoreError at once when the bucket cannot be used. */
export async function s3Objects(settings: S3Settings): Promise<ObjectStore> {
  const { bucket: Bucket } = settings
  const limits = { ...LIMITS, ...settings.limits }
  const endpoint = settings.endpoint?.replace(/\/+$/, '')
  const where = `bucket ${Bucket}${endpoint ? ` at ${endpoint}` : ''}`
  const client = s3Client({ ...settings, endpoint }, limits)
  const named = `${settings.variable ?? 'S3_ENDPOINT/S3_BUCKET'}: ${where}`
  const breaker = new CircuitBreaker({ service: named, ...settings.breaker })

  const unreachable = (cause: unknown) => {
    if (cause instanceof ArtifactStoreError) return cause
    if (cause instanceof CircuitOpenError) return new ArtifactStoreError('unreachable', cause.message, { cause })
    return new ArtifactStoreError(
      'unreachable',
      `${named} does not answer (${failureText(cause)}). Check the address, the credentials and that the bucket exists.`,
      { cause },
    )
  }
  /** Undefined: the caller gave up, which tells nothing about the service. */
  const isFailure = (cause: unknown, signal?: AbortSignal) => (signal?.aborted ? undefined : answerOf(cause) === 'none')
  /** Sends a request, whose body has `bytes`, and rejects with the service's own error or with ArtifactStoreError. */
  async function send<T>(
    request: (options: RequestOptions) => Promise<T>,
    signal?: AbortSignal,
    bytes = 0,
  ): Promise<T> {
    const requestTimeout = limits.idleMs + (bytes / limits.minBytesPerSecond) * 1000
    try {
      return await breaker.run(
        () => request({ abortSignal: signal, requestTimeout }),
        (cause) => isFailure(cause, signal),
      )
    } catch (cause) {
      signal?.throwIfAborted()
      throw answerOf(cause) === 'none' ? unreachable(cause) : cause
    }
  }
  const access = await bucketAccess(client, Bucket, send, settings).catch((cause) => {
    throw unreachable(cause)
  })
  /** The error of a request for one object. */
  const failed = async (key: string, cause: unknown, method: 'GET' | 'HEAD') =>
    (await access.isMissing(cause, method)) ? new ObjectMissingError(key, { cause }) : unreachable(cause)

  const size = async (Key: string, signal?: AbortSignal) => {
    try {
      const found = await send((options) => client.send(new HeadObjectCommand({ Bucket, Key }), options), signal)
      return found.ContentLength ?? 0
    } catch (cause) {
      const error = await failed(Key, cause, 'HEAD')
      if (error instanceof ObjectMissingError) return undefined
      throw error
    }
  }
  return {
    where,
    size: (key, { signal } = {}) => size(key, signal),
    async put(Key, body, { signal } = {}) {
      const bytes = sizeOf(body)
      if (bytes >= PROBE_BYTES && (await size(Key, signal)) === bytes) return
      try {
        if (bytes > PART_BYTES) await uploadInParts({ client, send }, { Bucket, Key }, body, signal)
        else {
          const Body = await partOf(body, 0, bytes)
          await send((options) => client.send(new PutObjectCommand({ Bucket, Key, Body }), options), signal, bytes)
        }
      } catch (cause) {
        throw signal?.aborted ? signal.reason : unreachable(cause)
      }
    },
    async *read(Key, { signal } = {}) {
      let circuit: ReturnType<CircuitBreaker['begin']> | undefined
      let begun = false
      try {
        circuit = breaker.begin()
        const options = { abortSignal: signal, requestTimeout: limits.idleMs }
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), options)
        begun = true
        if (Body) yield* requireThroughput(Body as AsyncIterable<Uint8Array>, limits)
        circuit.succeed()
      } catch (cause) {
        const isFault = isFailure(cause, signal)
        if (isFault) circuit?.fail(cause)
        else if (isFault === false) circuit?.succeed()
        signal?.throwIfAborted()
        if (begun) throw new BrokenTransferError('unreachable', unreachable(cause).message, { cause })
        throw answerOf(cause) === 'none' ? unreachable(cause) : await failed(Key, cause, 'GET')
      } finally {
        circuit?.cancel()
      }
    },
    async *list(Prefix, { signal } = {}) {
      let ContinuationToken: string | undefined
      do {
        const page = await send(
          (options) => client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }), options),
          signal,
        ).catch((cause) => {
          throw unreachable(cause)
        })
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
    },
    async delete(Key, { signal } = {}) {
      await send((options) => client.send(new DeleteObjectCommand({ Bucket, Key }), options), signal).catch((cause) => {
        if (!['missing', 'notFound'].includes(answerOf(cause))) throw unreachable(cause)
      })
    },
  }
}

/** Without credentials, the SDK looks for those of this host. */
const UNSIGNED = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  signer: { sign: async <Request>(request: Request) => request },
}

/** Checksums in trailers, the default of the SDK, are unknown to many compatible services. The signature covers the SHA-256 of each body. */
function s3Client(
  { endpoint, region, accessKeyId, secretAccessKey, sessionToken, pathStyle, anonymous }: S3Settings,
  limits: S3Limits,
) {
  return new S3Client({
    ...(region || endpoint ? { region: region ?? 'us-east-1' } : {}),
    ...(endpoint ? { endpoint } : {}),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey, sessionToken } } : {}),
    ...(anonymous ? UNSIGNED : {}),
    maxAttempts: limits.tries,
    followRegionRedirects: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: limits.connectMs,
      socketTimeout: limits.idleMs,
      requestTimeout: limits.idleMs,
      throwOnRequestTimeout: true,
    },
  })
}
