import type { Client } from '../client.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { answersFor } from './answeredHere.ts'
import { everyPage } from './everyPage.ts'

const PROPOSALS = graphql(`
  query ($after: String) {
    proposals(first: 100, after: $after, orderBy: [{ field: createdAt, direction: desc }]) {
      nodes { id description state proposer voteStart voteEnd forVotes againstVotes abstainVotes quorumNeeded quorumReached }
      pageInfo { hasNextPage endCursor }
    }
  }`)

/** A proposal with its tally. */
export type ProposalRow = ResultOf<typeof PROPOSALS>['proposals']['nodes'][number]

/**
 * The proposals, the newest first.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listProposals } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * const [newest] = await listProposals(client)
 * assert.ok(newest?.state) // with forVotes, againstVotes, voteEnd, …
 * ```
 */
export const listProposals = (client: Client): Promise<ProposalRow[]> =>
  everyPage(async (after) => (await client.ask(PROPOSALS, { after })).proposals)

const DATANETS = graphql(`
  query ($after: String) {
    datanets(first: 200, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes { id modelId owner licence minStake comparison }
      pageInfo { hasNextPage endCursor }
    }
  }`)

/** A datanet and its rules. */
export type DatanetRow = ResultOf<typeof DATANETS>['datanets']['nodes'][number]

/**
 * The datanets.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listDatanets } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * for (const { licence, minStake } of await listDatanets(client)) assert.ok(licence && BigInt(minStake) >= 0n)
 * ```
 */
export const listDatanets = (client: Client): Promise<DatanetRow[]> =>
  everyPage(async (after) => (await client.ask(DATANETS, { after })).datanets)

const ENDPOINTS = graphql(`
  query ($after: String) {
    endpoints(first: 200, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes { id versionId host url priceIn priceOut version { modelId } }
      pageInfo { hasNextPage endCursor }
    }
  }`)

/** An endpoint; prices in wei for 1,000 tokens. */
export type EndpointRow = ResultOf<typeof ENDPOINTS>['endpoints']['nodes'][number] & {
  /** Whether the API of this client answers its calls. */
  answeredHere: boolean
}

/**
 * The endpoints.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listEndpoints } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.deepEqual(await listEndpoints(client), []) // else [{ id, versionId, url, priceIn, priceOut, … }]
 * ```
 */
export async function listEndpoints(client: Client): Promise<EndpointRow[]> {
  const rows = await everyPage(async (after) => (await client.ask(ENDPOINTS, { after })).endpoints)
  return rows.map((row) => ({ ...row, answeredHere: answersFor(client.deployment.hosts, row.host) }))
}
