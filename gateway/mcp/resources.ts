import {
  type McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { type DocumentNode, parse } from 'graphql'
import type { Services } from '#graphql/context.ts'
import { type ReadVersionDocument, versionDocuments } from '#graphql/documents/route.ts'
import { ApiError } from '#graphql/errors.ts'
import { runQuery } from '#graphql/runQuery.ts'
import { describeFailure } from '../errors.ts'
import { senderIn } from './caller.ts'

/** What can be read by a URI: versions, the documents about them (a version’s dataset is its `croissant.json`), datanets, and receipts. Each is a query of
 *  the API, with the rights of who reads: of another’s receipt only what is public is there. */

interface RowResource {
  kind: string
  title: string
  description: string
  query: string
}

const ROWS: readonly RowResource[] = [
  {
    kind: 'versions',
    title: 'Version of a model',
    description: 'A trained version: its model, parent, method, hashes, licences, and whether it meets its mandate.',
    query: `query ($id: ID!) { modelVersion(id: $id) {
      id modelId parentId status method registeredAt promotedAt rollbackReason manifestHash adapterHash datasetRoot
      licences { model base data conflict } meetsMandate { met reason } documents { name path } } }`,
  },
  {
    kind: 'datanets',
    title: 'Dataset that is contributed to',
    description: 'A datanet: its model, licence, owner, and the least stake on a contribution.',
    query: `query ($id: ID!) { datanet(id: $id) { id modelId owner licence licenceConflict minStake createdAt } }`,
  },
  {
    kind: 'receipts',
    title: 'Receipt of an answer',
    description: 'A signed receipt: who called what, and for its consumer the prompt, the answer, tokens and fee.',
    query: `query ($id: ID!) { receipt(id: $id) {
      id consumer endpointId versionId epoch answeredAt isOpen channelId prompt answer tokensIn tokensOut fee cumulative
      requestHash responseHash totalHash hash salt signature attributionDigest attributionSignature countersignature } }`,
  },
]

const rows = ROWS.map(({ query, ...row }) => ({ ...row, document: parse(query, { noLocation: true }) }))

const uriOf = (kind: string, rest = '{id}') => `modelcommons://${kind}/${rest}`

export function addResources(server: McpServer, { services, documents }: ResourceSources): void {
  for (const { kind, title, description, document } of rows) {
    const list = kind === 'versions' ? (context: ServerContext) => listVersions(services, context) : undefined
    const template = new ResourceTemplate(uriOf(kind), { list })
    const mimeType = 'application/json'
    server.registerResource(kind, template, { title, description, mimeType }, (uri, { id }, context) =>
      reading(services, uri, async () => ({
        type: mimeType,
        text: await rowText(services, document, text(id), context),
      })),
    )
  }
  server.registerResource(
    'documents',
    new ResourceTemplate(uriOf('versions', '{id}/{document}'), { list: undefined }),
    {
      title: 'Document about a version',
      description:
        'card.md: the model card; croissant.json: its dataset; openlineage.json and prov.json: how it was made; samples.jsonl: what it learned from.',
    },
    (uri, { id, document }, { http }) =>
      reading(services, uri, () => documents(text(id), text(document), `http://${http?.req?.headers.get('host')}`)),
  )
}

export interface ResourceSources {
  services: Services
  documents: ReadVersionDocument
}

export const resourceSources = (services: Services): ResourceSources => ({
  services,
  documents: versionDocuments(services),
})

const text = (variable: string | string[] | undefined) => [variable].flat().join('/')

async function rowText(services: Services, document: DocumentNode, id: string, context: ServerContext) {
  const [row] = Object.values(await runQuery(services, senderIn(context).caller, document, { id }))
  if (row === null) throw new ApiError('NOT_FOUND', '')
  return JSON.stringify(row)
}

async function reading(services: Services, uri: URL, read: () => Promise<{ type: string; text: string }>) {
  try {
    const { type, text } = await read()
    return { contents: [{ uri: uri.href, mimeType: type, text }] }
  } catch (error) {
    const isMissing = error instanceof ApiError && /^(NOT_FOUND|UNKNOWN_)/.test(error.code)
    if (isMissing) throw new ResourceNotFoundError(uri.href)
    throw new Error(describeFailure(error, services.log).body.error.message, { cause: error })
  }
}

const NEWEST = parse(
  '{ modelVersions(first: 50, orderBy: [{ field: registeredAt, direction: desc }]) { nodes { id modelId status } } }',
  { noLocation: true },
)

async function listVersions(services: Services, context: ServerContext) {
  const { modelVersions } = (await runQuery(services, senderIn(context).caller, NEWEST, {})) as {
    modelVersions: { nodes: { id: string; modelId: string; status: string }[] }
  }
  return {
    resources: modelVersions.nodes.map(({ id, modelId, status }) => ({
      uri: uriOf('versions', id),
      name: `version ${id}`,
      description: `${status} version of model ${modelId}`,
      mimeType: 'application/json',
    })),
  }
}
