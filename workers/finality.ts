import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#schema/database.ts'
import { type ChainClient, LOCAL_CHAIN_IDS } from './chain.ts'

interface WaitContext {
  db: Database
  chain: Pick<ChainClient, 'chainId' | 'client'>
  signal: AbortSignal
}

const POLL_MS = 50
/** A development chain that was killed may have lost blocks, which nobody mines again: it is looked for them after this time. */
const LOOK_MS = 1_000

/** Waits until the indexer has stored all blocks up to `block`. */
export const waitUntilIndexed = (job: WaitContext, block: number) => waitForCursor(job, 'block', block)

/** Waits until `block` is indexed and final. On a development chain it mines the missing empty blocks. */
export async function waitUntilFinal(job: WaitContext, block: number): Promise<void> {
  await mineMissing(job, 'finalized', block)
  await waitForCursor(job, 'final_block', block)
}

async function waitForCursor(job: WaitContext, column: 'block' | 'final_block', block: number): Promise<void> {
  const { db, chain, signal } = job
  for (let looked = performance.now(); ; await sleep(POLL_MS, undefined, { signal })) {
    const { rows } = await db.query(`select ${column} as reached from cursor where id = $1`, [String(chain.chainId)])
    if (Number(rows[0]?.reached ?? -1) >= block) return
    if (performance.now() - looked < LOOK_MS) continue
    await mineMissing(job, column === 'block' ? 'latest' : 'finalized', block)
    looked = performance.now()
  }
}

/** Has a development chain mine empty blocks until its newest, or its final one, is `block`. */
async function mineMissing({ chain }: WaitContext, blockTag: 'latest' | 'finalized', block: number): Promise<void> {
  if (!LOCAL_CHAIN_IDS.includes(chain.chainId)) return
  while ((await chain.client.getBlock({ blockTag })).number < BigInt(block))
    await chain.client.request({ method: 'evm_mine' } as never) // not among viem's public methods
}
