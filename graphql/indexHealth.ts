import type { Sql } from '#schema/database.ts'

/** How the index stands, measured without asking the indexer: one that is frozen or gone cannot tell. */

/** The head of the chain as a node tells it. */
export interface ChainHead {
  /** The newest block, not older than two seconds. @throws when no node answers in time. */
  read(): Promise<number>
  /** The last answer, without waiting for another one. */
  recent(): number | undefined
}

/** An indexer renews its lease every few seconds, and a standby takes over within 30. */
const MAX_SILENCE_SECONDS = 60

export interface IndexHealthSources {
  db: Sql
  chainId: number
  /** Without it, the head is the one that the indexer stored. */
  chainHead?: ChainHead
  /** An index that lags further behind its chain makes an API unready; without it, none does. */
  maxLagBlocks?: number
}

export interface IndexHealth {
  /** The last block whose rows are stored; null while nothing is indexed. */
  block: number | null
  /** The newest block of the chain. While no node answers, the newest that the indexer stored. */
  headBlock: number | null
  lag: number | null
  lagsTooFar: boolean
  /** Seconds since an indexer renewed its lease, by the clock of the database; null when none ever did. */
  indexerSilentSeconds: number | null
  /** What is wrong, and what to do; empty when all is well. */
  problems: string[]
}

const READ = `select c.block, c.head_block as "headBlock", extract(epoch from clock_timestamp() - l.renewed_at)::float8 as silent
  from (select $1::text as id) chain left join cursor c using (id) left join indexer_lease l using (id)`

/** @throws what the database throws. */
export async function measureIndex(sources: IndexHealthSources): Promise<IndexHealth> {
  const { db, chainId, chainHead, maxLagBlocks = Number.POSITIVE_INFINITY } = sources
  const [{ rows }, asked] = await Promise.all([
    db.query<{ block: number | null; headBlock: number | null; silent: number | null }>(READ, [String(chainId)]),
    chainHead?.read().catch((error: Error) => error),
  ])
  const { block = null, headBlock: stored = null, silent = null } = rows[0] ?? {}
  const headBlock = typeof asked === 'number' ? asked : stored
  const lag = block === null || headBlock === null ? null : Math.max(0, headBlock - block)
  const lagsTooFar = lag !== null && lag > maxLagBlocks
  const problems: string[] = []
  if (lagsTooFar) problems.push(`The index is ${lag} blocks behind the chain. See the indexer’s log.`)
  if (silent !== null && silent > MAX_SILENCE_SECONDS)
    problems.push(
      `No indexer has been heard of for ${Math.round(silent)} s: the index stands still. Start \`modelcommons index\`, or see its log.`,
    )
  if (asked instanceof Error)
    problems.push(`RPC_URL: no node tells the head of the chain: the index may lag further behind than it seems.`)
  return { block, headBlock, lag, lagsTooFar, indexerSilentSeconds: silent, problems }
}
