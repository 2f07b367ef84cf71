import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#schema/database.ts'
import type { ChainClient } from './chain.ts'

interface WaitContext {
  db: Database
  chain: ChainClient
  signal: AbortSignal
}

const POLL_MS = 50
/** Chains for development, whose blocks come only with transactions. */
const LOCAL_CHAIN_IDS = [1337, 31337]

/** Waits until the indexer has stored `block` and everything before it. */
export const waitUntilIndexed = (job: WaitContext, block: number) => waitForCursor(job, 'block', block)

/** Waits until `block` is indexed and final. A development chain that makes no blocks of its own is asked for the few that are missing. */
export async function waitUntilFinal(job: WaitContext, block: number): Promise<void> {
  if (LOCAL_CHAIN_IDS.includes(job.chain.chainId))
    while ((await job.chain.client.getBlock({ blockTag: 'finalized' })).number < BigInt(block))
      await job.chain.client.request({ method: 'evm_mine' } as never)
  await waitForCursor(job, 'final_block', block)
}

async function waitForCursor(
  { db, chain, signal }: WaitContext,
  column: 'block' | 'final_block',
  block: number,
): Promise<void> {
  for (;;) {
    const { rows } = await db.query(`select ${column} as reached from cursor where id = $1`, [String(chain.chainId)])
    if (Number(rows[0]?.reached ?? -1) >= block) return
    await sleep(POLL_MS, undefined, { signal })
  }
}
