import { z } from 'zod'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'
import { ArtifactError } from './artifacts/errors.ts'
import type { ArtifactStore } from './artifacts/store.ts'
import { hash, id, signedPpm, wei, wholeNumber as whole } from './documentFields.ts'
import { PermanentError } from './errors.ts'
import { failFastList, failFastRecord } from './failFastList.ts'

/** The schemas of the JSON artifacts that contracts refer to by hash. Every read checks the schema. Documents are stored as canonical JSON, so
 *  equal contents have one name. */

/** One contribution: a training example, or an evaluation item. */
export const sampleDocument = z.object({ prompt: z.string().min(1), completion: z.string() })

/** The specification of a proposed model. */
export const specificationDocument = z.object({
  name: z.string().min(1).max(120),
  purpose: z.string().min(1).max(4000),
  /** The folder of the base model (config.json, model.safetensors, tokenizer.json). */
  baseModel: hash,
  rubric: hash,
  /** The requirements for a sample. */
  samples: z.object({
    description: z.string(),
    /** The whole completion must match. */
    completionPattern: z.string(),
    /** A prompt is on topic when it contains one of these words; when the list is empty, every prompt is. */
    topic: failFastList(z.string()),
    maxPromptLength: whole.positive(),
  }),
  licence: z.string(),
  integration: z.string(),
  /** SPDX, of the base model. */
  baseLicence: z.string().optional(),
  /** The model card, as Markdown. */
  card: hash.optional(),
  /** The prices that the proposer intends to ask for, in wei for 1,000 tokens. */
  serving: z.object({ priceIn: wei, priceOut: wei }).optional(),
  /** What the steward does when, as far as the community decides it: a `policyDocument`. Another release may write sections that this one does not
   *  know, so it is checked where it is used. */
  policy: z.unknown().optional(),
})

export const metricDefinition = z.object({
  name: z.string().min(1),
  kind: z.enum(['fields', 'exact', 'f1', 'regex', 'json', 'perplexity']),
  separator: z.string().optional(),
  /** The indices of the compared fields. */
  fields: failFastList(whole.nonnegative()).optional(),
  pattern: z.string().optional(),
})

/** How a version is evaluated. The items are sealed: the API does not return them. */
export const rubricDocument = z.object({
  metrics: failFastList(metricDefinition, { min: 1 }),
  test: hash,
  validation: hash,
  maxTokens: whole.positive(),
})

/** Sealed items. `salt`: 32 random bytes, as secret as the items: without them nobody can test a guess against a public log. */
export const itemsDocument = z.object({
  salt: hash,
  items: failFastList(sampleDocument, { min: 1 }),
  /** As sealed as the items, and no version answers them: a refused sample then does not tell whether it overlaps an item. */
  decoys: failFastList(sampleDocument).optional(),
})

/** Prompts without answers, for judging and alignment. */
export const promptsDocument = z.object({ prompts: failFastList(z.string().min(1), { min: 1 }) })

/** What everybody may read of an evaluation: no item, no answer, no length of either, and no score of a single item, by which a guess could be tested with
 *  the version. */
export const evaluationLogDocument = z.object({
  versionId: id,
  rubric: hash,
  /** The sealed items. */
  items: hash,
  seed: whole,
  /** ppm. */
  metrics: failFastList(
    z.object({ metric: z.string(), score: signedPpm, lower: signedPpm, upper: signedPpm, n: whole.positive() }),
  ),
  /** The `sealedItemHash` of each item, in order. */
  itemHashes: failFastList(hash),
  /** The whole log with items, answers and scores, encrypted under a key that follows from the items' salt; base64. */
  sealed: z.string(),
})

const influence = z.object({
  contributionId: id,
  /** 10⁻⁹ of the engine’s unit. */
  influence: z.string(),
  standardError: z.string(),
})

const weight = influence.extend({
  contributor: z.string(),
  weight: wei,
  /** The part of its effect that is its own, in ppm; all of it in manifests of earlier releases. */
  standing: wei.default('1000000'),
  reason: z.string(),
})

/** The training run of a version: everything that is needed to reproduce it. */
export const manifestDocument = z.object({
  modelId: id,
  parentVersionId: id.nullable(),
  method: z.string(),
  baseModel: hash,
  adapter: hash,
  datasetRoot: hash,
  /** Contributions in training order. */
  dataset: failFastList(id),
  /** The dataset of an alignment: evidence of the settlements. */
  evidence: failFastList(hash),
  configuration: failFastRecord(z.union([z.string(), z.number()])),
  metrics: failFastRecord(z.number()),
  /** Sketches of the samples’ gradients, for attribution of answers. */
  sketches: hash.nullable(),
  weights: failFastList(weight),
  /** Of the contributions of the model’s other datanets that are in these samples: the weights count what they add to these (4b). */
  earlier: failFastList(influence).optional(),
  codeHash: hash,
})

/** What the reward map reads of a manifest: whatever else it has does not matter. */
export const weighedManifest = z.object({
  evidence: failFastList(hash),
  weights: failFastList(z.object({ contributionId: id, weight: wei })),
})

/** A comparison that validators judge. */
export const comparisonDocument = z.object({ prompt: z.string(), answers: z.tuple([z.string(), z.string()]) })

/** The known answers of the gold comparisons, and the versions that gave the other answers. Sealed until the settlement. */
export const comparisonKeyDocument = z.object({
  salt: z.string(),
  tasks: failFastList(
    z.object({
      item: hash,
      gold: whole.min(0).max(1).nullable(),
      /** The right answer of a gold task, by which the rubric's metrics tell that the known one is better. */
      truth: z.string().nullable().optional(),
      versions: z.tuple([id.nullable(), id.nullable()]),
    }),
  ),
})

