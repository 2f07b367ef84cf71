import type { RequestHandler } from 'express'
import type { Services } from './context.ts'
import { readHead } from './query/asOf.ts'

/** The index counts as ready while it is at most this many blocks behind the chain. */
const MAX_LAG = 100

/** Liveness: answers as long as the process runs. */
export const livez: RequestHandler = (_request, response) => {
  response.json({ live: true })
}

/** Readiness: the database answers and the index is not far behind the chain. Otherwise 503 with the reason. */
export const readyz =
  (services: Services): RequestHandler =>
  async (_request, response) => {
    const report = await readiness(services)
    response.status(report.ready ? 200 : 503).json(report)
  }

export interface Readiness {
  ready: boolean
  database: boolean
  /** Why it is not ready, and what to do. */
  reason?: string
  block?: number | null
  headBlock?: number | null
  lag?: number | null
}

export async function readiness({ db, deployment, log }: Services): Promise<Readiness> {
  try {
    const head = await readHead(db, deployment.chainId)
    const lag = head ? Math.max(0, head.headBlock - head.block) : null
    const ready = lag === null || lag <= MAX_LAG
    return {
      ready,
      database: true,
      block: head?.block ?? null,
      headBlock: head?.headBlock ?? null,
      lag,
      ...(!ready && { reason: `The index is ${lag} blocks behind the chain. See the indexer’s log.` }),
    }
  } catch (error) {
    log.error({ err: error }, 'readiness check failed')
    return { ready: false, database: false, reason: 'The database does not answer. Check DATABASE_URL.' }
  }
}
