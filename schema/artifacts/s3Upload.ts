import { open } from 'node:fs/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { type ObjectBody, sizeOf } from './objects.ts'
import type { SendRequest } from './s3Requests.ts'

/** Larger objects are uploaded in parts of this size, which are hashed for their signatures in a few milliseconds. */
export const PART_BYTES = 8 * 2 ** 20
/** The most parts that S3 accepts. */
const MAX_PARTS = 10_000
const PARTS_AT_A_TIME = 3

/** The bytes `[start, end)` of an object. */
export async function partOf(body: ObjectBody, start: number, end: number): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.subarray(start, end)
  const part = Buffer.allocUnsafe(end - start)
  const file = await open(body.path)
  try {
    for (let at = 0; at < part.length; ) {
      const { bytesRead } = await file.read(part, at, part.length - at, start + at)
      if (bytesRead === 0) throw new Error('The file became shorter while it was uploaded.')
      at += bytesRead
    }
    return part
  } finally {
    await file.close()
  }
}

/** Uploads an object in parts. When it fails, the parts are removed; those of a process that was killed need a lifecycle rule of the bucket. */
export async function uploadInParts(
  { client, send }: { client: S3Client; send: SendRequest },
  target: { Bucket: string; Key: string },
  body: ObjectBody,
  signal?: AbortSignal,
): Promise<void> {
  const size = sizeOf(body)
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS))
  const { UploadId } = await send((options) => client.send(new CreateMultipartUploadCommand(target), options), signal)
  const upload = { ...target, UploadId }
  const limit = pLimit(PARTS_AT_A_TIME)
  const failure = new AbortController()
  const ended = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal
  const parts = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) =>
    limit(async () => {
      ended.throwIfAborted()
      const Body = await partOf(body, index * partBytes, Math.min(size, (index + 1) * partBytes))
      const part = { ...upload, PartNumber: index + 1, Body }
      const { ETag } = await send((options) => client.send(new UploadPartCommand(part), options), ended, Body.length)
      return { ETag, PartNumber: index + 1 }
    }),
  )
  try {
    const Parts = await Promise.all(parts)
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } })
    await send((options) => client.send(complete, options), signal)
  } catch (error) {
    failure.abort(error)
    await Promise.allSettled(parts) // a part that arrives after the upload was aborted would stay
    await send((options) => client.send(new AbortMultipartUploadCommand(upload), options)).catch(() => {})
    throw error
  }
}
