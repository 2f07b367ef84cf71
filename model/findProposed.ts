import type { Hex } from 'viem'
import { type Client, graphql, type ProposedModel } from '#client/index.ts'

const MODELS = graphql(`
  query ($specHash: String!) {
    models(where: { specHash: { eq: $specHash } }, first: 100, orderBy: [{ field: proposedAt, direction: desc }]) {
      nodes { id proposer proposalId proposal { state } }
    }
  }`)

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
