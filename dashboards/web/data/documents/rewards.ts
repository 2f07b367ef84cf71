import { graphql } from '#client/graphql/document.ts'

export const EPOCHS = graphql(`
query Epochs($first: Int, $after: String, $last: Int, $before: String) {
  rewardMaps(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: epoch, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id epoch status funded total publishedAt publisher claims(first: 1) { totalCount } lines(first: 1) { totalCount } }
  }
}
`)

export const EPOCH = graphql(`
query Epoch($epoch: ID!) {
  rewardMap(epoch: $epoch) {
    id epoch status funded total root uri codeHash firstBlock lastBlock bond bondReleasedTo publisher publishedAt
    claims(first: 1) { totalCount aggregate { values { amount { sum } } } }
    lines(first: 1) { totalCount aggregate { groupBy(by: [{ field: role }], first: 20) { key { role } count values { amount { sum } } } } }
  }
}
`)

export const EPOCH_LINES = graphql(`
query EpochLines($epoch: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  rewardMap(epoch: $epoch) {
    lines(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: amount, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id account role source amount inputs }
    }
  }
}
`)

export const EPOCH_CLAIMS = graphql(`
query EpochClaims($epoch: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  rewardMap(epoch: $epoch) {
    claims(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: claimedAt, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id account amount claimedAt }
    }
  }
}
`)
