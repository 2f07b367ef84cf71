import { PermanentError, RetriableError } from '#schema/errors.ts'

/** The indexer cannot continue; somebody must first do what the message says. */
export class IndexerError extends PermanentError {
  override name = 'IndexerError'
}

/** Answers of the node do not fit together: a reorganisation between two requests, or nodes behind a load balancer that differ. */
export class InconsistentChain extends RetriableError {
  override name = 'InconsistentChain'
}
