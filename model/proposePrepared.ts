import type { Hex } from 'viem'
import {
  accountOf,
  type Client,
  ClientError,
  isStored,
  type MandateTerms,
  proposeModel,
  upload,
  uploadBytes,
} from '#client/index.ts'
import { type BaseArtifacts, uploadBase } from './baseFiles.ts'
import type { ModelFolder } from './checkFiles.ts'
import { findProposed } from './findProposed.ts'
import { type FolderDocument, folderDocuments } from './folderDocuments.ts'
import type { ModelYaml } from './format.ts'

/** Texts up to this size go through GraphQL, which keeps their kind. */
const MAX_TEXT_BYTES = 1_000_000

/** A base model that the API has, or its parts. `fromFiles`: it has parts, which are not at hand any more. */
export type ProposedBase = { name: Hex; fromFiles?: boolean } | BaseArtifacts

/** A document, or only its name where whoever proposes has published it before. */
export type ProposalDocument = Omit<FolderDocument, 'bytes'> & Partial<Pick<FolderDocument, 'bytes'>>

/** What a folder proposes. */
export interface PreparedProposal {
  specHash: Hex
  base: ProposedBase
  documents: readonly ProposalDocument[]
  terms: MandateTerms
  /** In wei of gOPEN. Default: the least that the contract takes. */
  bond?: bigint
}

export interface ProposedFolder {
  modelId: bigint
  proposalId: bigint
  specification: Hex
  rubric: Hex
  base: Hex
  /** Whether it was proposed before, so that nothing was done. */
  before: boolean
}

/** The same folder always gives the same proposal. */
export function prepareProposal(folder: ModelFolder, base: ProposedBase): PreparedProposal {
  const { specHash, rubricHash, documents } = folderDocuments(folder, base.name)
  const { bond } = folder.model.mandate
  return { specHash, base, documents, terms: mandateTerms(folder.model, rubricHash), bond }
}

/** The base model that `base.stored` names. */
export const storedBase = ({ base }: ModelYaml): { name: Hex } | undefined =>
  base.stored ? { name: base.stored as Hex } : undefined

/** Publishes what a proposal has, locks the bond, and opens the vote. Asked for again, after a crash or at any time, it does what is left. */
export async function proposePrepared(client: Client, proposal: PreparedProposal): Promise<ProposedFolder> {
  const { specHash, base, documents, terms, bond } = proposal
  const names = { specification: specHash, rubric: terms.rubricHash, base: base.name }
  const known = await findProposed(client, specHash, accountOf(client))
  if (known?.opened) return { ...known.model, ...names, before: true }
  if (!client.plan) {
    if ('parts' in base) await uploadBase(client, base)
    else await requireStored(client, base)
    for (const document of documents) await publish(client, document)
  }
  const proposed = await proposeModel(client, { specHash, terms, bond, begun: known?.model })
  return { ...proposed, ...names, before: false }
}

/** @throws ClientError when nobody could train on the base model. */
async function requireStored(client: Client, { name, fromFiles }: { name: Hex; fromFiles?: boolean }): Promise<void> {
  if (await isStored(client, name)) return
  throw fromFiles
    ? onlyNamed('base model', name)
    : new ClientError(`The API has no base model ${name}. Correct base.stored in model.yaml, or name a folder.`)
}

const onlyNamed = (what: string, name: Hex) =>
  new ClientError(
    `The API does not have the ${what} (${name}), and only its name is known here. Choose the folder again: what was done is not done twice.`,
  )

async function publish(client: Client, { kind, what, name, bytes }: ProposalDocument): Promise<void> {
  if (!bytes) {
    if (await isStored(client, name)) return
    throw onlyNamed(what, name)
  }
  client.onProgress?.({ act: 'propose', step: `uploading the ${what}: ${name}` })
  if (bytes.length > MAX_TEXT_BYTES) await uploadBytes(client, name, bytes)
  else await upload(client, kind, new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
}

/** The terms of `model.yaml` as the contract takes them. */
function mandateTerms({ mandate }: ModelYaml, rubricHash: Hex): MandateTerms {
  const { budget, deadline, targets, split } = mandate
  return { budget, rubricHash, deadline: BigInt(Date.parse(deadline) / 1000), targets, split }
}
