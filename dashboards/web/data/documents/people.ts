import { graphql, type ResultOf } from '#client/graphql/document.ts'

export const CONTRIBUTOR_LIST = graphql(`
query Contributors($first: Int, $after: String, $orderBy: ContributorOrder) {
  contributors(first: $first, after: $after, orderBy: $orderBy) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { account contributions accepted rejected excluded uniqueness earned claimed weight }
  }
}
`)

export const VALIDATOR_LIST = graphql(`
query Validators($first: Int, $after: String, $last: Int, $before: String) {
  validators(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: earned, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id stake earned lost reputations { domain value tier } totals { judgements revealed settled } }
  }
}
`)

/** Everything about an account that is one row. */
export const ACCOUNT = graphql(`
query Account($account: String!, $id: ID!) {
  contributor(account: $account) {
    account contributions accepted rejected excluded quality uniqueness staked slashed weight earned claimed
    reasons { epoch role source amount inputs }
  }
  validator(id: $id) { id stake earned lost withdrawn reputations { domain value tier } totals { judgements revealed settled reward penalty } }
  holders(first: 4, where: { account: { eq: $account } }) { nodes { id token balance locked votes delegate } }
  delegators: holders(first: 1, where: { delegate: { eq: $account }, not: { account: { eq: $account } } }) { totalCount }
  rewardClaims(first: 1, where: { account: { eq: $account } }) { totalCount aggregate { values { amount { sum } } } }
  paymentChannels(first: 1, where: { consumer: { eq: $account } }) { totalCount }
  models(first: 1, where: { proposer: { eq: $account } }) { totalCount }
}
`)

export const ACCOUNT_CONTRIBUTIONS = graphql(`
query AccountContributions($account: String!, $first: Int, $after: String, $last: Int, $before: String) {
  contributions(first: $first, after: $after, last: $last, before: $before, where: { contributor: { eq: $account } }, orderBy: [{ field: submittedAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id datanetId status reason quality uniqueness excluded stake slashed submittedAt }
  }
}
`)

export const ACCOUNT_VOTES = graphql(`
query AccountVotes($account: String!, $first: Int, $after: String, $last: Int, $before: String) {
  votes(first: $first, after: $after, last: $last, before: $before, where: { voter: { eq: $account } }, orderBy: [{ field: castAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id proposalId support weight reason castAt proposal { description models(first: 1) { nodes { name } } } }
  }
}
`)

export const ACCOUNT_JUDGEMENTS = graphql(`
query AccountJudgements($account: String!, $first: Int, $after: String, $last: Int, $before: String) {
  judgements(first: $first, after: $after, last: $last, before: $before, where: { validator: { eq: $account } }, orderBy: [{ field: id, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id taskId choice confidence stage reward penalty task { versionId settled } }
  }
}
`)

/** How an account judged in the rounds it took part in. */
export const VALIDATOR_ROUNDS = graphql(`
query ValidatorRounds($account: String!) {
  validatorRounds(validator: $account, first: 10) {
    roundId reliability skill accuracy accuracyLower accuracyUpper agreement goldAnswered goldFailed reward penalty reason committed unrevealed
  }
}
`)

/** How an account voted, and what it does with its power. */
export const ACCOUNT_CLAIMS = graphql(`
query AccountClaims($account: String!, $first: Int, $after: String, $last: Int, $before: String) {
  rewardClaims(first: $first, after: $after, last: $last, before: $before, where: { account: { eq: $account } }, orderBy: [{ field: claimedAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id mapId amount claimedAt map { epoch } }
  }
}
`)

export type AccountAnswer = ResultOf<typeof ACCOUNT>
export type EarningLine = AccountAnswer['contributor']['reasons'][number]
