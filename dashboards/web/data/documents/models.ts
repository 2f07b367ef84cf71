import { graphql, type ResultOf } from '#client/graphql/document.ts'

/** A version with what decides whether it may serve. */
export const JUDGED_VERSION = graphql(`
fragment JudgedVersion on ModelVersion {
  id modelId method status parentId registeredAt promotedAt rollbackReason
  meetsMandate { met targets { metric minimum mayFall met verdict score lower upper n liveLower } }
  evaluations(first: 32, orderBy: [{ field: loggedAt, direction: asc }]) { totalCount nodes { id metric score lower upper n rubricHash loggedAt } }
}
`)

/** A model with what its versions are compared with. */
export const JUDGING_MODEL = graphql(`
fragment JudgingModel on Model {
  id liveVersionId
  mandates(first: 1) { nodes { rubricHash } }
  targets(first: 16) { nodes { metric minimum mayFall } }
  liveVersion { id meetsMandate { targets { metric score lower upper } } }
}
`)

export const MODELS = graphql(`
query Models($first: Int, $after: String, $last: Int, $before: String) {
  models(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: proposedAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      id name proposer proposedAt liveVersionId staked
      specification { purpose licence }
      versions(first: 1) { totalCount }
      liveVersion { totals { calls redeemed } }
    }
  }
}
`)

export const MODEL = graphql(
  `
query Model($id: ID!) {
  model(id: $id) {
    ...JudgingModel
    name card specHash specUri proposer proposalId proposedAt bond bondStatus bondReturned bondSlashed staked
    specification { purpose licence baseModel baseLicence integration }
    licences { model base data conflict }
    mandates(first: 1) { nodes { proposalId budget funded spent deadline issuedAt } }
    splits(first: 1) { nodes { platform owner stakers data validators host ancestors splitHash } }
    datanets(first: 20) { totalCount nodes { id licence contributions(first: 1) { totalCount } } }
    stewardships(first: 1) { nodes { state explanation decidedAt } }
    versions(first: 1) { totalCount }
  }
}
`,
  [JUDGING_MODEL],
)

export const MODEL_VERSIONS = graphql(
  `
query ModelVersions($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  model(id: $id) {
    ...JudgingModel
    versions(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: registeredAt, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { ...JudgedVersion }
    }
  }
}
`,
  [JUDGING_MODEL, JUDGED_VERSION],
)

export const MODEL_ENDPOINTS = graphql(`
query ModelEndpoints($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  endpoints(first: $first, after: $after, last: $last, before: $before, where: { version: { modelId: { eq: $id } } }, orderBy: [{ field: registeredAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id url host versionId priceIn priceOut registeredAt receipts(first: 1) { totalCount } }
  }
}
`)

export const ONE_VERSION = graphql(
  `
query Version($id: ID!) {
  modelVersion(id: $id) {
    ...JudgedVersion
    manifestHash adapterHash datasetRoot card
    model { ...JudgingModel name }
    licences { model base data conflict }
    totals { samples contributors judgements validators calls redeemed paid paidAccounts }
    documents { name path }
    removedData { contributionId kind reason at }
    children(first: 20) { totalCount nodes { id method } }
    endpoints(first: 20) { totalCount nodes { id url } }
  }
}
`,
  [JUDGED_VERSION, JUDGING_MODEL],
)

/** What led to a version at once: the job that made it is the `run` among the causes. */
export const VERSION_RUN = graphql(`
query VersionRun($id: ID!) {
  lineage(versionId: $id, direction: causes, depth: 1, first: 12) { edges { from to relation } }
}
`)

export const VERSION_DATA = graphql(`
query VersionData($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  modelVersion(id: $id) {
    influences(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: weight, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id contributionId influence standardError significant harmful weight contribution { contributor } }
    }
  }
}
`)

export const VERSION_COMPARISONS = graphql(`
query VersionComparisons($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  modelVersion(id: $id) {
    feedbackTasks(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: id, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id domain settled pot paid commitDeadline revealDeadline judgements(first: 1) { totalCount } }
    }
  }
}
`)

export const ENDPOINT = graphql(`
query Endpoint($id: ID!) {
  endpoint(id: $id) {
    id url host versionId priceIn priceOut registeredAt
    version { modelId model { name } }
    receipts(first: 1) { totalCount }
    channels(first: 1) { totalCount }
    redemptions(first: 1) { totalCount }
    removedData { contributionId reason }
  }
}
`)

export const COMPARISON = graphql(`
query Comparison($id: ID!) {
  feedbackTask(id: $id) {
    id domain versionId modelId roundId itemHash pot paid settled commitDeadline revealDeadline evidenceHash
    model { name }
    judgements(first: 60, orderBy: [{ field: reward, direction: desc }]) {
      totalCount
      nodes { id validator choice confidence stage reward penalty }
    }
  }
}
`)

export type JudgedVersion = ResultOf<typeof JUDGED_VERSION>
export type JudgingModel = ResultOf<typeof JUDGING_MODEL>
