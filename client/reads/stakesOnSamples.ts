import { DISPUTE_SUBJECTS } from '#rules/dispute.ts'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { listContributions } from './contributions.ts'

/** The stakes of an account on its samples, as the contracts have them now. */
export interface StakesOnSamples {
  /** The contributions whose stake may be taken back. */
  free: bigint[]
  /** How many stakes are held for some time more. */
  held: number
  /** When the first of these holds ends. */
  nextAt?: Date
  /** How many stakes stay because of a dispute. */
  disputed: number
}

const CONTRIBUTION = DISPUTE_SUBJECTS.indexOf('Contribution')
/** Contributions whose stakes are read at once. */
const READS = 20

/**
 * Reads which stakes of the client's account may be taken back.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stakesOnSamples } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const { free, disputed } = await stakesOnSamples(client)
 * assert.deepEqual([free, disputed], [[], 0])
 * ```
 */
export async function stakesOnSamples(client: Client): Promise<StakesOnSamples> {
  const [rows, { timestamp: now }, hold, unscoredHold] = await Promise.all([
    listContributions(client, { staked: true }),
    client.node.getBlock(),
    client.read('DatanetRegistry', 'stakeHold', []),
    client.read('DatanetRegistry', 'UNSCORED_HOLD', []),
  ])
  const account = accountOf(client).toLowerCase()
  const found: StakesOnSamples & { until?: bigint } = { free: [], held: 0, disputed: 0 }
  const look = async (id: bigint) => {
    const [by, stake, , submittedAt, scoredAt] = await client.read('DatanetRegistry', 'contributions', [id])
    if (stake === 0n || by.toLowerCase() !== account) return // the index is behind the chain
    const until = scoredAt === 0 ? BigInt(submittedAt) + unscoredHold : BigInt(scoredAt) + hold
    if (now < until) {
      found.held++
      if (found.until === undefined || until < found.until) found.until = until
    } else if (await client.read('Disputes', 'isHeld', [CONTRIBUTION, id])) found.disputed++
    else found.free.push(id)
  }
  for (let start = 0; start < rows.length; start += READS)
    await Promise.all(rows.slice(start, start + READS).map(({ id }) => look(BigInt(id))))
  const { until, free, ...rest } = found
  free.sort((a, b) => (a < b ? -1 : 1))
  return { free, ...rest, ...(until !== undefined && { nextAt: new Date(Number(until) * 1000) }) }
}
