import { z } from 'zod'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'
import { ArtifactError, type ArtifactStore } from './artifacts.ts'

/** The JSON artifacts that the chain names by their hash: what each holds, checked whenever one is read. Each stands as canonical
 *  JSON, so equal contents have one name. */

const hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected an artifact name')
const wei = z.string().regex(/^\d+$/, 'expected wei as a decimal string')
const whole = z.number().int()
const id = z.string().regex(/^\d+$/, 'expected an id')

const sample = z.object({ prompt: z.string().min(1), completion: z.string() })

/** What a proposal asks for. */
export const specificationDocument = z.object({
  name: z.string().min(1).max(120),
  purpose: z.string().min(1).max(4000),
  /** The folder of the base model (config.json, model.safetensors, tokenizer.json). */
  baseModel: hash,
  rubric: hash,
  /** What a sample must be like. */
  samples: z.object({
    description: z.string(),
    /** The whole completion must match. */
    completionPattern: z.string(),
    /** One of these words stands in an on-topic prompt; empty: everything is on topic. */
    topic: z.array(z.string()),
    maxPromptLength: whole.positive(),
  }),
  licence: z.string(),
  integration: z.string(),
})

export const metricDefinition = z.object({
  name: z.string().min(1),
  kind: z.enum(['fields', 'exact', 'f1', 'regex', 'json', 'perplexity']),
  separator: z.string().optional(),
  /** Which fields count, by place. */
  fields: z.array(whole.nonnegative()).optional(),
  pattern: z.string().optional(),
})

/** How a version is judged. The items are sealed: the API does not hand them out. */
export const rubricDocument = z.object({
  metrics: z.array(metricDefinition).min(1),
  test: hash,
  validation: hash,
  maxTokens: whole.positive(),
})

export const itemsDocument = z.object({ salt: z.string(), items: z.array(sample).min(1) })

/** Prompts without answers, for judging and alignment. */
export const promptsDocument = z.object({ prompts: z.array(z.string().min(1)).min(1) })

const weight = z.object({
  contributionId: id,
  contributor: z.string(),
  /** 10⁻⁹ of the engine’s unit. */
  influence: z.string(),
  standardError: z.string(),
  weight: z.string(),
  reason: z.string(),
})

/** The run that made a version: everything needed to make it again. */
export const manifestDocument = z.object({
  modelId: id,
  parentVersionId: id.nullable(),
  method: z.string(),
  baseModel: hash,
  adapter: hash,
  datasetRoot: hash,
  /** Contributions in training order. */
  dataset: z.array(id),
  /** The dataset of an alignment: the settlements’ evidence. */
  evidence: z.array(hash),
  configuration: z.record(z.string(), z.union([z.string(), z.number()])),
  metrics: z.record(z.string(), z.number()),
  /** Sketches of the samples’ gradients, for attribution of answers. */
  sketches: hash.nullable(),
  weights: z.array(weight),
  codeHash: hash,
})

/** A comparison that validators judge. */
export const comparisonDocument = z.object({ prompt: z.string(), answers: z.tuple([z.string(), z.string()]) })

/** Which comparisons have a known answer, and which versions gave the others: sealed until the settlement. */
export const comparisonKeyDocument = z.object({
  salt: z.string(),
  tasks: z.array(
    z.object({ item: hash, gold: whole.min(0).max(1).nullable(), versions: z.tuple([id.nullable(), id.nullable()]) }),
  ),
})

/** What a settlement rests on, and the preferences that train the next version. */
export const evidenceDocument = z.object({
  versionId: id,
  /** The sealed keys of its comparisons. */
  keys: z.array(hash),
  validators: z.array(
    z.object({
      validator: z.string(),
      agreement: z.string(),
      skill: z.string(),
      score: z.string(),
      penalty: z.string(),
      reliability: z.string(),
      reason: z.string(),
    }),
  ),
  pairs: z.array(
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

/** Why someone disputes something. */
export const disputeEvidenceDocument = z.object({ ground: z.string().min(1), statement: z.string() })

const receipt = z.object({
  id: z.string(),
  endpointId: id,
  versionId: id,
  consumer: z.string(),
  promptHash: hash,
  answerHash: hash,
  tokensIn: whole,
  tokensOut: whole,
  fee: wei,
  signature: z.string(),
  /** ppm of the answer, by contribution; what is missing to a million is unattributed. */
  attribution: z.array(z.object({ contributionId: id, mass: whole })),
})

/** The usage of one endpoint in one epoch. */
export const usageDocument = z.object({ epoch: whole, endpointId: id, receipts: z.array(receipt) })

const signedWei = z.string().regex(/^-?\d+$/, 'expected wei as a decimal string')
const account = z.string().regex(/^0x[0-9a-f]{40}$/, 'expected an address in lower case')

/** A published reward map: what the next epoch builds on, and the reason of every amount. */
export const rewardMapDocument = z.object({
  epoch: whole,
  chainId: whole,
  distributor: account,
  fromBlock: whole,
  toBlock: whole,
  blockHash: hash,
  root: hash,
  total: wei,
  leaves: z.array(z.object({ account, cumulative: wei })),
  carried: z.array(z.object({ versionId: id, pot: z.string(), amount: wei })),
  debts: z.array(z.object({ account, amount: wei, to: account.nullable(), reason: z.string() })),
  lines: z.array(
    z.object({
      account,
      role: z.string(),
      versionId: id.nullable(),
      source: z.object({ kind: z.string(), id: z.string() }),
      amount: signedWei,
      pot: wei,
      weight: signedWei,
      whole: wei,
    }),
  ),
  codeHash: hash,
})

export type Specification = z.infer<typeof specificationDocument>
export type Rubric = z.infer<typeof rubricDocument>
export type Manifest = z.infer<typeof manifestDocument>
export type Evidence = z.infer<typeof evidenceDocument>
export type Usage = z.infer<typeof usageDocument>
export type UsageReceipt = z.infer<typeof receipt>
export type RewardMapDocument = z.infer<typeof rewardMapDocument>

export const documentBytes = (value: unknown) => new TextEncoder().encode(canonicalJson(value as CanonicalValue))

/** Stores `value` as canonical JSON after checking it against its shape; returns its name. */
export const putDocument = <T>(store: Pick<ArtifactStore, 'put'>, shape: z.ZodType<T>, value: T): Promise<string> =>
  store.put(documentBytes(shape.parse(value)))

/** Reads and checks a document. @throws ArtifactError naming the artifact and its first fault. */
export async function getDocument<T>(store: Pick<ArtifactStore, 'get'>, shape: z.ZodType<T>, name: string): Promise<T> {
  const bytes = await store.get(name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ArtifactError(
      'corrupt',
      `Artifact ${name} is not JSON. Publish the document again under its right hash.`,
      { cause },
    )
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const fault = parsed.error.issues[0]
  throw new ArtifactError(
    'corrupt',
    `Artifact ${name} is not the document it should be: ${fault?.path.join('.')}: ${fault?.message}.`,
  )
}
