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
  /** Contributions are scored when `batch` of them wait, or the oldest has waited for `afterSeconds`. */
  score: z.strictObject({ batch: z.number().int().min(1).default(50), afterSeconds: seconds.default(3600) }).optional(),

  /** The first training needs `samples` accepted contributions. A later one needs new ones: `growth` times what the version before had, or any number of
   *  them `afterSeconds` after that version. */
  train: z
    .strictObject({
      samples: z.number().int().min(1).default(100),
      growth: z.number().min(0).max(1000).default(0.2),
      afterSeconds: seconds.optional(),
      /** Whether it continues the live version instead of the base model. */
      continue: z.boolean().default(false),
      /** What the mandate pays the operator for a training. */
      priceWei: wei.default('0'),
      settings: settingsOf('fineTune', { modelId: '1', datanetId: '1', parentVersionId: '1', priceWei: '0' }),
    })
    .optional(),

  /** Whether each new version is evaluated. Default true. */
  evaluate: z.boolean().optional(),
  /** Whether a version that meets every target goes live. Default true. */
  promote: z.boolean().optional(),

  /** Each fine-tuned version that goes live is judged once, when `validators` accounts have a stake. */
  judge: z
    .strictObject({
      prompts: artifact,
      validators: z.number().int().min(1).default(3),
      settings: settingsOf('compare', { versionId: '1', promptsHash: `0x${'0'.repeat(64)}` }),
    })
    .optional(),

  /** A judged version is aligned once, when at least `judged` of its comparisons have a revealed judgement. */
  align: z
    .strictObject({
      prompts: artifact,
      judged: z.number().int().min(1).default(20),
      priceWei: wei.default('0'),
      settings: settingsOf('rlhf', { versionId: '1', promptsHash: `0x${'0'.repeat(64)}`, priceWei: '0' }),
    })
    .optional(),

  /** Whether the endpoints of the worker's own account serve the live version. Default true. */
  follow: z.boolean().optional(),
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
