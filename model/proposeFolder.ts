import { resolve } from 'node:path'
import type { Hex } from 'viem'
import {
  accountOf,
  type Client,
  ClientError,
  type MandateTerms,
  proposeModel,
  upload,
  uploadBytes,
} from '#client/index.ts'
import { type BaseArtifacts, nameBase, uploadBase } from './baseFiles.ts'
import type { ModelFolder } from './checkFolder.ts'
import { findProposed } from './findProposed.ts'
import { type FolderDocument, folderDocuments } from './folderDocuments.ts'
import type { ModelYaml } from './format.ts'

/** Texts up to this size go through GraphQL, which keeps their kind. */
const MAX_TEXT_BYTES = 1_000_000

export interface ProposedFolder {
  modelId: bigint
  proposalId: bigint
  specification: Hex
  rubric: Hex
  base: Hex
  /** Whether it was proposed before, so that nothing was done. */
  before: boolean
}

/** Publishes what a folder has, locks the bond, and opens the vote. Asked for again, after a crash or at any time, it does what is left. */
export async function proposeFolder(client: Client, folder: ModelFolder): Promise<ProposedFolder> {
  const base = await baseOf(folder)
  const { specHash, rubricHash, documents } = folderDocuments(folder, base.name)
  const names = { specification: specHash, rubric: rubricHash, base: base.name }
  const known = await findProposed(client, specHash, accountOf(client))
  if (known?.opened) return { ...known.model, ...names, before: true }
  if (!client.plan) {
    if (base.artifacts) await uploadBase(client, base.artifacts)
    else await requireStored(client, base.name)
    for (const document of documents) await publish(client, document)
  }
  const { bond } = folder.model.mandate
  const terms = mandateTerms(folder.model, rubricHash)
  const proposed = await proposeModel(client, { specHash, terms, bond, begun: known?.model })
  return { ...proposed, ...names, before: false }
}

/** @throws ClientError when nobody could train on what `base.stored` names. */
async function requireStored(client: Client, name: Hex): Promise<void> {
  const { ok } = await client.request(`/artifacts/${name}`, { method: 'HEAD' })
  if (!ok)
    throw new ClientError(`The API has no base model ${name}. Correct base.stored in model.yaml, or name a folder.`)
}

/** The base model's name, and its parts when it is on this machine. */
export async function baseOf({
  path,
  model,
}: Pick<ModelFolder, 'path' | 'model'>): Promise<{ name: Hex; artifacts?: BaseArtifacts }> {
  const { stored, folder = '' } = model.base
  if (stored) return { name: stored as Hex }
  const artifacts = await nameBase(resolve(path, folder))
  return { name: artifacts.name, artifacts }
}

async function publish(client: Client, { kind, what, name, bytes }: FolderDocument): Promise<void> {
  client.onProgress?.({ act: 'propose', step: `uploading the ${what}: ${name}` })
  if (bytes.length > MAX_TEXT_BYTES) await uploadBytes(client, name, bytes)
  else await upload(client, kind, new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
}

/** The terms of `model.yaml` as the contract takes them. */
export function mandateTerms({ mandate }: ModelYaml, rubricHash: Hex): MandateTerms {
  const { budget, deadline, targets, split } = mandate
  return { budget, rubricHash, deadline: BigInt(Date.parse(deadline) / 1000), targets, split }
}
