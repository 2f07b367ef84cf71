import type { RequestHandler } from 'express'
import { nameOf } from '#schema/artifacts/names.ts'
import { type Caller, requireOperator } from './access.ts'
import type { Services } from './context.ts'
import { ApiError } from './errors.ts'
import { type ErrorStatuses, failRequest } from './failRequest.ts'

/** Stores bytes under their hash: what is too large for a text, such as a base model, comes in parts (`FolderListing`). An operator may send as many as
 *  the store takes. A part that is stored already is found by HEAD, so that an upload is continued. */
export function receivePart({ artifacts, log }: Pick<Services, 'artifacts' | 'log'>): RequestHandler {
  return async (request, response) => {
    try {
      requireOperator((response.locals as { caller: Caller }).caller)
      const bytes = request.body as unknown
      if (!(bytes instanceof Uint8Array) || bytes.length === 0)
        throw new ApiError('BAD_INPUT', 'The body has no bytes.')
      const name = await nameOf(bytes)
      if (name !== request.params.name)
        throw new ApiError(
          'BAD_INPUT',
          `The bytes have the keccak256 ${name}, not the one of the address. Send them again.`,
        )
      await artifacts.put(bytes)
      response.status(201).json({ name })
    } catch (error) {
      failRequest(response, error, log, STATUS)
    }
  }
}

const STATUS: ErrorStatuses = { BAD_INPUT: 400, UNAUTHENTICATED: 401, FORBIDDEN: 403, other: 500 }
