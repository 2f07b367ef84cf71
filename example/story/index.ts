import { type Client, graphql, setPrice } from '#client/index.ts'
import { SCALES, type Scale } from '../recipe.ts'
import { alignStage, tryOut } from './align.ts'
import { openStory, type StageResult, stageOf } from './context.ts'
import { disputeWorst } from './dispute.ts'
import { gatherStage } from './gather.ts'
import { judgeStage } from './judge.ts'
import { proposeStage } from './propose.ts'
import { type BehaviourShares, settleStage, sharesByBehaviour } from './reward.ts'
import { FREE, openTriageEndpoint, PRICE, serveStage } from './serve.ts'
import { trainStage } from './train.ts'

export interface StoryOptions {
  /** The URL of the API. */
  url: string
  rpcUrl: string
  seed: number
  /** Default `full`. */
  scale?: Scale
  signal?: AbortSignal
  say?(line: string): void
  /** Recomputes the root of an epoch only from the chain and the artifacts. */
  verify?(epoch: number): Promise<{ root: string; recomputedRoot: string }>
}

/** The result of a whole lifecycle; `ok` of each stage says whether its checks passed. */
export interface StoryReport {
  stages: StageResult[]
  events: number
  model: {
    baseMetric: number
    fineTunedMetric: number
    alignedMetric: number
    winRateBefore: number
    winRateAfter: number
  }
  attribution: BehaviourShares
  rewards: { fees: string; paid: string; unclaimed: string; carried: string; difference: string }
  verify: { root: string; recomputedRoot: string }
  seconds: number
}

/** Plays the example lifecycle on a running system as its people would: each acts through the client alone, and the steward does what an operator would. All
 *  reported results are computed by the system; none is scripted. */
export async function playExample(options: StoryOptions): Promise<StoryReport> {
  const began = Date.now()
  const { url, rpcUrl, seed, signal, scale = 'full' } = options
  const stages: StageResult[] = []
  const say = (line: string) => options.say?.(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`)
  const context = await openStory({ seed, recipe: SCALES[scale], url, rpcUrl, signal, say })
  const done = (...more: StageResult[]) => {
    stages.push(...more)
    for (const { ok, name, facts } of more) say(ok ? `ok: ${name}` : `FAILED: ${name} (${facts.failed})`)
  }

  const { modelId, stages: proposed } = await proposeStage(context)
  done(...proposed)
  const gathered = await gatherStage(context, modelId)
  done(gathered.stage)
  const trained = await trainStage(context, gathered.done)
  done(...trained.stages)

  const endpointId = await openTriageEndpoint(context, trained.versionId, FREE)
  const before = await tryOut(context, endpointId, 1)
  const judged = await judgeStage(context, modelId)
  done(judged.stage)
  const after = await tryOut(context, endpointId, 2) // the steward has let the endpoint serve the aligned version
  const aligned = alignStage(context, judged.done, { own: judged.pairs, before, after })
  done(aligned.stage)

  await setPrice(context.as('platform'), { endpointId, ...PRICE })
  const served = await serveStage(context, endpointId, 1)
  done(served.stage)
  const first = await settleStage(context, { epoch: 1, endpointId, fees: served.fees })
  const { shares, stage } = sharesByBehaviour(first.lines, gathered.owner)
  done(stage, first.stage)

  const endDispute = await disputeWorst(context, gathered.owner, first)
  const again = await serveStage(context, endpointId, 2)
  done(again.stage)
  const second = await settleStage(context, { epoch: 2, endpointId, fees: again.fees })
  done(second.stage, endDispute(second))

  const { events, rewards } = await balance(context.as('platform'))
  done(
    stageOf('balance', rewards, { 'fees = paid + unclaimed + carried, to the last wei': rewards.difference === '0' }),
  )

  const { root, recomputedRoot } = (await options.verify?.(2)) ?? { root: second.root, recomputedRoot: '' }
  const follows = root === recomputedRoot && root === second.root
  const roots = { root, recomputedRoot }
  if (options.verify) done(stageOf('verify', roots, { 'the root on chain follows from the chain': follows }))
  return {
    stages,
    events,
    model: {
      baseMetric: trained.base.score,
      fineTunedMetric: trained.tuned.score,
      alignedMetric: aligned.aligned.score,
      winRateBefore: aligned.winRateBefore,
      winRateAfter: aligned.winRateAfter,
    },
    attribution: shares,
    rewards,
    verify: roots,
    seconds: Number(((Date.now() - began) / 1000).toFixed(1)),
  }
}

const BOOKS = graphql(`{
  chainEvents { totalCount }
  redemptions(first: 1000) { nodes { amount } }
  rewardClaims(first: 1000) { nodes { amount } }
  rewardMaps(first: 1000) { nodes { total } }
}`)

/** What the reward distributor has, by the chain, and what it should have, by all that happened. */
async function balance(anyone: Client): Promise<Pick<StoryReport, 'events' | 'rewards'>> {
  const held = await anyone.read('GOpen', 'balanceOf', [anyone.deployment.addresses.RewardDistributor])
  const { chainEvents, redemptions, rewardClaims, rewardMaps } = await anyone.ask(BOOKS)
  const sum = (amounts: (string | null)[]) => amounts.reduce((total, one) => total + BigInt(one ?? 0), 0n)
  const fees = sum(redemptions.nodes.map(({ amount }) => amount))
  const paid = sum(rewardClaims.nodes.map(({ amount }) => amount))
  const unclaimed = sum(rewardMaps.nodes.map(({ total }) => total)) - paid
  const carried = held - unclaimed
  return {
    events: chainEvents.totalCount,
    rewards: {
      ...{ fees: `${fees}`, paid: `${paid}`, unclaimed: `${unclaimed}`, carried: `${carried}` },
      difference: `${fees - paid - unclaimed - carried}`,
    },
  }
}
