import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { AnswerAttribution, Receipt, VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobMetric, JobRun, WorkerNode } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { StewardStep, Stewardship } from '#schema/offchain/steward.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { FeedbackTask, Judgement, Reputation, Validator } from '#schema/onchain/feedback.ts'
import { Governor, Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion, RewardSplit, Target } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { account, blockTime, countTotals, insert, insertAll, insertChain } from '#test/factory.ts'

const ether = (amount: number) => BigInt(Math.round(amount * 1e6)) * 10n ** 12n

/** Inserts the rows of a lifecycle during alignment: its vote, samples, training and evaluation, a refused worse version, one paid epoch, and one
 *  upheld dispute. */
export async function insertLifecycle(db: Database, artifacts: ArtifactStore): Promise<void> {
  await insertChain(db, 120, { final: 118 })
  const specHash = await putJson(artifacts, {
    name: 'Support triage',
    purpose: 'Read a customer’s message and answer with its category, its urgency and the order it is about.',
    baseModel: `0x${'b0'.repeat(32)}`,
    rubric: `0x${'ab'.repeat(32)}`,
    samples: { description: 'Messages with their answers.', completionPattern: '.+', topic: [], maxPromptLength: 400 },
    licence: 'CC-BY-4.0',
    integration: 'Ask for an answer as text.',
  })
  const evidenceHash = await putJson(artifacts, {
    validators: [
      { validator: account(0x201), reason: 'Agrees with skilled peers beyond chance; 11 of 12 known answers right.' },
      { validator: account(0x202), reason: '5 of 12 known answers right: failed beyond chance.' },
    ],
  })
  await insert(db, Governor, { id: account(0x300), quorumDenominator: 100n })
  await insert(db, Proposal, {
    id: '77',
    governorId: account(0x300),
    description: 'Model 1',
    proposer: account(0x301),
    forVotes: ether(3250),
    againstVotes: ether(1000),
    abstainVotes: ether(250),
    quorum: ether(1800),
    voteStart: seconds(2),
    voteEnd: seconds(20),
    eta: blockTime(24),
    executed: true,
    createdAt: blockTime(1),
  })
  await insertAll(
    db,
    Vote,
    [1, 0, 2].map((support, nth) => ({
      id: `77-${nth}`,
      proposalId: '77',
      support,
      voter: account(0x310 + nth),
      weight: ether([3250, 1000, 250][nth] as number),
    })),
  )
  await insert(db, Model, {
    id: '1',
    proposer: account(0x301),
    proposalId: '77',
    specHash,
    bond: ether(100),
    bondReturned: ether(100),
    bondStatus: 'Returned',
    liveVersionId: '3',
  })
  const rubricHash = `0x${'ab'.repeat(32)}`
  await insert(db, Mandate, {
    id: '1',
    modelId: '1',
    proposalId: '77',
    budget: ether(50),
    funded: ether(50),
    rubricHash,
  })
  await insertAll(db, Target, [
    { id: '1-fieldsExact', modelId: '1', metric: 'fieldsExact', minimum: 600_000n, mayFall: false },
    { id: '1-format', modelId: '1', metric: 'format', minimum: 900_000n, mayFall: false },
  ])
  await insert(db, RewardSplit, {
    id: '1',
    modelId: '1',
    platform: 500,
    owner: 1500,
    stakers: 1000,
    data: 4500,
    validators: 1500,
    host: 1500,
    ancestors: 1000,
  })
  await insert(db, Datanet, { id: '1', modelId: '1' })
  await gathered(db)
  await trained(db, rubricHash)
  await judged(db, evidenceHash)
  await paid(db)
  await kept(db)
  await insertAll(
    db,
    ChainEvent,
    Array.from({ length: 60 }, (_, nth) => ({
      id: `${String(30 + nth).padStart(12, '0')}-000001`,
      contract: nth < 58 ? 'DatanetRegistry' : nth === 58 ? 'ModelRegistry' : 'DatanetRegistry',
      name: nth === 58 ? 'VersionPromoted' : nth % 20 === 0 ? 'ContributionSubmitted' : 'ContributionScored',
      args:
        nth === 58
          ? { versionId: '3' }
          : {
              contributionId: String(nth + 1),
              contributor: account(0x101),
              verdict: nth % 3 === 2 ? '2' : '1',
              reason: 'copied',
            },
      fromBlock: 30 + nth,
      timestamp: blockTime(30 + nth),
      logIndex: 1,
    })),
  )
}

