import type { Logger } from 'pino'
import { zeroHash } from 'viem'
import type { Database } from '#schema/database.ts'
import { FeedbackRound } from '#schema/onchain/feedback.ts'
import { rowsOf } from '#schema/rows.ts'
import type { ChainClient } from './chain.ts'
import { RevertError } from './chainErrors.ts'

/** Draws the seats of open rounds (amendment 5a). The first commitment draws them, too; but the chain knows the hashes of its last 256 blocks only, so that a
 *  round to which nobody commits in time would get a later seed, which whoever asks for it can time. */

export interface SeatDraws {
  db: Database
  chain: ChainClient
  log: Pick<Logger, 'info' | 'warn'>
}

/** What another draw, or a reorganisation, may have done in the meantime: the next call sees it. */
const OVERTAKEN = ['AlreadyDrawn', 'DrawPending', 'UnknownRound']

/** Draws the seats of every round whose seed block is over and whose commit phase is not. Where the hash of that block is lost, the contract names a later
 *  block, and the next call draws by that one. Several workers of one account send one transaction. */
export async function drawOpenRounds({ db, chain, log }: SeatDraws): Promise<void> {
  const undrawn = await rowsOf(db, FeedbackRound, 'seed is null and not settled')
  if (undrawn.length === 0) return // the node is not asked
  const now = await chain.now()
  const open = undrawn.filter(({ commitDeadline }) => commitDeadline.getTime() / 1000 > now)
  await Promise.all(open.map(({ id }) => drawRound({ chain, log }, BigInt(id))))
}

async function drawRound({ chain, log }: Omit<SeatDraws, 'db'>, roundId: bigint): Promise<void> {
  try {
    const { seed, seedBlock } = await chain.read('FeedbackPool', 'getRound', [roundId])
    // Nodes estimate the gas of a call as if it were in their newest block.
    if (seed !== zeroHash || Number(await chain.client.getBlockNumber()) <= seedBlock) return
    const call = { contract: 'FeedbackPool', functionName: 'drawSeats', args: [roundId] } as const
    const { events } = await chain.transact(`seats:${roundId}:${seedBlock}`, call)
    if (events.some(({ name }) => name === 'DrawPostponed'))
      log.warn(
        { roundId, seedBlock },
        'the chain does not know the hash of a round’s block any more: a later block is taken',
      )
    else log.info({ roundId, seedBlock }, 'drew the seats of a round')
  } catch (error) {
    if (!(error instanceof RevertError && OVERTAKEN.includes(error.errorName ?? ''))) throw error
  }
}
