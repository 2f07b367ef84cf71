import type { Hex } from 'viem'
import { type Client, graphql, type ProposedModel } from '#client/index.ts'

const MODELS = graphql(`
  query ($specHash: String!) {
    models(where: { specHash: { eq: $specHash } }, first: 100, orderBy: [{ field: proposedAt, direction: desc }]) {
      nodes { id proposer proposalId proposal { state } }
    }
  }`)

const NEWEST = graphql(`
  query {
    models(first: 100, orderBy: [{ field: proposedAt, direction: desc }]) { nodes { id name } }
  }`)

/** Of the newest models, the ids of those with this name. */
export const findNamesakes = async (client: Client, name: string): Promise<string[]> =>
  (await client.ask(NEWEST, {})).models.nodes.filter((one) => one.name === name).map(({ id }) => id)

/** The newest model of a specification; with `proposer`, only of this account. `opened`: its vote is or was open. */
export async function findProposed(
  client: Client,
  specHash: Hex,
  proposer?: string,
): Promise<{ model: ProposedModel; opened: boolean } | undefined> {
  const { models } = await client.ask(MODELS, { specHash })
  const found = models.nodes.find((one) => proposer === undefined || one.proposer === proposer.toLowerCase())
  if (!found) return undefined
  const model = { modelId: BigInt(found.id), proposalId: BigInt(found.proposalId) }
  return { model, opened: found.proposal !== null }
}
