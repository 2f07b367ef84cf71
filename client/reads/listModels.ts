import type { Client } from '../client.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { everyPage } from './everyPage.ts'

const MODELS = graphql(`
  query ($after: String, $hosts: [String!]!) {
    models(first: 50, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes {
        id name specification { licence }
        proposal { state }
        mandates(first: 1) { nodes { id } }
        versions(first: 1) { totalCount }
        liveVersion { id endpoints(first: 1, where: { host: { in: $hosts } }, orderBy: [{ field: id, direction: asc }]) { nodes { id priceIn priceOut } } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }`)

type ListedModel = ResultOf<typeof MODELS>['models']['nodes'][number]

/** A model on the chain, and where it is called. */
export interface ModelRow {
  id: string
  /** Null when its specification cannot be read; so is the licence. */
  name: string | null
  stage: string
  licence: string | null
  liveVersion: string | null
  /** One of the live version's that the API of this client answers; null where there is none. */
  endpoint: string | null
  /** For 1,000 tokens there, in wei. */
  priceIn: string | null
  priceOut: string | null
}

/**
 * The models, the oldest first.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listModels } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * const [first] = await listModels(client)
 * assert.ok(first === undefined || first.id === '1') // { id, name, stage, licence, liveVersion, endpoint, … }
 * ```
 */
export async function listModels(client: Client): Promise<ModelRow[]> {
  const hosts = client.deployment.hosts.map((host) => host.toLowerCase())
  const models = await everyPage(async (after) => (await client.ask(MODELS, { after, hosts })).models)
  return models.map((model) => {
    const endpoint = model.liveVersion?.endpoints.nodes[0]
    return {
      ...{ id: model.id, name: model.name, stage: stageOfModel(model), licence: model.specification?.licence ?? null },
      ...{ liveVersion: model.liveVersion?.id ?? null, endpoint: endpoint?.id ?? null },
      ...{ priceIn: endpoint?.priceIn ?? null, priceOut: endpoint?.priceOut ?? null },
    }
  })
}

function stageOfModel({ proposal, mandates, versions, liveVersion }: ListedModel): string {
  if (liveVersion) return 'live'
  if (versions.totalCount > 0) return 'evaluation'
  if (mandates.nodes.length > 0) return 'data'
  return proposal ? `vote: ${proposal.state}` : 'bond locked'
}
