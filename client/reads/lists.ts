import type { Client } from '../client.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'

const PROPOSALS = graphql(`{
  proposals(first: 100, orderBy: [{ field: createdAt, direction: desc }]) {
    nodes { id description state proposer voteStart voteEnd forVotes againstVotes abstainVotes quorumNeeded quorumReached }
  }
}`)

/** A proposal with its tally. */
export type ProposalRow = ResultOf<typeof PROPOSALS>['proposals']['nodes'][number]

/** The newest proposals. */
export const listProposals = async (client: Client): Promise<ProposalRow[]> =>
  (await client.ask(PROPOSALS)).proposals.nodes

const DATANETS = graphql('{ datanets(first: 100) { nodes { id modelId owner licence minStake comparison } } }')

/** A datanet and its rules. */
export type DatanetRow = ResultOf<typeof DATANETS>['datanets']['nodes'][number]

/** The datanets. */
export const listDatanets = async (client: Client): Promise<DatanetRow[]> => (await client.ask(DATANETS)).datanets.nodes

const ENDPOINTS = graphql(`{
  endpoints(first: 200, orderBy: [{ field: id, direction: asc }]) { nodes { id versionId host url priceIn priceOut version { modelId } } }
}`)

/** An endpoint; prices in wei for 1,000 tokens. */
export type EndpointRow = ResultOf<typeof ENDPOINTS>['endpoints']['nodes'][number]

/** The endpoints. */
export const listEndpoints = async (client: Client): Promise<EndpointRow[]> =>
  (await client.ask(ENDPOINTS)).endpoints.nodes
