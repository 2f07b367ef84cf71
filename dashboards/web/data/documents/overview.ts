import { graphql, type ResultOf } from '#client/graphql/document.ts'
import { EVENT, JOB } from './common.ts'
import { JUDGED_VERSION, JUDGING_MODEL } from './models.ts'

/** The documents of the overview. The types of their answers come from the schema of the API. */

const PERSON = graphql(`
fragment Person on Contributor { account contributions accepted rejected excluded uniqueness staked slashed weight earned claimed }
`)

/** What moves all the time: the lifecycle in figures, votes, jobs. */
export const OVERVIEW = graphql(
  `
query Overview {
  overview {
    models proposals votes mandates holders datanets contributions acceptedContributions contributors versions promotedVersions
    evaluations feedbackTasks judgements validators endpoints receipts fees settledFees epochs rewards claimed disputes openDisputes
    jobs runningJobs failedJobs
  }
  answerAttributions(first: 1) { totalCount }
  proposals(first: 4, orderBy: [{ field: createdAt, direction: desc }]) {
    totalCount
    nodes {
      id description proposer state forVotes againstVotes abstainVotes quorumNeeded quorumReached voteEnd eta createdAt
      votes(first: 8, orderBy: [{ field: weight, direction: desc }]) { totalCount nodes { id voter support weight reason } }
      models(first: 1) { nodes { id bond bondStatus bondReturned bondSlashed specHash mandates(first: 1) { nodes { budget spent deadline } } } }
    }
  }
  open: jobs(first: 12, where: { status: { in: [Running, Queued, Waiting] } }, orderBy: [{ field: createdAt, direction: desc }]) { nodes { ...Job } }
  recent: jobs(first: 12, where: { kind: { in: ["fineTune", "evaluate", "compare", "rlhf", "scoreDatanet", "settleFeedback", "redeem", "settleEpoch", "resolveDispute"] } }, orderBy: [{ field: createdAt, direction: desc }]) { nodes { ...Job } }
  failed: jobs(first: 4, where: { status: { eq: Failed } }, orderBy: [{ field: createdAt, direction: desc }]) { nodes { ...Job } }
  workerNodes(first: 8, orderBy: [{ field: heartbeatAt, direction: desc }]) { nodes { id device concurrency heartbeatAt } }
}
`,
  [JOB],
)

/** Events that come by the hundred; the feed tells them in runs. */
const FREQUENT = [
  'ContributionCommitted',
  'ContributionSubmitted',
  'ContributionScored',
  'ScoringFeeForfeited',
  'ContributionStakeReturned',
  'TaskOpened',
  'FeedbackCommitted',
  'FeedbackRevealed',
  'FeedbackSettled',
  'TaskSettled',
  'Slashed',
  'Redeemed',
  'RedemptionFailed',
  'RewardClaimed',
]
/** Bookkeeping of the token and of roles, which says nothing about the lifecycle. */
export const BOOKKEEPING = [
  'Transfer',
  'Approval',
  'DelegateVotesChanged',
  'RoleGranted',
  'RoleRevoked',
  'CallScheduled',
  'CallExecuted',
  'CallSalt',
]

/** How many of the frequent events are asked for. */
export const FREQUENT_COUNT = 200

/** What the chain said last. Later events come by subscription. */
export const RECENT_EVENTS = graphql(
  `
query RecentEvents($excluded: [String!]!, $frequent: [String!]!, $size: Int!) {
  others: chainEvents(first: 60, where: { not: { name: { in: $excluded } } }, orderBy: [{ field: id, direction: desc }]) { nodes { ...Event } }
  frequent: chainEvents(first: $size, where: { name: { in: $frequent } }, orderBy: [{ field: id, direction: desc }]) { nodes { ...Event } }
}
`,
  [EVENT],
)

export const RECENT_EVENTS_VARIABLES = {
  excluded: [...FREQUENT, ...BOOKKEEPING],
  frequent: FREQUENT,
  size: FREQUENT_COUNT,
}

/** The curves of the newest training jobs, newest points first. */
export const CURVES = graphql(`
query Curves {
  jobs(first: 4, where: { kind: { in: ["fineTune", "rlhf"] } }, orderBy: [{ field: createdAt, direction: desc }]) {
    nodes {
      id
      metrics(first: 800, where: { name: { ne: "learningRate" } }, orderBy: [{ field: step, direction: desc }]) { totalCount nodes { name step value } }
    }
  }
}
`)

/** What the lifecycle has made: versions with their evaluations, validators, disputes, reward maps. */
export const LIFECYCLE = graphql(
  `
query Lifecycle {
  models(first: 3, orderBy: [{ field: proposedAt, direction: desc }]) {
    totalCount
    nodes {
      ...JudgingModel
      name
      splits(first: 1) { nodes { platform owner stakers data validators host ancestors } }
      versions(first: 12, orderBy: [{ field: registeredAt, direction: desc }]) {
        totalCount
        nodes {
          ...JudgedVersion
          influences(first: 1) { totalCount }
          feedbackTasks(first: 1) { totalCount }
          endpoints(first: 4) { nodes { id priceIn priceOut } }
          receipts(first: 1) { totalCount }
        }
      }
    }
  }
  validators(first: 12, orderBy: [{ field: earned, direction: desc }]) {
    totalCount
    nodes { id stake earned lost withdrawn reputations { domain value tier } }
  }
  settled: feedbackTasks(first: 1, where: { settled: { eq: true } }, orderBy: [{ field: id, direction: desc }]) { nodes { evidenceHash } }
  disputes(first: 6, orderBy: [{ field: openedAt, direction: desc }]) {
    totalCount
    nodes { id subject subjectId challenger bond outcome slashed openedAt resolvedAt }
  }
  rewardMaps(first: 6, orderBy: [{ field: epoch, direction: desc }]) { totalCount nodes { epoch status funded total root publishedAt } }
  contributors(first: 20) { totalCount nodes { ...Person } }
}
`,
  [PERSON, JUDGED_VERSION, JUDGING_MODEL],
)

/** What happens by itself, and what comes next. */
export const STEWARD = graphql(`
query Steward {
  stewardships(first: 6, orderBy: [{ field: id, direction: desc }]) {
    nodes {
      id state explanation decidedAt
      model { specHash }
    }
  }
  next: stewardSteps(first: 60, where: { jobId: { isNull: true } }, orderBy: [{ field: place, direction: asc }]) {
    nodes { id modelId name reason waitsFor dueAt cost }
  }
  taken: stewardSteps(first: 60, where: { jobId: { isNull: false } }, orderBy: [{ field: decidedAt, direction: desc }]) {
    nodes { id modelId name reason decidedAt cost job { status error } }
  }
}
`)

/** Why one contributor earned what it did. */
export const REASONS = graphql(`
query Reasons($account: String!) {
  contributor(account: $account) { reasons { epoch role source amount inputs } }
  contributions(first: 200, where: { contributor: { eq: $account } }, orderBy: [{ field: submittedAt, direction: desc }]) {
    totalCount
    nodes {
      id status reason quality uniqueness excluded stake slashed
      influences(first: 4) { nodes { versionId influence standardError significant harmful weight } }
    }
  }
}
`)

export type Person = ResultOf<typeof PERSON>
export type OverviewAnswer = ResultOf<typeof OVERVIEW>
export type CurvesAnswer = ResultOf<typeof CURVES>
export type LifecycleAnswer = ResultOf<typeof LIFECYCLE>
export type StewardAnswer = ResultOf<typeof STEWARD>
export type ReasonsAnswer = ResultOf<typeof REASONS>
