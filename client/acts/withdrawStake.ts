import { Act } from '../act.ts'
import type { MinedTransaction } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { stakesOnSamples } from '../reads/stakesOnSamples.ts'

export interface ReturnedStakes {
  /** How many contributions gave their stake back, and how much in all: wei of gOPEN. */
  contributions: number
  wei: bigint
  /** How many stakes of the account stay for now: until the first hold ends, or because of a dispute. Absent when the ids were given. */
  held?: number
  disputed?: number
  /** When the hold of the next one ends. */
  nextAt?: string
}

/** Stakes that one transaction takes back. */
const BATCH = 100

/**
 * Takes back the stakes of contributions whose hold is over: those that are named, or all of the account.
 * @throws ContractRefusal when one that is named is still held, is disputed, has no stake or is somebody else's; then none of its transaction comes back.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, withdrawStake } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.equal((await withdrawStake(client)).contributions, 0) // none whose hold is over
 * ```
 */
export const withdrawStake = (client: Client, ids?: readonly bigint[]): Promise<ReturnedStakes> =>
  Act.run(client, 'withdrawStake', { ids: ids ?? 'all' }, async (act) => {
    const stakes = ids ? undefined : await stakesOnSamples(client)
    const left = new Set((ids ?? stakes?.free)?.map(String))
    const returned = { contributions: 0, wei: 0n }
    for (let batch = 0; ; batch++) {
      // What was chosen before a crash stays chosen, so that its transaction is known again.
      const chosen = await act.keep(`batch ${batch}`, () => [...left].slice(0, BATCH))
      if (chosen.length === 0) break
      for (const id of chosen) left.delete(id)
      const mined = await act.send({
        contract: 'DatanetRegistry',
        functionName: 'withdrawStake',
        args: [chosen.map(BigInt)],
      })
      for (const amount of amountsOf(mined)) {
        returned.contributions++
        returned.wei += amount
      }
      act.progress({ step: 'stakes returned', done: returned.contributions })
    }
    if (!stakes) return returned
    const { held, disputed, nextAt } = stakes
    return { ...returned, held, disputed, ...(nextAt && { nextAt: nextAt.toISOString() }) }
  })

const amountsOf = ({ events = [] }: MinedTransaction): bigint[] =>
  events.flatMap((event) =>
    event.contract === 'DatanetRegistry' && event.name === 'ContributionStakeReturned' ? [event.args.amount] : [],
  )
