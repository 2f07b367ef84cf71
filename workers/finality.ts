import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#schema/database.ts'
import { type ChainClient, LOCAL_CHAIN_IDS } from './chain.ts'

interface WaitContext {
  db: Database
  chain: ChainClient
  signal: AbortSignal
}

const POLL_MS = 50

/** Waits until the indexer has stored all blocks up to `block`. */
export const waitUntilIndexed = (job: WaitContext, block: number) => waitForCursor(job, 'block', block)

/** Waits until `block` is indexed and final. On a development chain it mines the missing empty blocks. */
export async function waitUntilFinal(job: WaitContext, block: number): Promise<void> {
  if (LOCAL_CHAIN_IDS.includes(job.chain.chainId))
    while ((await job.chain.client.getBlock({ blockTag: 'finalized' })).number < BigInt(block))
      await job.chain.client.request({ method: 'evm_mine' } as never) // not among viem's public methods
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
