import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowsOf } from '#schema/rows.ts'
import { type JobContext, JobError } from '../job.ts'

/** Checks that `epoch` is the next one: epochs are settled in order, each once. */
export async function checkOrder({ db, attempt }: JobContext<'settleEpoch'>, epoch: number): Promise<void> {
  const published = (await rowsOf(db, RewardMap, `status = 'Published'`)).map((one) => one.epoch)
  const next = Math.max(0, ...published) + 1
  if (epoch < next && attempt === 1)
    throw new JobError('ALREADY_SETTLED', `Epoch ${epoch} is published. The next one is ${next}.`)
  if (epoch > next) throw new JobError('NOT_YET', `Epochs are settled in order: the next one is ${next}.`)
}
