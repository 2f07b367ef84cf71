import type { Deployment } from '#contracts/deploy.ts'
import type { ArtifactStore } from '#schema/artifacts.ts'
import { SCALES, type Scale } from '../recipe.ts'
import { align } from './align.ts'
import { Api } from './apiClient.ts'
import { openStoryChain } from './chain.ts'
import { Checks, type Stage, type World } from './context.ts'
import { dispute } from './dispute.ts'
import { gather } from './gather.ts'
import { judge } from './judge.ts'
import { propose } from './propose.ts'
import { type Epoch, earnedByContribution, type Shares, settle, sharesByBehaviour } from './reward.ts'
import { openEndpoint, serve } from './serve.ts'
import { train } from './train.ts'

export interface StoryOptions {
  /** Where the API answers. */
  url: string
  rpcUrl: string
  deployment: Deployment
  /** The platform’s artifact store. */
  store: ArtifactStore
  seed: number
  /** How much of everything; `full` when left out. */
  scale?: Scale
  signal?: AbortSignal
  say?(line: string): void
  /** Recomputes an epoch’s root from nothing but the chain and the artifacts. */
  verify?(epoch: number): Promise<{ root: string; recomputedRoot: string }>
}

/** What a whole lifecycle came to; `ok` of every stage says whether what must hold, holds. */
export interface Report {
  stages: Stage[]
  events: number
  model: {
    baseMetric: number
    fineTunedMetric: number
    alignedMetric: number
    winRateBefore: number
    winRateAfter: number
  }
  attribution: Shares
  rewards: { fees: string; paid: string; unclaimed: string; carried: string; difference: string }
  verify: { root: string; recomputedRoot: string }
  seconds: number
}

/** Plays the example lifecycle against a running house, as its people would: through the API and the chain alone. Everything that is reported is
 *  computed by the house; nothing is scripted to come out right. */
export async function playExample(options: StoryOptions): Promise<Report> {
  const began = Date.now()
  const { deployment, seed, store, scale = 'full' } = options
  const stages: Stage[] = []
  const say = (line: string) => options.say?.(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`)
  const world: World = {
    seed,
    recipe: SCALES[scale],
    api: new Api(options.url, options.signal ?? new AbortController().signal),
    chain: openStoryChain(options.rpcUrl, deployment),
    deployment,
    store,
    say,
  }
  const done = (...more: Stage[]) => {
    stages.push(...more)
    for (const stage of more)
      say(`${stage.ok ? 'ok' : 'FAILED'}: ${stage.name}${stage.ok ? '' : ` (${stage.facts.failed})`}`)
  }

  const proposed = await propose(world)
  done(...proposed.stages)
  const gathered = await gather(world, proposed.modelId)
  done(...gathered.stages)
  const trained = await train(world, proposed.modelId, gathered.datanetId)
  done(...trained.stages)
  done(await judge(world, trained.versionId))
  const aligned = await align(world, trained.versionId)
  done(...aligned.stages)

  const endpointId = await openEndpoint(world, await liveVersion(world, proposed.modelId))
  const served = await serve(world, endpointId, 1)
  done(served.stage)
  const first = await settle(world, 1, served.fees)
  const { shares, stage } = sharesByBehaviour(first.lines, gathered.owner)
  done(stage, first.stage)

  const disputed = await dispute(world, gathered.owner, first)
  const servedAgain = await serve(world, endpointId, 2)
  done(servedAgain.stage)
  const second = await settle(world, 2, servedAgain.fees)
  done(second.stage, recourse(disputed, second))

  const rewards = await balance(world)
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
  const { chainEvents } = await world.api.query<{ chainEvents: { totalCount: number } }>(
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

/** The promoted version that serves: the aligned one, if it was good enough. */
async function liveVersion({ api }: World, modelId: string): Promise<string> {
  const { model } = await api.query<{ model: { liveVersionId: string } }>(
    'query ($id: ID!) { model(id: $id) { liveVersionId } }',
    { id: modelId },
  )
  return model.liveVersionId
}

function recourse(
  { contributionId, disputeId, earnedBefore }: Awaited<ReturnType<typeof dispute>>,
  second: Epoch,
): Stage {
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

/** The distributor’s books, read from the chain itself. */
async function balance({ chain, api }: World): Promise<Report['rewards']> {
  await api.caughtUp(await chain.client.getBlockNumber())
  const held = await chain.read('GOpen', 'balanceOf', [chain.addresses.RewardDistributor])
  const { usageSettlements, rewardClaims, rewardMaps } = await api.query<{
    usageSettlements: { nodes: { fees: string }[] }
    rewardClaims: { nodes: { amount: string }[] }
    rewardMaps: { nodes: { total: string }[] }
  }>(
    '{ usageSettlements(first: 1000) { nodes { fees } } rewardClaims(first: 1000) { nodes { amount } } rewardMaps(first: 1000) { nodes { total } } }',
  )
  const sum = (amounts: string[]) => amounts.reduce((total, one) => total + BigInt(one), 0n)
  const fees = sum(usageSettlements.nodes.map((one) => one.fees))
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
