import type { RequestHandler } from 'express'
import { isDatabaseFull } from '#schema/errors.ts'
import type { Services } from './context.ts'
import { measureIndex } from './indexHealth.ts'

/** Liveness: answers as long as the process runs. */
export const livez: RequestHandler = (_request, response) => {
  response.json({ live: true })
}

/** 200 while the API is ready, otherwise 503 with the reason. */
export const readyz =
  (services: Services): RequestHandler =>
  async (_request, response) => {
    const report = await readiness(services)
    response.status(report.ready ? 200 : 503).json(report)
  }

export interface Readiness {
  ready: boolean
  /** degraded: queries are answered correctly as of `block`, but `reason` needs somebody. */
  status: 'ok' | 'degraded' | 'unavailable'
  database: boolean
  /** What is wrong, and what to do. */
  reason?: string
  block?: number | null
  headBlock?: number | null
  lag?: number | null
  indexerSilentSeconds?: number | null
}

/** Ready: the database answers, and the index is not too far behind the chain. A silent indexer, or a node that does not answer, only degrades:
 *  it concerns all APIs of the index alike, and they answer queries correctly; they become unready when the lag has grown. */
export async function readiness({ db, deployment, chainHead, maxLagBlocks, log }: Services): Promise<Readiness> {
  try {
    const health = await measureIndex({ db, chainId: deployment.chainId, chainHead, maxLagBlocks })
    const { block, headBlock, lag, lagsTooFar, indexerSilentSeconds: silent, problems } = health
    return {
      ready: !lagsTooFar,
      status: lagsTooFar ? 'unavailable' : problems.length ? 'degraded' : 'ok',
      database: true,
      block,
      headBlock,
      lag,
      indexerSilentSeconds: silent === null ? null : Math.round(silent),
      ...(problems.length > 0 && { reason: problems.join(' ') }),
    }
  } catch (error) {
    log.error({ err: error }, 'readiness check failed')
    const reason = isDatabaseFull(error)
      ? 'The disk of the database is full. Make room on it.'
      : 'The database does not answer. Check that PostgreSQL runs: the embedded one, or that of DATABASE_URL.'
    return { ready: false, status: 'unavailable', database: false, reason }
  }
}