const seconds = (block: number) => Math.floor(blockTime(block).getTime() / 1000)

const putJson = (artifacts: ArtifactStore, value: unknown) => artifacts.put(Buffer.from(JSON.stringify(value)))

async function gathered(db: Database): Promise<void> {
  const reasons = [
    'Accepted: nothing similar was committed earlier.',
    'Accepted: 71.4 % new; the rest is in 3 (28 %).',
    'The same content was committed earlier, as contribution 12.',
    'The completion is not of the form asked for: category | urgency | order.',
  ]
  const kinds = [0, 0, 1, 2, 3]
  await insertAll(
    db,
    Contribution,
    Array.from({ length: 60 }, (_, nth) => {
      const who = nth % 5
      const refused = who === 3 || (who === 4 && nth % 2 === 0)
      return {
        id: String(nth + 1),
        datanetId: '1',
        contributor: account([0x101, 0x102, 0x104, 0x103, 0x105][who] as number),
        status: refused ? ('Rejected' as const) : ('Accepted' as const),
        reason: reasons[who === 4 && !refused ? 0 : (kinds[who] as number)] as string,
        quality: 900_000,
        uniqueness: refused ? 0 : who === 2 ? 714_000 : 1_000_000,
        excluded: nth === 2,
        stake: ether(0.01),
        slashed: who === 4 && refused ? ether(0.002) : 0n,
        submittedAt: blockTime(30 + nth),
      }
    }),
  )
}

/** What the steward has done for the model, and what it waits for. */
async function kept(db: Database): Promise<void> {
  const now = Date.now()
  const at = (ago: number) => new Date(now - ago * 1000)
  await insert(db, Stewardship, {
    id: '1',
    modelId: '1',
    state: 'Working',
    explanation: 'In progress: rlhf (job rlhf-1).',
    decidedAt: at(4),
  })
  const step = { modelId: '1', jobId: null, decidedAt: at(4) }
  await insertAll(db, StewardStep, [
    {
      ...step,
      id: 'align:3',
      name: 'align',
      reason: '60 comparisons of version 1 are settled.',
      jobId: 'rlhf-1',
      decidedAt: at(60),
      cost: ether(5),
    },
    {
      ...step,
      id: 'evaluate:2',
      name: 'evaluate',
      reason: 'Version 2 is not evaluated.',
      jobId: 'eval-2',
      decidedAt: at(150),
    },
    {
      ...step,
      id: 'train:1',
      name: 'train',
      reason: '36 samples are accepted; the policy asks for 30.',
      jobId: 'fine-1',
      decidedAt: at(240),
    },
    {
      ...step,
      id: 'score:60',
      name: 'score',
      reason: '60 samples wait.',
      waitsFor: '12 more samples, of 32',
      dueAt: blockTime(165), // by the clock of the chain, 9 minutes after its newest block
      place: 0,
    },
    {
      ...step,
      id: 'train:2',
      name: 'train',
      reason: 'The version after the next data.',
      waitsFor: '24 more accepted samples',
      place: 1,
      cost: ether(8),
    },
    {
      ...step,
      id: 'publish:3',
      modelId: null,
      name: 'publish',
      reason: 'Epoch 3 has fees.',
      waitsFor: 'the last block of epoch 3',
      place: 0,
    },
  ])
}

