import type { RequestHandler } from 'express'
import type { Services } from '../context.ts'
import { ApiError } from '../errors.ts'
import { type ErrorStatuses, failRequest } from '../failRequest.ts'
import { croissant } from './croissant.ts'
import { type DescribedVersion, describeVersion, samplesText } from './describeVersion.ts'
import { modelCard } from './modelCard.ts'
import { DOCUMENT_NAMES, type DocumentName } from './names.ts'
import { openLineage } from './openLineage.ts'
import { prov } from './prov.ts'

type Sources = Pick<Services, 'artifacts'>

/** The documents about a version: their media types, and how they are made. */
const DOCUMENTS: Record<
  DocumentName,
  { type: string; text(facts: DescribedVersion, sources: Sources): string | Promise<string> }
> = {
  'card.md': { type: 'text/markdown; charset=utf-8', text: modelCard },
  'croissant.json': {
    type: 'application/ld+json; charset=utf-8',
    text: async (facts, { artifacts }) => json(croissant(facts, await samplesText(artifacts, facts))),
  },
  'openlineage.json': { type: 'application/json; charset=utf-8', text: (facts) => json(openLineage(facts)) },
  'prov.json': { type: 'application/json; charset=utf-8', text: (facts) => json(prov(facts)) },
  'samples.jsonl': {
    type: 'application/jsonl; charset=utf-8',
    text: (facts, { artifacts }) => samplesText(artifacts, facts),
  },
}

/** Each reads all samples of a version. */
const MAX_CONCURRENT_DOCUMENTS = 3

const STATUS: ErrorStatuses = {
  UNKNOWN_MODEL_VERSION: 404,
  UNKNOWN_DOCUMENT: 404,
  TOO_MANY_DOCUMENTS: 503,
  INTERNAL: 500,
  other: 502,
}

export interface VersionDocumentText {
  /** Its media type. */
  type: string
  text: string
}

/** How a document about a version is read. `url` is where the API is, without a slash at its end.
 *  @throws ApiError when there is no such version or document, or when too many are made at once. */
export type ReadVersionDocument = (id: string, name: string, url: string) => Promise<VersionDocumentText>

export function versionDocuments({
  db,
  artifacts,
  deployment,
}: Pick<Services, 'db' | 'artifacts' | 'deployment'>): ReadVersionDocument {
  let running = 0
  return async (id, name, url) => {
    const found = DOCUMENT_NAMES.find((one) => one === name)
    if (!found)
      throw new ApiError(
        'UNKNOWN_DOCUMENT',
        `There is no document of this name. There are ${DOCUMENT_NAMES.join(', ')}.`,
      )
    if (running >= MAX_CONCURRENT_DOCUMENTS)
      throw new ApiError('TOO_MANY_DOCUMENTS', 'Too many documents are made now. Try again in some seconds.')
    running++
    try {
      const facts = await describeVersion({ db, artifacts, chainId: deployment.chainId, url }, id)
      return { type: DOCUMENTS[found].type, text: await DOCUMENTS[found].text(facts, { artifacts }) }
    } finally {
      running--
    }
  }
}

/** Serves the documents about a version. */
export function serveDocument(services: Services): RequestHandler {
  const read = versionDocuments(services)
  return async (request, response) => {
    const { id, document } = request.params as Record<'id' | 'document', string>
    try {
      const { origin: url } = new URL(`${request.protocol}://${request.get('host')}`)
      const { type, text } = await read(id, document, url)
      response
        .set({
          'content-type': type,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; sandbox",
        })
        .send(text)
    } catch (error) {
      failRequest(response, error, services.log, STATUS)
    }
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
