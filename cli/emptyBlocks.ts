import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { passTime, rpc } from '#contracts/anvil.ts'

/** The time between empty blocks: short after a transaction, when somebody waits for what it leads to, and longer the longer the chain is idle, because the
 *  embedded chain keeps every block in memory and in its state. */
const LEAST_SECONDS = 5
const MOST_SECONDS = 60
/** Idle seconds for each second between two blocks. */
const IDLE_RATIO = 20

/** Seconds until the next empty block, on a chain without transactions for so long. */
export const secondsToNextBlock = (idleSeconds: number): number =>
  Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, idleSeconds / IDLE_RATIO))

/** Mines empty blocks, so that the time of a local chain passes like real time while nobody sends anything: votes begin and end, and delays expire.
 *  A chain that is ahead is left alone until it is not. @returns how to stop. */
export function mineEmptyBlocks(url: string, log: Logger): () => Promise<void> {
  const stopping = new AbortController()
  const running = (async () => {
    let clock: { chain: number; at: number } | undefined
    let expected = -1
    let idleSince = Date.now()
    for (;;) {
      const pause = secondsToNextBlock((Date.now() - idleSince) / 1000) * 1000
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      try {
        const { number, timestamp } = await newestBlock(url)
        const now = Date.now()
        if (number !== expected) idleSince = now
        clock ??= { chain: timestamp, at: now - pause }
        const passed = clock.chain + Math.floor((now - clock.at) / 1000) - timestamp
        if (passed > 0) await passTime(url, passed)
        else clock = { chain: timestamp, at: now }
        expected = passed > 0 ? number + 1 : number
      } catch (error) {
        log.debug({ error: (error as Error).message }, 'no empty block was mined; the next one is tried')
      }
    }
  })()
  return async () => {
    stopping.abort()
    await running
  }
}

async function newestBlock(url: string): Promise<{ number: number; timestamp: number }> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { number: string; timestamp: string }
  return { number: Number(block.number), timestamp: Number(block.timestamp) }
}