/** The basis of a round's settlement, and the preferences for training the next version. Shares are in ppm. */
export const evidenceDocument = z.object({
  versionId: id,
  roundId: id,
  /** Of the rewards, when the round was opened: gold records fade with every epoch. */
  epoch: whole,
  /** The opened keys of its gold tasks and of the earlier rounds that count. */
  keys: failFastList(hash),
  /** Kish's effective number of judges, in ppm of a judge. */
  effectiveJudges: whole,
  validators: failFastList(
    z.object({
      validator: z.string(),
      committed: whole,
      unrevealed: whole,
      /** Agreement with peers, two standard errors of a coin, and what counts of the agreement. */
      agreement: z.string(),
      margin: z.string(),
      beyondLuck: z.string(),
      skill: z.string(),
      /** What is left of the weight, because errors on gold coincide with those of others. */
      independence: z.string(),
      merit: z.string(),
      goldAnswered: whole,
      goldFailed: whole,
      /** The record on gold, this round included: decayed tasks, accuracy with its 95 % interval, mean stated confidence. */
      record: z.object({ tasks: whole, accuracy: whole, lower: whole, upper: whole, confidence: whole }),
      reward: wei,
      penalty: wei,
      reliability: z.string(),
      reason: z.string(),
    }),
  ),
  pairs: failFastList(
    z.object({
      taskId: id,
      prompt: z.string(),
      chosen: z.string(),
      rejected: z.string(),
      /** ppm. */
      weight: whole,
      noise: whole,
    }),
  ),
})

/** The reason for a dispute. */
export const disputeEvidenceDocument = z.object({ ground: z.string().min(1), statement: z.string() })

export type Specification = z.infer<typeof specificationDocument>
export type Rubric = z.infer<typeof rubricDocument>
export type SealedItems = z.infer<typeof itemsDocument>
export type EvaluationLog = z.infer<typeof evaluationLogDocument>
export type Manifest = z.infer<typeof manifestDocument>
export type Evidence = z.infer<typeof evidenceDocument>

export const documentBytes = (value: unknown) => new TextEncoder().encode(canonicalJson(value as CanonicalValue))

/** Checks `value` against its schema, stores it as canonical JSON, and returns its name. @throws PermanentError when nobody would read so much */
export async function putDocument<T>(
  store: Pick<ArtifactStore, 'put'>,
  shape: z.ZodType<T>,
  value: T,
): Promise<string> {
  const bytes = documentBytes(shape.parse(value))
  if (!mayBeDocument(bytes))
    throw new PermanentError(
      `A document of ${bytes.length} bytes would state nothing: it may have ${MAX_DOCUMENT_BYTES} bytes and ${MAX_DOCUMENT_VALUES} values. Divide what it names.`,
    )
  return store.put(bytes)
}

/** A larger artifact is no document: no JavaScript text can be longer. What names documents on the chain may name any artifact, a model too. */
export const MAX_DOCUMENT_BYTES = 500_000_000

/** With more of the bytes `,`, `[` and `{`, wherever they stand, a document states nothing: each may begin a value, which takes up to sixty times its bytes
 *  in memory. A map that pays a million accounts has 14 million. */
export const MAX_DOCUMENT_VALUES = 1 << 24

const VALUE_BYTES = new Uint8Array(256)
for (const sign of ',[{') VALUE_BYTES[sign.charCodeAt(0)] = 1

/** Whether so many bytes, and values, may be a document. */
export function mayBeDocument(bytes: Uint8Array): boolean {
  if (bytes.length <= MAX_DOCUMENT_VALUES) return true
  if (bytes.length > MAX_DOCUMENT_BYTES) return false
  let values = 0
  for (let i = 0; i < bytes.length; i++) values += VALUE_BYTES[bytes[i] as number] as number
  return values <= MAX_DOCUMENT_VALUES
}

/** Reads and checks a document. @throws ArtifactError that names the artifact and the first invalid field. */
export async function getDocument<T>(store: Pick<ArtifactStore, 'get'>, shape: z.ZodType<T>, name: string): Promise<T> {
  const parsed = parseDocument(shape, await store.get(name, { maxBytes: MAX_DOCUMENT_BYTES }))
  if (parsed.success) return parsed.data
  throw new ArtifactError('corrupt', `Artifact ${name} ${parsed.problem}`)
}

type Parsed<T> = { success: true; data: T } | { success: false; problem: string }

/** The text of UTF-8 without a byte order mark; undefined for other bytes, and for more than a text can have. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.startsWith('\ufeff') ? undefined : text
  } catch {
    return undefined
  }
}

/** What the bytes say as a document of this shape: UTF-8 without a byte order mark. */
export function parseDocument<T>(shape: z.ZodType<T>, bytes: Uint8Array): Parsed<T> {
  if (!mayBeDocument(bytes))
    return { success: false, problem: 'has too many values for a document. Publish a shorter one.' }
  let value: unknown
  try {
    value = JSON.parse(utf8Of(bytes) ?? '')
  } catch {
    // The parser's error quotes the text, which may be sealed.
    return { success: false, problem: 'is not JSON. Publish the document again under its correct hash.' }
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed
  const issue = parsed.error.issues[0]
  const where = `${issue?.path.join('.')}: ${issue?.message}`
  return { success: false, problem: `is not a valid document of the expected kind: ${where}.` }
}
