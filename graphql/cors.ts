import cors from 'cors'
import type { RequestHandler } from 'express'

/** Lets pages of other origins use the API. Browsers send no cookies or other credentials with such requests (none are allowed), so that a page acts only with
 *  the key that it was given. */
export const corsFor = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    allowedHeaders: ['authorization', 'content-type', 'apollo-require-preflight', 'x-apollo-operation-name'],
    exposedHeaders: ['modelcommons-block', 'modelcommons-block-hash', 'modelcommons-final', 'retry-after'],
    credentials: false,
    maxAge: 600,
  })
