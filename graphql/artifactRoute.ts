import type { RequestHandler } from 'express'
import type { Services } from './context.ts'
import { toClientError } from './errors.ts'
import { requireUnsealed } from './resolvers/sealedArtifacts.ts'

/** Serves an artifact's bytes by its name. The name is the hash of the content, so the response may be cached for ever. The headers keep
 *  a browser from running the content as a page of this origin. */
export const serveArtifact =
  ({ artifacts, db, log }: Services): RequestHandler =>
  async (request, response) => {
    const name = String(request.params.name)
    try {
      const bytes = await artifacts.get(name)
      requireUnsealed(bytes)
      const { rows } = await db.query('select media_type from artifact where id = $1', [name])
      response.set({
        'content-type': safeType(rows[0]?.media_type),
        'cache-control': 'public, max-age=31536000, immutable',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
      })
      response.send(Buffer.from(bytes))
    } catch (error) {
      const { code, message } = toClientError(error, log)
      const status =
        code === 'ARTIFACT_MISSING' ? 404 : code === 'ARTIFACT_SEALED' ? 403 : code === 'INTERNAL' ? 500 : 502
      response.status(status).json({ errors: [{ message, extensions: { code } }] })
    }
  }

const safeType = (type: string | undefined) =>
  type && /^(application\/json|text\/plain)\b/.test(type) ? type : 'application/octet-stream'
