import { graphql, type ResultOf } from '#client/graphql/document.ts'

export const PROPOSALS = graphql(`
query Proposals($first: Int, $after: String, $last: Int, $before: String) {
  proposals(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: createdAt, direction: desc }]) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      id description proposer state forVotes againstVotes quorumNeeded quorumReached createdAt
      votes(first: 1) { totalCount }
      models(first: 1) { nodes { id name } }
    }
  }
}
`)

export const PROPOSAL = graphql(`
query Proposal($id: ID!) {
  proposal(id: $id) {
    id governorId description proposer state forVotes againstVotes abstainVotes quorumNeeded quorumReached
    voteStart voteEnd eta createdAt canceled executed targets values calldatas fromBlock
    turnout { voters votes supply share }
    concentration { accounts nakamoto }
    governor { name clock }
    votes(first: 1) { totalCount }
    models(first: 1) {
      nodes {
        id name specHash bond bondStatus bondReturned bondSlashed
        specification { purpose licence baseModel baseLicence integration }
        targets(first: 16) { nodes { metric minimum mayFall } }
        mandates(first: 1) { nodes { budget funded spent deadline rubricHash issuedAt } }
        splits(first: 1) { nodes { platform owner stakers data validators host ancestors } }
      }
    }
  }
}
`)

export const PROPOSAL_VOTES = graphql(`
query ProposalVotes($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  proposal(id: $id) {
    votes(first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: weight, direction: desc }]) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id voter support weight reason castAt }
    }
  }
}
`)

export type ProposalFacts = NonNullable<ResultOf<typeof PROPOSAL>['proposal']>
