import type { JobKind } from '#schema/jobs.ts'
import type { Tools } from '../dependencies.ts'
import { untilIndexed } from '../finality.ts'
import type { Handler, Handlers } from '../job.ts'
import { attribute } from './attribute.ts'
import { compare } from './compare.ts'
import { evaluate } from './evaluate.ts'
import { fineTune } from './fineTune.ts'
import { infer } from './infer.ts'
import { resolveDispute } from './resolveDispute.ts'
import { rlhf } from './rlhf.ts'
import { scoreDatanet } from './scoreDatanet.ts'
import { settleEpoch } from './settleEpoch.ts'
import { settleFeedback } from './settleFeedback.ts'

/** What each kind of job does. A kind without a handler does not compile. */
export const handlersWith = (tools: Tools): Handlers => ({
  scoreDatanet: indexed(scoreDatanet(tools)),
  fineTune: indexed(fineTune(tools)),
  compare: indexed(compare(tools)),
  settleFeedback: indexed(settleFeedback(tools)),
  rlhf: indexed(rlhf(tools)),
  evaluate: indexed(evaluate(tools)),
  infer: infer(tools),
  attribute: attribute(tools),
  settleEpoch: indexed(settleEpoch(tools)),
  resolveDispute: indexed(resolveDispute(tools)),
})

/** A job that wrote on chain is over when the index shows what it wrote: whoever waits for it can ask at once. */
const indexed =
  <K extends JobKind>(handler: Handler<K>): Handler<K> =>
  async (job) => {
    const outcome = await handler(job)
    await untilIndexed(job, Number(await job.chain.client.getBlockNumber()))
    return outcome
  }
