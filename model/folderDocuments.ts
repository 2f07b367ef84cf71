import { type Hex, keccak256 } from 'viem'
import type { UploadKind } from '#client/index.ts'
import {
  documentBytes,
  itemsDocument,
  promptsDocument,
  rubricDocument,
  type Specification,
  specificationDocument,
} from '#schema/documents.ts'
import { policyDocument } from '#schema/policy.ts'
import type { ModelFolder } from './checkFiles.ts'
import type { ModelYaml } from './format.ts'
import type { SealedSet } from './readFolder.ts'
import { sealedItems } from './sealedItems.ts'

/** A text that a proposal publishes or seals. */
export interface FolderDocument {
  kind: UploadKind
  /** In words. */
  what: string
  name: Hex
  bytes: Uint8Array
}

export interface FolderDocuments {
  specHash: Hex
  rubricHash: Hex
  documents: FolderDocument[]
}

/** The documents of a folder: the same folder always gives the same bytes. */
export function folderDocuments(folder: ModelFolder, baseModel: Hex): FolderDocuments {
  const documents: FolderDocument[] = []
  const add = (kind: UploadKind, what: string, bytes: Uint8Array): Hex => {
    const name = keccak256(bytes)
    documents.push({ kind, what, name, bytes })
    return name
  }
  const { model, scorers, test, decoys, validation, gold, prompts } = folder
  const sealedTest = add('items', 'sealed items', sealedBytes(test, decoys))
  const sealedValidation = add('items', 'sealed validation items', sealedBytes(validation))
  const rubric = {
    metrics: scorers.metrics,
    test: sealedTest,
    validation: sealedValidation,
    maxTokens: scorers.maxTokens,
  }
  const rubricHash = add('rubric', 'rubric', documentBytes(rubricDocument.parse(rubric)))
  const promptsHash = prompts && add('prompts', 'prompts', documentBytes(promptsDocument.parse({ prompts })))
  const goldPool = gold && add('items', 'sealed gold items', sealedBytes(gold))
  const specification: Specification = {
    ...proposedSpecification(model, { baseModel, rubric: rubricHash }),
    baseLicence: model.base.licence,
    card: add('document', 'card', new TextEncoder().encode(folder.card)),
    ...(model.policy && { policy: policyDocument.parse(filledPolicy(model.policy, promptsHash, goldPool)) }),
    ...(model.serving && {
      serving: { priceIn: model.serving.priceIn.toString(), priceOut: model.serving.priceOut.toString() },
    }),
  }
  const specHash = add('specification', 'specification', documentBytes(specificationDocument.parse(specification)))
  return { specHash, rubricHash, documents }
}

/** The policy with the folder's own prompts and gold items, where it names no others. */
function filledPolicy({ judge, align, ...policy }: Policy, prompts?: Hex, goldPool?: Hex): Policy {
  return {
    ...policy,
    ...(judge && { judge: { prompts, ...judge, settings: { ...(goldPool && { goldPool }), ...judge.settings } } }),
    ...(align && { align: { prompts, ...align } }),
  }
}

/** What every specification has of `model.yaml`. */
export function proposedSpecification(
  { name, purpose, samples, licence, integration }: ModelYaml,
  { baseModel, rubric }: { baseModel: string; rubric: string },
): Specification {
  const { description, completionPattern, topic, maxPromptLength } = samples
  return {
    ...{ name, purpose, baseModel, rubric, licence, integration },
    samples: { description, completionPattern, topic, maxPromptLength },
  }
}

type Policy = NonNullable<ModelYaml['policy']>

const sealedBytes = (set: SealedSet, decoys?: SealedSet['items']) =>
  documentBytes(itemsDocument.parse(sealedItems(set, decoys)))
