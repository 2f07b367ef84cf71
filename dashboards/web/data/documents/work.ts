import { graphql } from '#client/graphql/document.ts'
import { EVENT, JOB } from './common.ts'

/** Jobs, disputes and events. */

export const JOB_LIST = graphql(
  `
query JobList($where: JobRunWhere, $first: Int, $after: String, $last: Int, $before: String) {
  jobs(first: $first, after: $after, last: $last, before: $before, where: $where, orderBy: [{ field: createdAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { ...Job }
  }
}
`,
  [JOB],
)

export const WORKERS = graphql(`
query Workers {
  workerNodes(first: 25, orderBy: [{ field: heartbeatAt, direction: desc }]) { totalCount nodes { id host pid device concurrency status heartbeatAt startedAt } }
}
`)

export const ONE_JOB = graphql(
  `
query OneJob($id: ID!) {
  job(id: $id) {
    ...Job
    queue attempts waits retryAt requestedBy parentId workerId heartbeatAt
    children(first: 20) { totalCount nodes { id kind status } }
    stewardSteps(first: 5) { nodes { id name reason modelId } }
    metrics(first: 1000, where: { name: { ne: "learningRate" } }, orderBy: [{ field: step, direction: desc }]) { totalCount nodes { name step value } }
  }
}
`,
  [JOB],
)

export const DISPUTES = graphql(`
query Disputes($first: Int, $after: String, $last: Int, $before: String) {
  disputes(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: openedAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id subject subjectId challenger bond outcome verdict slashed openedAt resolvedAt }
  }
}
`)

export const DISPUTE = graphql(`
query Dispute($id: ID!) {
  dispute(id: $id) { id subject subjectId challenger bond outcome verdict slashed evidenceHash openedAt effectiveAt resolvedAt }
}
`)

export const EVENT_LIST = graphql(
  `
query EventList($where: ChainEventWhere, $first: Int, $after: String, $last: Int, $before: String) {
  chainEvents(first: $first, after: $after, last: $last, before: $before, where: $where, orderBy: [{ field: id, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { ...Event }
  }
}
`,
  [EVENT],
)

export const ONE_EVENT = graphql(
  `
query OneEvent($id: ID!) { chainEvent(id: $id) { ...Event address logIndex } }
`,
  [EVENT],
)
