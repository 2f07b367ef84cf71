import type { ChainDependencies } from '../dependencies.ts'
import type { JobHandler } from '../job.ts'
import { redeemFees } from '../settlement/redeemFees.ts'

/** Redeems the fees that consumers owe at the endpoints of the workers' account. */
export const redeemHandler =
  ({ redeemMin = 0n }: Pick<ChainDependencies, 'redeemMin'>): JobHandler<'redeem'> =>
  async (job) => {
    job.report(0.1, 'redeeming fees')
    const { channels, amount, owed, failed } = await redeemFees(job, redeemMin)
    return { result: { channels, amount: amount.toString(), owed: owed.toString(), failed } }
  }
