import { join } from 'node:path'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts.ts'
import { rowOf, rowsOf } from '#schema/current.ts'
import type { Database, Sql } from '#schema/database.ts'
import {
  getDocument,
  items,
  type Manifest,
  manifest,
  type Rubric,
  rubric,
  type Specification,
  specification,
} from '#schema/documents.ts'
import { fetchFolder } from '#schema/folders.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { missingArtifactMessage } from './failures.ts'
import { JobError } from './job.ts'

/** What handlers look up of models and versions: rows of the index joined with the documents that they name. */

export interface Sources {
  db: Database
  artifacts: ArtifactStore
  /** Where folders fetched from the store are laid. */
  cache: string
}

export const places = (job: Pick<Sources, 'db' | 'artifacts'>, { cache }: Pick<Sources, 'cache'>): Sources => ({
  db: job.db,
  artifacts: job.artifacts,
  cache,
})

export interface ModelDetails {
  model: Model
  specification: Specification
  rubric: Rubric
  rubricHash: string
}

export interface VersionDetails extends ModelDetails {
  version: ModelVersion
  manifest: Manifest
}

/** @throws JobError when there is no such model. */
export async function loadModel({ db, artifacts }: Sources, modelId: string): Promise<ModelDetails> {
  const model = await rowOf(db, Model, modelId)
  if (!model)
    throw new JobError('UNKNOWN_MODEL', `There is no model ${modelId}. Query \`models\` for those that exist.`)
  const spec = await getDocument(artifacts, specification, model.specHash)
  return {
    model,
    specification: spec,
    rubric: await getDocument(artifacts, rubric, spec.rubric),
    rubricHash: spec.rubric,
  }
}

/** The same, of a model that may be trained. @throws JobError while it has no mandate. */
export async function loadMandatedModel(sourcesOf: Sources, modelId: string): Promise<ModelDetails> {
  const facts = await loadModel(sourcesOf, modelId)
  if (!(await rowOf(sourcesOf.db, Mandate, modelId)))
    throw new JobError(
      'NO_MANDATE',
      `Model ${modelId} has no mandate yet: its proposal must pass and be executed before it is trained.`,
    )
  return facts
}

/** @throws JobError when there is no such version. */
export async function loadVersion(places: Sources, versionId: string): Promise<VersionDetails> {
  const version = await rowOf(places.db, ModelVersion, versionId)
  if (!version)
    throw new JobError(
      'UNKNOWN_VERSION',
      `There is no version ${versionId}. Query \`modelVersions\` for those that exist.`,
    )
  const made = await getDocument(places.artifacts, manifest, version.manifestHash)
  return { ...(await loadModel(places, version.modelId)), version, manifest: made }
}

/** @throws JobError when the store does not hold it whole. */
export const fetchBaseModel = (
  places: Sources,
  { specification, model }: Pick<ModelDetails, 'specification' | 'model'>,
) => fetchModelFolder(places, specification.baseModel, 'BASE_MODEL_MISSING', `The base model of model ${model.id}`)

/** @throws JobError when the store does not hold it whole. */
export const fetchAdapter = (places: Sources, { version }: Pick<VersionDetails, 'version'>) =>
  fetchModelFolder(places, version.adapterHash, 'ADAPTER_MISSING', `The adapter of version ${version.id}`)

const fetchModelFolder = ({ artifacts, cache }: Sources, name: string, code: string, what: string): Promise<string> =>
  fetchFolder(artifacts, name, join(cache, 'folders')).catch((cause) => {
    if (!(cause instanceof ArtifactError) || cause.code !== 'missing') throw cause
    throw new JobError(code, `${what} (${name}) cannot be loaded. ${missingArtifactMessage(cause)}`, { cause })
  })

/** Sealed items of the rubric. */
export const loadItems = async ({ artifacts }: Sources, name: string) =>
  (await getDocument(artifacts, items, name)).items

/** The accepted contributions of a datanet that no upheld dispute excludes, in the order of their commitments. */
export const trainingContributions = (sql: Sql, datanetId: string): Promise<Contribution[]> =>
  rowsOf(sql, Contribution, `datanet_id = $1 and status = 'Accepted' and not excluded`, [datanetId], {
    orderBy: 'committed_block, id::numeric',
  })

/** The prompt and completion of a contribution. @throws ArtifactError when its content is not published. */
export async function loadSample(
  { artifacts }: Pick<Sources, 'artifacts'>,
  contribution: Pick<Contribution, 'contentHash'>,
) {
  return JSON.parse(new TextDecoder().decode(await artifacts.get(contribution.contentHash))) as {
    prompt: string
    completion: string
  }
}
