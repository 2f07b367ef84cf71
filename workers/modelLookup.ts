import { join } from 'node:path'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database, Sql } from '#schema/database.ts'
import {
  getDocument,
  itemsDocument,
  type Manifest,
  manifestDocument,
  type Rubric,
  rubricDocument,
  type Specification,
  specificationDocument,
} from '#schema/documents.ts'
import { fetchFolder } from '#schema/folders.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { missingArtifactMessage } from './failures.ts'
import { JobError } from './job.ts'

/** Looks up models and versions: rows of the index together with the documents that they name. */

export interface Sources {
  db: Database
  artifacts: ArtifactStore
  /** The folder into which folders of the store are fetched. */
  cache: string
}

export const sourcesOf = (job: Pick<Sources, 'db' | 'artifacts'>, { cache }: Pick<Sources, 'cache'>): Sources => ({
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
    throw new JobError('UNKNOWN_MODEL', `There is no model ${modelId}. Query \`models\` for the existing models.`)
  const modelSpecification = await getDocument(artifacts, specificationDocument, model.specHash)
  return {
    model,
    specification: modelSpecification,
    rubric: await getDocument(artifacts, rubricDocument, modelSpecification.rubric),
    rubricHash: modelSpecification.rubric,
  }
}

/** Loads a model that may be trained. @throws JobError when it does not exist or has no mandate. */
export async function loadMandatedModel(sources: Sources, modelId: string): Promise<ModelDetails> {
  const facts = await loadModel(sources, modelId)
  if (!(await rowOf(sources.db, Mandate, modelId)))
    throw new JobError(
      'NO_MANDATE',
      `Model ${modelId} has no mandate yet: its proposal must pass and be executed before the model can be trained.`,
    )
  return facts
}

/** @throws JobError when there is no such version. */
export async function loadVersion(sources: Sources, versionId: string): Promise<VersionDetails> {
  const version = await rowOf(sources.db, ModelVersion, versionId)
  if (!version)
    throw new JobError(
      'UNKNOWN_VERSION',
      `There is no version ${versionId}. Query \`modelVersions\` for the existing versions.`,
    )
  const versionManifest = await getDocument(sources.artifacts, manifestDocument, version.manifestHash)
  return { ...(await loadModel(sources, version.modelId)), version, manifest: versionManifest }
}

/** Fetches the folder and returns its path. @throws JobError when the store does not hold all of its files. */
export const fetchBaseModel = (
  sources: Sources,
  { specification, model }: Pick<ModelDetails, 'specification' | 'model'>,
) => fetchModelFolder(sources, specification.baseModel, 'BASE_MODEL_MISSING', `The base model of model ${model.id}`)

/** Fetches the folder and returns its path. @throws JobError when the store does not hold all of its files. */
export const fetchAdapter = (sources: Sources, { version }: Pick<VersionDetails, 'version'>) =>
  fetchModelFolder(sources, version.adapterHash, 'ADAPTER_MISSING', `The adapter of version ${version.id}`)

const fetchModelFolder = ({ artifacts, cache }: Sources, name: string, code: string, what: string): Promise<string> =>
  fetchFolder(artifacts, name, join(cache, 'folders')).catch((cause) => {
    if (!(cause instanceof ArtifactError) || cause.code !== 'missing') throw cause
    throw new JobError(code, `${what} (${name}) cannot be loaded. ${missingArtifactMessage(cause)}`, { cause })
  })

/** The sealed items of a rubric. */
export const loadItems = async ({ artifacts }: Sources, name: string) =>
  (await getDocument(artifacts, itemsDocument, name)).items

/** The sealed items of a rubric, and the decoys among them: no sample may hold one of either. */
export async function loadSealed({ artifacts }: Sources, name: string) {
  const { items, decoys = [] } = await getDocument(artifacts, itemsDocument, name)
  return [...items, ...decoys]
}

/** The accepted contributions of a datanet, without those that an upheld dispute excludes, that were taken down or withdrawn, in the order of their commitments. */
export const trainingContributions = (sql: Sql, datanetId: string): Promise<Contribution[]> =>
  rowsOf(
    sql,
    Contribution,
    `datanet_id = $1 and status = 'Accepted' and not excluded and not ${isRemoved('contribution')}`,
    [datanetId],
    {
      orderBy: 'committed_block, id::numeric',
    },
  )
