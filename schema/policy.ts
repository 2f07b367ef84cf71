import { z } from 'zod'
import { InputError } from './inputs.ts'
import { checkJobInput, type JobInput, type JobKind } from './jobs.ts'

/**
 * When the steward does what for a model (amendment 16). A specification may have a policy: then the vote decides it. For the sections that it leaves
 * out, the operator's `steward.yaml` counts. A section that is in neither means that the steward does not take that step.
 */

const seconds = z.number().int().min(0).max(31_536_000)
const artifact = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected an artifact name')
const wei = z.string().regex(/^\d{1,78}$/, 'expected wei as a decimal string')

/** Settings of a job: the fields of its input that the steward does not fill in itself, within the input's own bounds. */
const settingsOf = <K extends JobKind>(kind: K, filledIn: Partial<JobInput<K>>) =>
  z
    .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
    .default({})
    .superRefine((settings, context) => {
      const refuse = (message: string) => context.addIssue({ code: 'custom', message })
      for (const name of Object.keys(filledIn)) if (name in settings) refuse(`${name}: the steward fills it in`)
      try {
        checkJobInput(kind, { ...settings, ...filledIn })
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        refuse(error.message)
      }
    })

export const policyDocument = z.strictObject({
  score: z
    .strictObject({
      batch: z.number().int().min(1).default(50).describe('When so many contributions wait,'),
      afterSeconds: seconds.default(3600).describe('or when the oldest of them has waited for so long.'),
    })
    .optional()
    .describe('Contributions get their verdicts.'),

  train: z
    .strictObject({
      samples: z
        .number()
        .int()
        .min(1)
        .default(100)
        .describe('The first training needs so many accepted contributions.'),
      growth: z
        .number()
        .min(0)
        .max(1000)
        .default(0.2)
        .describe('A later one needs new ones: this share of what the version before had,'),
      afterSeconds: seconds
        .optional()
        .describe('or any number of them, so long after that version. Absent: growth alone counts.'),
      continue: z.boolean().default(false).describe('Whether it continues the live version instead of the base model.'),
      priceWei: wei.default('0').describe('What the mandate pays the operator for a training, in wei.'),
      settings: settingsOf('fineTune', { modelId: '1', datanetId: '1', parentVersionId: '1', priceWei: '0' }).describe(
        'Other fields of `FineTuneInput`.',
      ),
    })
    .optional()
    .describe('A version is fine-tuned.'),

  evaluate: z.boolean().optional().describe('Whether each new version is evaluated. Default true.'),
  promote: z
    .boolean()
    .optional()
    .describe('Whether the newest version that meets every target goes live. Default true.'),

  judge: z
    .strictObject({
      prompts: artifact.describe('What the version answers: an artifact of {"prompts": […]}.'),
      validators: z.number().int().min(1).default(3).describe('How many accounts must have a stake first.'),
      settings: settingsOf('compare', { versionId: '1', promptsHash: `0x${'0'.repeat(64)}` }).describe(
        'Other fields of `CompareInput`.',
      ),
    })
    .optional()
    .describe('Each fine-tuned version that goes live is judged once.'),

  align: z
    .strictObject({
      prompts: artifact.describe('The training prompts: an artifact of {"prompts": […]}.'),
      judged: z
        .number()
        .int()
        .min(1)
        .default(20)
        .describe('How many of its comparisons must have a revealed judgement.'),
      priceWei: wei.default('0').describe('What the mandate pays the operator for the aligned version, in wei.'),
      settings: settingsOf('rlhf', { versionId: '1', promptsHash: `0x${'0'.repeat(64)}`, priceWei: '0' }).describe(
        'Other fields of `RlhfInput`.',
      ),
    })
    .optional()
    .describe('A judged version is aligned once.'),

  follow: z
    .boolean()
    .optional()
    .describe('Whether the endpoints of the worker’s own account serve the live version. Default true.'),

  monitor: z
    .strictObject({
      everySeconds: z
        .number()
        .int()
        .min(60)
        .max(31_536_000)
        .default(21_600)
        .describe('How often a part of the sealed items is answered again.'),
      parts: z
        .number()
        .int()
        .min(1)
        .max(64)
        .default(4)
        .describe('In how many parts; after so many times, each item was answered once. A part has at least 10 items.'),
      maxBondWei: wei
        .default('1000000000000000000')
        .describe('The largest bond that the operator puts up for a dispute, in wei of gOPEN.'),
    })
    .optional()
    .describe(
      'The versions that the operator’s own endpoints serve are evaluated on and on. One that is significantly below a target of the mandate is disputed: a vote decides whether it is rolled back.',
    ),
})

/** The operator's file: the policy of all models, and other sections for single ones. */
export const stewardFile = z.strictObject({
  version: z.literal(1),
  policy: policyDocument.optional(),
  models: z.record(z.string().regex(/^\d{1,78}$/, 'expected a model id'), policyDocument).default({}),
})

export type Policy = z.infer<typeof policyDocument>
export type StewardFile = z.infer<typeof stewardFile>

/** The policy in force: the mandate's sections, then the operator's for this model, then the operator's for all. Undefined when there is none at all. */
export function policyOf(
  modelId: string,
  mandated: Policy | undefined,
  file: StewardFile | undefined,
): Policy | undefined {
  const layers = [file?.policy, file?.models[modelId], mandated].filter((one) => one !== undefined)
  return layers.length === 0 ? undefined : Object.assign({}, ...layers)
}
