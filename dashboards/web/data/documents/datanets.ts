import { graphql } from '#client/graphql/document.ts'

export const DATANETS = graphql(`
query Datanets($first: Int, $after: String, $last: Int, $before: String) {
  datanets(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: createdAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      id modelId owner licence licenceConflict minStake createdAt
      model { name }
      contributions(first: 1) { totalCount }
      accepted: contributions(first: 1, where: { status: { eq: Accepted } }) { totalCount }
    }
  }
}
`)

export const DATANET = graphql(`
query Datanet($id: ID!) {
  datanet(id: $id) {
    id modelId owner licence licenceConflict minStake createdAt
    model { name specification { purpose } }
    contributions(first: 1) { totalCount aggregate { groupBy(by: [{ field: status }]) { key { status } count } } }
    excluded: contributions(first: 1, where: { excluded: { eq: true } }) { totalCount }
  }
}
`)

export const DATANET_CONTRIBUTIONS = graphql(`
query DatanetContributions($where: ContributionWhere, $first: Int, $after: String, $last: Int, $before: String) {
  contributions(first: $first, after: $after, last: $last, before: $before, where: $where, orderBy: [{ field: submittedAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id contributor status reason quality uniqueness excluded submittedAt }
  }
}
`)

export const CONTRIBUTION = graphql(`
query Contribution($id: ID!) {
  contribution(id: $id) {
    id datanetId contributor contentHash commitment committedBlock status reason quality uniqueness stake slashed forfeited excluded submittedAt
    datanet { licence modelId model { name } }
    influences(first: 50, orderBy: [{ field: weight, direction: desc }]) { totalCount nodes { id versionId influence standardError significant harmful weight } }
    answers(first: 1) { totalCount }
    dataWithdrawals(first: 5) { totalCount nodes { id } }
  }
}
`)

/** The text of a sample; null where it is not stored, refused where it was taken down. */
export const SAMPLE_TEXT = graphql(`
query SampleText($hash: ID!) { artifact(id: $hash) { text mediaType size } }
`)
