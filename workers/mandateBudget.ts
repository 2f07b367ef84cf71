import { BPS } from '#rules/bps.ts'
import { type JobContext, JobError } from './job.ts'

/** Pays from a mandate's budget to the operator's account, once per job. When the cap of today is used up, the job waits for another day.
 *  @throws JobError when no day's cap is enough. */
export async function spendMandate(
  { id, chain }: Pick<JobContext, 'id' | 'chain'>,
  { modelId, purpose, amount }: { modelId: string; purpose: string; amount: bigint },
): Promise<void> {
  const key = `budget:${id}`
  if (!(await chain.signedTransaction(key))) {
    const cap = await dailyCap(chain, BigInt(modelId))
    if (amount > cap)
      throw new JobError(
        'EXCEEDS_DAILY_CAP',
        `This costs ${amount} wei, but the mandate of model ${modelId} spends at most ${cap} wei on one day. Ask for less at a time.`,
      )
  }
  await chain.transact(key, {
    contract: 'ModelRegistry',
    functionName: 'spendBudget',
    args: [BigInt(modelId), chain.account, purpose, amount],
  })
}

/** What the mandate may spend on a day on which it has spent nothing yet. */
async function dailyCap(chain: JobContext['chain'], modelId: bigint): Promise<bigint> {
  const [model] = await chain.read('ModelRegistry', 'getModel', [modelId])
  const share = await chain.read('ModelRegistry', 'dailySpendBps', [])
  return ((model.funds > model.budget ? model.funds : model.budget) * share) / BPS
}