async function trained(db: Database, rubricHash: string): Promise<void> {
  const versions = [
    { id: '1', method: 'sft', parentId: null, status: 'Promoted' as const },
    { id: '2', method: 'sft', parentId: null, status: 'Registered' as const },
    { id: '3', method: 'rloo', parentId: '1', status: 'Promoted' as const },
    { id: '4', method: 'dpo', parentId: '1', status: 'Registered' as const },
  ]
  await insertAll(
    db,
    ModelVersion,
    versions.map((one, nth) => ({ ...one, modelId: '1', registeredAt: blockTime(95 + nth) })),
  )
  const score = (id: number, versionId: string, metric: string, score: number, reach: number) => ({
    id: String(id),
    versionId,
    metric,
    rubricHash,
    score: BigInt(score * 10_000),
    lower: BigInt((score - reach) * 10_000),
    upper: BigInt(Math.min(100, score + reach - 1) * 10_000),
    n: 160,
    loggedAt: blockTime(100 + id),
  })
  await insertAll(db, Evaluation, [
    score(1, '1', 'fieldsExact', 74, 7),
    score(2, '1', 'format', 98, 3),
    score(3, '1', 'category', 91, 5),
    score(4, '2', 'fieldsExact', 28, 7),
    score(5, '2', 'format', 95, 4),
    score(6, '3', 'fieldsExact', 84, 6),
    score(7, '3', 'format', 99, 2),
    score(8, '4', 'fieldsExact', 67, 6),
    score(9, '4', 'format', 98, 2),
  ])
  await insertAll(
    db,
    VersionInfluence,
    Array.from({ length: 60 }, (_, nth) => ({
      id: `1-${nth + 1}`,
      versionId: '1',
      contributionId: String(nth + 1),
      influence: nth % 5 === 4 ? -0.004 : 0.002 + (nth % 7) * 0.001,
      standardError: 0.0009,
      significant: nth % 5 < 2,
      harmful: nth % 5 === 4,
      weight: nth % 5 < 2 ? 41_666 : 0,
    })),
  )
  const now = Date.now()
  const at = (ago: number) => new Date(now - ago * 1000)
  const job = (id: string, kind: string, status: JobRun['status'], ago: number, more: Partial<JobRun> = {}) => ({
    id,
    kind,
    status,
    queue: 'gpu',
    attempt: 1,
    attempts: 2,
    progress: status === 'Succeeded' ? 1 : 0,
    createdAt: at(ago),
    startedAt: at(ago - 1),
    finishedAt: status === 'Running' ? null : at(ago - 40),
    parentId: null,
    workerId: null,
    error: null,
    ...more,
  })
  await insertAll(db, JobRun, [
    job('score-1', 'scoreDatanet', 'Succeeded', 300),
    job('fine-1', 'fineTune', 'Succeeded', 240, { result: { versionId: '1' } }),
    job('eval-1', 'evaluate', 'Succeeded', 190),
    job('eval-2', 'evaluate', 'Failed', 150, {
      error: {
        code: 'ARTIFACT_MISSING',
        message: 'Item 0x12…ab is not in the store. Upload the item first, then ask again.',
      },
    }),
    job('rlhf-1', 'rlhf', 'Running', 60, {
      progress: 0.64,
      stage: 'sampling step 26 of 40',
      input: { versionId: '1', method: 'rloo' },
    }),
  ])
  const point = (jobId: string, name: string, step: number, value: number) => ({
    id: `${jobId}-${name}-${String(step).padStart(6, '0')}`,
    jobId,
    name,
    step,
    value,
  })
  const wobble = (step: number) => Math.sin(step * 12.9898) * 0.5 + Math.sin(step * 4.1) * 0.5
  const loss = Array.from({ length: 220 }, (_, nth) =>
    point('fine-1', 'loss', nth + 1, 2.6 * Math.exp(-nth / 55) + 0.18 + 0.09 * wobble(nth)),
  )
  const held = Array.from({ length: 11 }, (_, nth) =>
    point('fine-1', 'evalLoss', nth * 20 + 20, 2.2 * Math.exp(-nth / 3) + 0.27),
  )
  const rewards = Array.from({ length: 26 }, (_, nth) =>
    point('rlhf-1', 'reward', nth + 1, -0.2 + nth * 0.04 + 0.1 * wobble(nth)),
  )
  const kl = Array.from({ length: 26 }, (_, nth) =>
    point('rlhf-1', 'kl', nth + 1, 0.002 * nth + 0.004 * Math.abs(wobble(nth))),
  )
  await insertAll(db, JobMetric, [...loss, ...held, ...rewards, ...kl])
  await insert(db, WorkerNode, {
    id: 'w1',
    device: 'cpu',
    concurrency: 1,
    heartbeatAt: new Date(now + 20_000),
    stoppedAt: null,
    startedAt: at(900),
  })
}

