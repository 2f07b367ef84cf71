import pLimit from 'p-limit'
import { type TrainingLicences, trainingConflict } from '#rules/licences.ts'
import type { MetricTarget } from '#rules/promotion.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import {
  getDocument,
  type Manifest,
  manifestDocument,
  type Specification,
  sampleDocument,
  specificationDocument,
} from '#schema/documents.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { ApiError } from '../errors.ts'
import { readCard } from '../resolvers/proposedDocuments.ts'
import { versionPath } from './names.ts'

/** Everything that the documents about a version say. */
export interface DescribedVersion {
  chainId: number
  /** Of the API, without a slash at its end. */
  url: string
  model: Model
  version: ModelVersion
  specification: Specification
  manifest: Manifest
  /** The proposer's own card, as Markdown. */
  ownCard: string | null
  /** In training order, without those that were taken down or withdrawn. */
  contributions: Contribution[]
  /** How many of its contributions were taken down or withdrawn. */
  removed: number
  datanets: Datanet[]
  licences: TrainingLicences & { conflict: string | null }
  targets: MetricTarget[]
  evaluations: Evaluation[]
  /** The version that is live in its place; null when it is live itself, or none is. */
  otherLive: { id: string; evaluations: Evaluation[] } | null
  endpoints: Endpoint[]
}

export interface VersionSources {
  db: Sql
  artifacts: ArtifactStore
  chainId: number
  url: string
}

/** @throws ApiError when there is no such version; ArtifactError while its manifest or specification cannot be read. */
export async function describeVersion(
  { db, artifacts, chainId, url }: VersionSources,
  id: string,
): Promise<DescribedVersion> {
  const version = await rowOf(db, ModelVersion, id)
  const model = version && (await rowOf(db, Model, version.modelId))
  if (!version || !model)
    throw new ApiError(
      'UNKNOWN_MODEL_VERSION',
      `There is no version ${id}. Query \`modelVersions\` for the indexed ones.`,
    )
  const [manifest, specification] = await Promise.all([
    getDocument(artifacts, manifestDocument, version.manifestHash),
    getDocument(artifacts, specificationDocument, model.specHash),
  ])
  const all = await rowsOf(db, Contribution, 'id = any($1)', [manifest.dataset])
  const present = await rowsOf(db, Contribution, `id = any($1) and not ${isRemoved('contribution')}`, [
    manifest.dataset,
  ])
  const kept = new Map(present.map((one) => [one.id, one]))
  const datanets = await rowsOf(db, Datanet, 'id = any($1)', [[...new Set(all.map((one) => one.datanetId))]], {
    orderBy: 'id::numeric',
  })
  const licences = {
    model: specification.licence,
    base: specification.baseLicence,
    data: [...new Set(datanets.map(({ licence }) => licence))].sort(),
  }
  return {
    ...{ chainId, url, model, version, specification, manifest, datanets },
    ownCard: await readCard({ db, artifacts }, specification),
    contributions: manifest.dataset.flatMap((one) => kept.get(one) ?? []),
    removed: all.length - kept.size,
    licences: { ...licences, conflict: trainingConflict(licences) },
    targets: await targetsOf(db, model.id),
    evaluations: await evaluationsOfVersion(db, id),
    otherLive: await readOtherLive(db, model, id),
    endpoints: await rowsOf(db, Endpoint, 'version_id = $1', [id], { orderBy: 'id::numeric' }),
  }
}

const evaluationsOfVersion = (db: Sql, id: string): Promise<Evaluation[]> =>
  rowsOf(db, Evaluation, 'version_id = $1', [id], { orderBy: 'id::numeric' })

async function readOtherLive(db: Sql, { liveVersionId }: Model, id: string): Promise<DescribedVersion['otherLive']> {
  if (liveVersionId === null || liveVersionId === id) return null
  return { id: liveVersionId, evaluations: await evaluationsOfVersion(db, liveVersionId) }
}

const READ_AT_ONCE = 16

/** The samples of a version as JSON Lines, in training order, without those that were removed. */
export async function samplesText(
  artifacts: ArtifactStore,
  { contributions }: Pick<DescribedVersion, 'contributions'>,
): Promise<string> {
  const limit = pLimit(READ_AT_ONCE)
  const samples = await Promise.all(
    contributions.map(({ contentHash }) =>
      limit((): Promise<PromptCompletion> => getDocument(artifacts, sampleDocument, contentHash)),
    ),
  )
  return samples
    .map(
      ({ prompt, completion }, at) =>
        `${JSON.stringify({ contribution: contributions[at]?.id, prompt, completion })}\n`,
    )
    .join('')
}

/** Where the API serves the documents about a version, each below it. */
export const versionUrl = ({ url, version }: Pick<DescribedVersion, 'url' | 'version'>) =>
  `${url}${versionPath(version.id)}`

/** The name of something of this chain, for documents that others read. */
export const urnOf = ({ chainId }: Pick<DescribedVersion, 'chainId'>, kind: string, id: string) =>
  `urn:modelcommons:${chainId}:${kind}:${id}`
