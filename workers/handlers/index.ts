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

/** What each kind of job does. A kind without a handler does not compile. */
export const createHandlers = (tools: Dependencies): JobHandlers => ({
  scoreDatanet: waitForIndex(scoreDatanetHandler(tools)),
  fineTune: waitForIndex(fineTuneHandler(tools)),
  compare: waitForIndex(compareHandler(tools)),
  settleFeedback: waitForIndex(settleFeedbackHandler(tools)),
  rlhf: waitForIndex(rlhfHandler(tools)),
  evaluate: waitForIndex(evaluateHandler(tools)),
  infer: inferHandler(tools),
  attribute: attributeHandler(tools),
  settleEpoch: waitForIndex(settleEpochHandler(tools)),
  resolveDispute: waitForIndex(resolveDisputeHandler(tools)),
})

/** A job that wrote on chain is over when the index shows what it wrote: whoever waits for it can ask at once. */
const waitForIndex =
  <K extends JobKind>(handler: JobHandler<K>): JobHandler<K> =>
  async (job) => {
    const outcome = await handler(job)
    await waitUntilIndexed(job, Number(await job.chain.client.getBlockNumber()))
    return outcome
  }