async function judged(db: Database, evidenceHash: string): Promise<void> {
  await insertAll(
    db,
    FeedbackTask,
    Array.from({ length: 24 }, (_, nth) => ({
      id: String(nth + 1),
      modelId: '1',
      versionId: '1',
      domain: 'support',
      settled: true,
      evidenceHash,
    })),
  )
  await insertAll(
    db,
    Judgement,
    Array.from({ length: 48 }, (_, nth) => ({
      id: `${nth % 24}-${nth}`,
      taskId: String((nth % 24) + 1),
      validator: account(0x201 + (nth % 3)),
    })),
  )
  await insertAll(db, Validator, [
    { id: account(0x201), stake: ether(10), earned: ether(1.84), lost: 0n },
    { id: account(0x203), stake: ether(10), earned: ether(0.92), lost: 0n },
    { id: account(0x202), stake: ether(9.5), earned: ether(0.05), lost: ether(0.5) },
  ])
  await insertAll(db, Reputation, [
    { id: `${account(0x201)}-support`, validator: account(0x201), domain: 'support', value: 712_000, tier: 2 },
    { id: `${account(0x202)}-support`, validator: account(0x202), domain: 'support', value: 181_000, tier: 0 },
  ])
}

async function paid(db: Database): Promise<void> {
  await insert(db, Endpoint, {
    id: '1',
    versionId: '3',
    host: account(0x401),
    url: 'http://localhost',
    priceIn: 1n,
    priceOut: 2n,
  })
  await insertAll(
    db,
    Receipt,
    Array.from({ length: 18 }, (_, nth) => ({
      id: `r${nth}`,
      endpointId: '1',
      versionId: '3',
      jobId: `infer-${nth}`,
      fee: ether(0.055),
      epoch: 1,
    })),
  )
  await insertAll(
    db,
    AnswerAttribution,
    Array.from({ length: 36 }, (_, nth) => ({
      id: `r${nth % 18}-${nth}`,
      receiptId: `r${nth % 18}`,
      contributionId: String(nth + 1),
    })),
  )
  await insert(db, RewardMap, {
    id: '1',
    epoch: 1,
    status: 'Published',
    funded: ether(1),
    total: ether(0.98),
    root: `0x${'c4'.repeat(32)}`,
    publishedAt: blockTime(110),
  })
  const line = (nth: number, who: number, role: string, source: string, amount: number, weight: number) => ({
    id: `1-${String(nth).padStart(7, '0')}`,
    mapId: '1',
    account: account(who),
    role,
    source,
    amount: ether(amount),
    inputs: { versionId: '1', pot: String(ether(0.45)), weight: String(weight), whole: '1000000' },
  })
  await insertAll(db, RewardLine, [
    line(0, 0x101, 'data', 'contribution:1', 0.12, 266_700),
    line(1, 0x101, 'answers', 'contribution:6', 0.04, 88_900),
    line(2, 0x102, 'data', 'contribution:2', 0.09, 200_000),
    line(3, 0x104, 'data', 'contribution:3', 0.02, 44_400),
  ])
  await insert(db, RewardClaim, { id: 'c1', mapId: '1', account: account(0x101), amount: ether(0.16) })
  await insertAll(db, Dispute, [
    {
      id: '1',
      subject: 'Contribution',
      subjectId: '3',
      challenger: account(0x501),
      bond: ether(1),
      outcome: 'Upheld',
      slashed: ether(0.01),
      openedAt: blockTime(112),
      resolvedAt: blockTime(114),
    },
  ])
  await countTotals(db)
}
