import { parseEther } from 'viem'
import { z } from 'zod'
import { COMPARISONS } from '#rules/shingles.ts'
import { policyDocument } from '#schema/policy.ts'
import { spdxLicence } from './spdx.ts'

/** The format of a model folder. The checks, their messages, the reference in docs/your-own-model.md and the JSON Schema for editors all follow from this
 *  file. */

/** Changes when a folder of before could mean something else. */
export const FORMAT_VERSION = 1

const text = (most: number) => z.string().trim().min(1).max(most)
const share = z.number().int().min(0).max(10_000)

const AMOUNT = /^\d{1,12}(\.\d{1,18})?$/
const amount = z
  .union([z.number(), z.string()], { error: 'must be an amount of gOPEN, such as 50 or "0.01"' })
  .refine((value) => AMOUNT.test(String(value)), 'must be an amount of gOPEN, such as 50 or "0.01"')
  .transform((value) => parseEther(String(value)))

const PPM_PER_ONE = 1_000_000

/** Contracts count in ppm. */
const ppm = z.number().transform((value) => BigInt(Math.round(value * PPM_PER_ONE)))

const hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 lower-case hex digits')

const base = z
  .strictObject({
    folder: text(1_000)
      .optional()
      .describe('A Hugging Face model folder, relative to this one: config.json, safetensors, tokenizer.json.'),
    stored: hash.optional().describe('Instead of a folder: the hash of a base model that the API has already.'),
    licence: spdxLicence.describe('The SPDX name of the licence of the base model.'),
  })
  .refine(
    ({ folder, stored }) => (folder === undefined) !== (stored === undefined),
    'must have either folder or stored: a base model on this machine, or one that the API has already',
  )

const samples = z.strictObject({
  description: text(4_000).describe('What a good sample is, for contributors.'),
  completionPattern: z.string().default('[^]+').describe('A regular expression that every whole completion matches.'),
  topic: z
    .array(text(100))
    .default([])
    .describe('A prompt must contain one of these words; an empty list asks for none.'),
  maxPromptLength: z.number().int().positive().max(32_768).describe('Of a prompt, in characters.'),
  comparison: z.enum(COMPARISONS).default('prose').describe('How samples are compared to find copies.'),
  minStake: amount.default(0n).describe('What is staked on each sample at least, in gOPEN.'),
})

const target = z.strictObject({
  metric: text(100).describe('The name of a scorer of rubric/scorers.yaml.'),
  minimum: ppm.describe('What the lower end of the confidence interval must reach, such as 0.45.'),
  mayFall: z
    .boolean()
    .default(false)
    .describe('Whether a version may be promoted that is significantly worse at it than the live one.'),
})

const split = z.strictObject({
  platform: share.describe('Of all fees.'),
  owner: share.describe('Of what remains; owner, stakers, data, validators and host sum to 10000.'),
  stakers: share.describe('For whoever stakes on the model.'),
  data: share.describe('For the contributors of the samples.'),
  validators: share.describe('For the judges of answers.'),
  host: share.describe('For whoever runs the endpoint.'),
  ancestors: share.describe('What a version passes on to the versions that it came from; at most 3000.'),
  dataByWeight: share.describe(
    'Of the part for data: what is shared by influence on the version; the rest by influence on answers.',
  ),
  unattributedByWeight: z
    .boolean()
    .default(false)
    .describe('Whether what no sample caused is shared by weight, too; else the treasury gets it.'),
})

const mandate = z.strictObject({
  budget: amount.describe('What the treasury gives for training, bounties and validators, in gOPEN.'),
  bond: amount.optional().describe('What the proposer locks, in gOPEN. Default: the least that the contract takes.'),
  deadline: z.iso.date('must be a day, such as 2030-12-31').describe('The day (UTC) on which the mandate ends.'),
  targets: z.array(target).min(1).max(16).describe('What a version must reach before it may serve.'),
  split: split.describe('Who gets which part of the fees, in basis points: 10000 are all.'),
})

const serving = z.strictObject({
  priceIn: amount.describe('For 1,000 tokens of prompts, in gOPEN.'),
  priceOut: amount.describe('For 1,000 tokens of answers, in gOPEN.'),
})

const { judge, align } = policyDocument.shape

/** The steward's policy; the folder's own prompts and gold items fill in what it leaves out. */
const policy = policyDocument.extend({
  judge: judge
    .unwrap()
    .partial({ prompts: true })
    .optional()
    .describe(judge.description ?? ''),
  align: align
    .unwrap()
    .partial({ prompts: true })
    .optional()
    .describe(align.description ?? ''),
})

/** `model.yaml`. Texts are trimmed, amounts become wei, shares of one become ppm. */
export const modelYaml = z.strictObject({
  format: z
    .literal(FORMAT_VERSION, { error: `must be ${FORMAT_VERSION}, the version of this format` })
    .describe('The version of the format: 1.'),
  name: text(120).describe('The name of the model.'),
  purpose: text(4_000).describe('What it is for, for those who vote about it.'),
  licence: spdxLicence.describe('The SPDX name of the licence of the model and of all samples that are given for it.'),
  integration: text(4_000).describe('How programs use it: what they send, and what they get.'),
  base: base.describe('The model from which training starts.'),
  samples: samples.describe('What contributors are asked for.'),
  mandate: mandate.describe('What the community votes about, besides the purpose.'),
  serving: serving.optional().describe('The prices that the proposer intends to ask for.'),
  policy: policy
    .optional()
    .describe(
      'When the steward scores, trains, evaluates, judges, aligns (with which method) and promotes, as far as the vote decides it.',
    ),
})

const scorer = z.strictObject({
  name: text(100).describe('The name by which targets refer to it.'),
  kind: z
    .enum(['fields', 'exact', 'f1', 'regex', 'json', 'perplexity'])
    .describe(
      'fields: the listed fields are equal; exact: the answers are; f1: F1 over words; regex: the pattern matches; json: the share of equal JSON fields; perplexity: of the right answer.',
    ),
  separator: z.string().min(1).optional().describe('For fields: what separates them.'),
  fields: z
    .array(z.number().int().nonnegative())
    .min(1)
    .optional()
    .describe('For fields: the places of those that are compared, from 0.'),
  pattern: z.string().min(1).optional().describe('For regex: what an answer must match.'),
})

/** `rubric/scorers.yaml`. */
export const scorersYaml = z.strictObject({
  maxTokens: z.number().int().positive().max(4_096).describe('The longest answer, in tokens of the base model.'),
  metrics: z.array(scorer).min(1).describe('How an answer is scored.'),
})

export type ModelYaml = z.infer<typeof modelYaml>
export type Scorers = z.infer<typeof scorersYaml>
