import type { Handlers } from '../job.ts'
import type { Tools } from '../tools.ts'
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
  scoreDatanet: scoreDatanet(tools),
  fineTune: fineTune(tools),
  compare: compare(tools),
  settleFeedback: settleFeedback(tools),
  rlhf: rlhf(tools),
  evaluate: evaluate(tools),
  infer: infer(tools),
  attribute: attribute(tools),
  settleEpoch: settleEpoch(tools),
  resolveDispute: resolveDispute(tools),
})
