import { waitForBlock } from '#client/index.ts'
import type { Deployment } from '#contracts/deploy.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { SCALES, type Scale } from '../recipe.ts'
import { alignStage } from './align.ts'
import { Checks, openStory, type StageResult, type StoryContext } from './context.ts'
import { disputeStage } from './dispute.ts'
import { gatherStage } from './gather.ts'
import { judgeStage } from './judge.ts'
import { proposeStage } from './propose.ts'
import {
  type BehaviourShares,
  earnedByContribution,
  type SettledEpoch,
  settleStage,
  sharesByBehaviour,
} from './reward.ts'
import { openTriageEndpoint, serveStage } from './serve.ts'
import { trainStage } from './train.ts'

export interface StoryOptions {
  /** The URL of the API. */
  url: string
  rpcUrl: string
  deployment: Deployment
  /** The platform’s artifact store. */
  store: ArtifactStore
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

/** Plays the example lifecycle on a running system as its people would: only through the API and the chain. All reported results are
 *  computed by the system; none is scripted. */
export async function playExample(options: StoryOptions): Promise<StoryReport> {
  const began = Date.now()
  const { deployment, seed, store, scale = 'full' } = options
  const stages: StageResult[] = []
  const say = (line: string) => options.say?.(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`)
  const { url, rpcUrl, signal } = options
  const context = await openStory({ seed, recipe: SCALES[scale], url, rpcUrl, signal, deployment, store, say })
  const done = (...more: StageResult[]) => {
    stages.push(...more)
    for (const stage of more)
      say(`${stage.ok ? 'ok' : 'FAILED'}: ${stage.name}${stage.ok ? '' : ` (${stage.facts.failed})`}`)
  }

  const proposed = await proposeStage(context)
  done(...proposed.stages)
  const gathered = await gatherStage(context, proposed.modelId)
  done(...gathered.stages)
  const trained = await trainStage(context, proposed.modelId, gathered.datanetId)
  done(...trained.stages)
  done(await judgeStage(context, trained.versionId))
  const aligned = await alignStage(context, trained.versionId)
  done(...aligned.stages)

  const endpointId = await openTriageEndpoint(context, await liveVersion(context, proposed.modelId))
  const served = await serveStage(context, endpointId, 1)
  done(served.stage)
  const first = await settleStage(context, 1, served.fees)
  const { shares, stage } = sharesByBehaviour(first.lines, gathered.owner)
  done(stage, first.stage)

  const disputed = await disputeStage(context, gathered.owner, first)
  const servedAgain = await serveStage(context, endpointId, 2)
  done(servedAgain.stage)
  const second = await settleStage(context, 2, servedAgain.fees)
  done(second.stage, recourse(disputed, second))

  const rewards = await balance(context)
  const close = new Checks()
  close.that('fees = paid + unclaimed + carried, to the last wei', rewards.difference === '0')
  done({ name: 'balance', ok: close.failed.length === 0, facts: { ...rewards, failed: close.failed.join('; ') } })

  const verified = (await options.verify?.(2)) ?? { root: second.root, recomputedRoot: '' }
  if (options.verify) {
    const { root, recomputedRoot } = verified
    const check = new Checks()
    check.that('the root on chain follows from the chain', root === recomputedRoot && root === second.root)
    done({
      name: 'verify',
      ok: check.failed.length === 0,
      facts: { root, recomputedRoot, failed: check.failed.join('; ') },
    })
  }
  const { chainEvents } = await context.api.query<{ chainEvents: { totalCount: number } }>(
    '{ chainEvents { totalCount } }',
  )
  return {
    stages,
    events: chainEvents.totalCount,
    model: {
      baseMetric: trained.base.score,
      fineTunedMetric: trained.tuned.score,
      alignedMetric: aligned.aligned.score,
      winRateBefore: aligned.winRateBefore,
      winRateAfter: aligned.winRateAfter,
    },
    attribution: shares,
    rewards,
    verify: verified,
    seconds: Number(((Date.now() - began) / 1000).toFixed(1)),
  }
}

/** The live version of a model: the aligned one, if it was promoted. */
async function liveVersion({ api }: StoryContext, modelId: string): Promise<string> {
  const { model } = await api.query<{ model: { liveVersionId: string } }>(
    'query ($id: ID!) { model(id: $id) { liveVersionId } }',
    { id: modelId },
  )
  return model.liveVersionId
}

function recourse(
  { contributionId, disputeId, earnedBefore }: Awaited<ReturnType<typeof disputeStage>>,
  second: SettledEpoch,
): StageResult {
  const after = earnedByContribution(second.lines).get(contributionId) ?? 0n
  const checks = new Checks()
  checks.that('it earned in the first epoch', earnedBefore > 0n)
  checks.that('it earns nothing in the next', after === 0n)
  return {
    name: 'dispute',
    ok: checks.failed.length === 0,
    facts: {
      disputeId,
      contributionId,
      before: earnedBefore.toString(),
      after: after.toString(),
      failed: checks.failed.join('; '),
    },
  }
}

/** The balance of the reward distributor, read from the chain. */
async function balance({ chain, api, as }: StoryContext): Promise<StoryReport['rewards']> {
  await waitForBlock(as('platform'), await chain.client.getBlockNumber())
  const held = await chain.read('GOpen', 'balanceOf', [chain.addresses.RewardDistributor])
  const { redemptions, rewardClaims, rewardMaps } = await api.query<{
    redemptions: { nodes: { amount: string }[] }
    rewardClaims: { nodes: { amount: string }[] }
    rewardMaps: { nodes: { total: string }[] }
  }>(
    '{ redemptions(first: 1000) { nodes { amount } } rewardClaims(first: 1000) { nodes { amount } } rewardMaps(first: 1000) { nodes { total } } }',
  )
  const sum = (amounts: string[]) => amounts.reduce((total, one) => total + BigInt(one), 0n)
  const fees = sum(redemptions.nodes.map((one) => one.amount))
  const paid = sum(rewardClaims.nodes.map((one) => one.amount))
  const unclaimed = sum(rewardMaps.nodes.map((one) => one.total)) - paid
  const carried = held - unclaimed
  return {
    fees: fees.toString(),
    paid: paid.toString(),
    unclaimed: unclaimed.toString(),
    carried: carried.toString(),
    difference: (fees - paid - unclaimed - carried).toString(),
  }
}
