import { PermanentError } from '#schema/errors.ts'

/** The indexer cannot continue; somebody must first do what the message says. */
export class IndexerError extends PermanentError {
  override name = 'IndexerError'
}
