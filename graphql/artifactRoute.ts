import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Request, RequestHandler, Response } from 'express'
import { LRUCache } from 'lru-cache'
import { MAX_DOCUMENT_BYTES } from '#schema/documents.ts'
import type { Services } from './context.ts'
import { type ErrorStatuses, failRequest } from './failRequest.ts'
import { requirePresent } from './resolvers/removedSamples.ts'
import { mayBeJson, requireUnsealed } from './resolvers/sealedArtifacts.ts'

/** White space at the beginning is read in parts of this size. */
const PART_BYTES = 4096

/** Artifacts that were found to be unsealed are not parsed again. */
const MAX_KNOWN = 10_000

/** A sample may be taken down: nobody keeps it for long. */
const CACHED_SAMPLE = 'public, max-age=300'

const STATUS: ErrorStatuses = {
  ARTIFACT_MISSING: 404,
  ARTIFACT_SEALED: 403,
  SAMPLE_REMOVED: 451,
  INTERNAL: 500,
  other: 502,
}

/** Serves an artifact's bytes by its name, also in ranges. The name is the hash of the content, so that the response may be cached for ever; a sample's
 *  only for minutes. The headers keep a browser from running the content as a page of this origin. */
export function serveArtifact({ artifacts, ownArtifacts = artifacts, db, log }: Services): RequestHandler {
  const unsealed = new LRUCache<string, true>({ max: MAX_KNOWN })
  return async (request, response) => {
    const name = String(request.params.name)
    let file: FileHandle | undefined
    try {
      file = await ownArtifacts.open(name)
      await requirePresent(db, name)
      if (!unsealed.has(name)) await requireUnsealed({ db, artifacts }, name, await jsonCandidate(file))
      unsealed.set(name, true)
      const { rows } = await db.query('select media_type, kind from artifact where id = $1', [name])
      response.set({
        'content-type': safeType(rows[0]?.media_type),
        'cache-control': rows[0]?.kind === 'sample' ? CACHED_SAMPLE : 'public, max-age=31536000, immutable',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        etag: `"${name}"`,
      })
      await send(request, response, file)
    } catch (error) {
      if (response.headersSent) return void response.destroy() // the client has left, or the disk failed in the middle
      failRequest(response, error, log, STATUS)
    } finally {
      await file?.close()
    }
  }
}

/** The content, if it begins like a JSON object, also after white space, and is not too large for a document; else nothing: only such an object can be sealed. */
async function jsonCandidate(file: FileHandle): Promise<Uint8Array> {
  const { size } = await file.stat()
  if (size > MAX_DOCUMENT_BYTES) return new Uint8Array(0)
  for (let from = 0; from < size; from += PART_BYTES) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES, from)
    const found = mayBeJson(buffer.subarray(0, bytesRead))
    if (found === false) break
    if (found) return readAll(file, size)
  }
  return new Uint8Array(0)
}

async function readAll(file: FileHandle, size: number): Promise<Uint8Array> {
  const content = Buffer.alloc(size)
  await file.read(content, 0, size, 0)
  return content
}

/** Sends the file, or the one range of it that was asked for (RFC 9110, section 14). */
async function send(request: Request, response: Response, file: FileHandle): Promise<void> {
  const etag = String(response.get('etag'))
  if (request.get('if-none-match')?.includes(etag)) return void response.status(304).end()
  const { size } = await file.stat()
  const condition = request.get('if-range')
  const ranges = condition === undefined || condition === etag ? request.range(size) : undefined
  if (ranges === -1) return void response.status(416).set('content-range', `bytes */${size}`).end()
  const [range] = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges : []
  const { start, end } = range ?? { start: 0, end: size - 1 }
  if (range) response.status(206).set('content-range', `bytes ${start}-${end}/${size}`)
  response.set('content-length', String(end - start + 1))
  if (request.method === 'HEAD' || size === 0) return void response.end()
  await pipeline(file.createReadStream({ start, end, autoClose: false }), response)
}

const safeType = (type: string | undefined) =>
  type && /^(application\/json|text\/plain)\b/.test(type) ? type : 'application/octet-stream'
