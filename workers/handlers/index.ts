import type { JobKind } from '#schema/jobs.ts'
import type { Dependencies } from '../dependencies.ts'
import type { LaneEngines } from '../enginePool.ts'
import { waitUntilIndexed } from '../finality.ts'
import type { JobHandler, JobHandlers } from '../job.ts'
import { attributeHandler } from './attribute.ts'
import { compareHandler } from './compare.ts'
import { disputeVersionHandler } from './disputeVersion.ts'
import { evaluateHandler } from './evaluate.ts'
import { fineTuneHandler } from './fineTune.ts'
import { inferHandler } from './infer.ts'
import { monitorVersionHandler } from './monitorVersion.ts'
import { pointEndpointHandler } from './pointEndpoint.ts'
import { redeemHandler } from './redeem.ts'
import { relayHandler } from './relay.ts'
import { resolveDisputeHandler } from './resolveDispute.ts'
import { rlhfHandler } from './rlhf.ts'
import { scoreDatanetHandler } from './scoreDatanet.ts'
import { settleEpochHandler } from './settleEpoch.ts'
import { settleFeedbackHandler } from './settleFeedback.ts'

/** What the handlers need; each gets the engine of its lane. */
export interface HandlerDependencies extends Omit<Dependencies, 'engine'> {
  engines: Pick<LaneEngines, 'lane'>
}

/** The handler of each kind of job. A kind without a handler does not compile. */
export const createHandlers = ({ engines, ...common }: HandlerDependencies): JobHandlers => {
  const answering = { ...common, engine: engines.lane('infer') }
  const attributing = { ...common, engine: engines.lane('attribute') }
  const training = { ...common, engine: engines.lane('training') }
  return {
    scoreDatanet: waitForIndex(scoreDatanetHandler(common)),
    fineTune: waitForIndex(fineTuneHandler(training)),
    compare: waitForIndex(compareHandler(training)),
    settleFeedback: waitForIndex(settleFeedbackHandler(common)),
    rlhf: waitForIndex(rlhfHandler(training)),
    evaluate: waitForIndex(evaluateHandler(training)),
    monitorVersion: monitorVersionHandler(training),
    disputeVersion: waitForIndex(disputeVersionHandler),
    infer: inferHandler(answering),
    attribute: attributeHandler(attributing),
    pointEndpoint: waitForIndex(pointEndpointHandler(common)),
    redeem: waitForIndex(redeemHandler(common)),
    settleEpoch: waitForIndex(settleEpochHandler(common)),
    resolveDispute: waitForIndex(resolveDisputeHandler(common)),
    relay: waitForIndex(relayHandler(common)),
  }
}

/** A job that wrote to the chain ends only when its transactions are indexed, so that a client that waits for the job can query the result. */
const waitForIndex =
  <K extends JobKind>(handler: JobHandler<K>): JobHandler<K> =>
  async (job) => {
    const outcome = await handler(job)
    await waitUntilIndexed(job, Number(await job.chain.client.getBlockNumber()))
    return outcome
  }
