import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { EMPTY_ARTIFACT } from './names.ts'
import { answerOf, type SendRequest } from './s3Requests.ts'

/** Tells a missing object from one that the credentials may not read. S3 answers 403 for a missing key when they lack s3:ListBucket. Then a key
 *  counts as missing only while an object that is known to exist can be read: otherwise a fault of the policy would look like lost artifacts.
 *  @throws the error of the bucket when it cannot be used. */
export async function bucketAccess(
  client: S3Client,
  Bucket: string,
  send: SendRequest,
  { readOnly = false }: { readOnly?: boolean } = {},
) {
  const mayList = await send((options) => client.send(new HeadBucketCommand({ Bucket }), options)).then(
    () => true,
    async (cause) => {
      if (answerOf(cause) !== 'denied') throw cause
      const empty = { Bucket, Key: EMPTY_ARTIFACT }
      const put = (options: object) => client.send(new PutObjectCommand({ ...empty, Body: new Uint8Array(0) }), options)
      if (!readOnly) await send(put).catch(() => {}) // credentials that may only read rely on an earlier writer
      await send((options) => client.send(new GetObjectCommand(empty), options))
      return false
    },
  )
  return {
    /** Whether the error of a request for an object means that there is no such object. */
    async isMissing(cause: unknown, method: 'GET' | 'HEAD'): Promise<boolean> {
      const answer = answerOf(cause)
      if (answer !== 'denied' || mayList) return answer === 'missing' || (answer === 'notFound' && method === 'HEAD')
      return send((options) => client.send(new HeadObjectCommand({ Bucket, Key: EMPTY_ARTIFACT }), options)).then(
        () => true,
        () => false,
      )
    },
  }
}
