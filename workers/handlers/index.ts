import type { JobKind } from '#schema/jobs.ts'
import type { Dependencies } from '../dependencies.ts'
import { waitUntilIndexed } from '../finality.ts'
import type { JobHandler, JobHandlers } from '../job.ts'
import { attributeHandler } from './attribute.ts'
import { compareHandler } from './compare.ts'
import { evaluateHandler } from './evaluate.ts'
import { fineTuneHandler } from './fineTune.ts'
import { inferHandler } from './infer.ts'
import { resolveDisputeHandler } from './resolveDispute.ts'
import { rlhfHandler } from './rlhf.ts'
import { scoreDatanetHandler } from './scoreDatanet.ts'
import { settleEpochHandler } from './settleEpoch.ts'
import { settleFeedbackHandler } from './settleFeedback.ts'

/** The handler of each kind of job. A kind without a handler does not compile. */
export const createHandlers = (dependencies: Dependencies): JobHandlers => ({
  scoreDatanet: waitForIndex(scoreDatanetHandler(dependencies)),
  fineTune: waitForIndex(fineTuneHandler(dependencies)),
  compare: waitForIndex(compareHandler(dependencies)),
  settleFeedback: waitForIndex(settleFeedbackHandler(dependencies)),
  rlhf: waitForIndex(rlhfHandler(dependencies)),
  evaluate: waitForIndex(evaluateHandler(dependencies)),
  infer: inferHandler(dependencies),
  attribute: attributeHandler(dependencies),
  settleEpoch: waitForIndex(settleEpochHandler(dependencies)),
  resolveDispute: waitForIndex(resolveDisputeHandler(dependencies)),
})

/** A job that wrote to the chain ends only when its transactions are indexed, so that a client that waits for the job can query the result. */
const waitForIndex =
  <K extends JobKind>(handler: JobHandler<K>): JobHandler<K> =>
  async (job) => {
    const outcome = await handler(job)
    await waitUntilIndexed(job, Number(await job.chain.client.getBlockNumber()))
    return outcome
  }
