import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { LOCAL_CHAIN_IDS } from '../chain.ts'
import { waitUntilFinal } from '../finality.ts'
import { type JobContext, JobError, PendingError } from '../job.ts'
import { redeemFees } from './redeemFees.ts'

type Job = JobContext<'settleEpoch'>

/** Resolves with the last block of an epoch when that is final. While the epoch runs, or has not begun, it first redeems what is owed, so that the fees
 *  are in it.
 *  @throws JobError when no fees have arrived in the epoch; PendingError while its last block is not final, which takes as long as the chain takes. */
export async function awaitEpochEnd(job: Job, redeemMin: bigint): Promise<number> {
  const { epoch } = job.input
  const head = Number(await job.chain.client.getBlockNumber())
  const before = await lastBlockOf(job, epoch)
  if (before === undefined || before > head) {
    job.report(0.1, 'redeeming fees')
    const { owed, failed } = await redeemFees(job, redeemMin)
    if (failed.length > 0) job.log.warn({ failed }, 'redemptions failed')
    if (owed > 0n) job.log.warn({ owed: owed.toString() }, 'consumers owe fees for which they have no credit')
  }
  const toBlock = before ?? (await lastBlockOf(job, epoch))
  if (toBlock === undefined)
    throw new JobError(
      'NOTHING_TO_SETTLE',
      `No fees have arrived since the last epoch, and none can be redeemed, so there is no epoch ${epoch} yet.`,
    )
  job.report(0.3, `waiting until block ${toBlock} is final`)
  await waitForEnd(job, toBlock)
  return toBlock
}

/** As the fees that arrived in the epoch have fixed it; undefined when none have. */
async function lastBlockOf({ db }: Job, epoch: number): Promise<number | undefined> {
  return (await rowOf(db, RewardMap, String(epoch)))?.lastBlock ?? undefined
}

/** A development chain mines blocks only for transactions: there the job has the missing ones mined. */
async function waitForEnd(job: Job, toBlock: number): Promise<void> {
  const { chainId } = job.chain
  if (LOCAL_CHAIN_IDS.includes(chainId)) return waitUntilFinal(job, toBlock)
  const { rows } = await job.db.query('select final_block as final from cursor where id = $1', [String(chainId)])
  if (!(rows[0]?.final >= toBlock))
    throw new PendingError(
      `Epoch ${job.input.epoch} ends with block ${toBlock}; block ${rows[0]?.final ?? 0} is the newest final one.`,
    )
}
