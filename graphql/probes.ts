import type { RequestHandler } from 'express'
import type { Registry } from 'prom-client'
import type { Services } from './context.ts'
import { readHead } from './query/asOf.ts'

/** Blocks that the index may be behind the chain and still be called ready. */
const MAX_LAG = 100

/** Answers as long as the process runs. */
export const livez: RequestHandler = (_request, response) => {
  response.json({ live: true })
}

/** Whether the API can answer truly: the database is there and the index is not far behind the chain. 503 says why not. */
export const readyz =
  ({ db, deployment, log }: Services): RequestHandler =>
  async (_request, response) => {
    try {
      const head = await readHead(db, deployment.chainId)
      const lag = head ? Math.max(0, head.headBlock - head.block!) : null
      const ready = lag === null || lag <= MAX_LAG
      response.status(ready ? 200 : 503).json({
        ready,
        database: true,
        block: head?.block ?? null,
        headBlock: head?.headBlock ?? null,
        lag,
        ...(!ready && { reason: `The index is ${lag} blocks behind the chain: see the indexer’s log.` }),
      })
    } catch (error) {
      log.error({ err: error }, 'not ready')
      response
        .status(503)
        .json({ ready: false, database: false, reason: 'The database does not answer: check DATABASE_URL.' })
    }
  }

export const metrics =
  (registry: Registry): RequestHandler =>
  async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics())
  }
