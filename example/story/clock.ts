import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '#client/index.ts'

export type LocalClock = ReturnType<typeof openClock>

/** The clock of a local chain, which moves only when it is told to: so the same story makes the same blocks on any machine. */
export function openClock({ node, pollMs, signal }: Client) {
  // methods of development chains, which are not among viem's public methods
  const request = (method: string, ...params: string[]) => node.request({ method, params } as never)
  const mine = () => request('evm_mine')
  const advanceTo = async (timestamp: bigint) => {
    if ((await node.getBlock()).timestamp >= timestamp) return
    await request('evm_setNextBlockTimestamp', `0x${timestamp.toString(16)}`)
    await mine()
  }
  return {
    mine,
    advanceTo,
    /** More than so many seconds pass. */
    pass: async (seconds: number | string) => advanceTo((await node.getBlock()).timestamp + BigInt(seconds) + 1n),
    /** Mines until a block is final. */
    async finalise(block: number) {
      while ((await node.getBlock({ blockTag: 'finalized' })).number < BigInt(block)) await mine()
    },
    /** Waits, while the chain stands still, until `find` finds something. */
    async until<T>(find: () => Promise<T | undefined>): Promise<T> {
      for (;;) {
        const found = await find()
        if (found !== undefined) return found
        await sleep(pollMs, undefined, { signal })
      }
    },
  }
}
