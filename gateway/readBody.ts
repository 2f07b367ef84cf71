import { z } from 'zod'
import type { CallInput } from './calls.ts'
import { badRequest, GatewayError } from './errors.ts'

/** The body of a request, by its schema. @throws GatewayError that names the first parameter that is wrong. */
export function readBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const read = schema.safeParse(body ?? {})
  if (read.success) return read.data
  const [issue] = read.error.issues
  const param = issue?.path.join('.') || undefined
  if (issue?.code === 'unrecognized_keys') {
    const name = [...(issue.path as string[]), issue.keys[0]].join('.')
    throw badRequest(`Unrecognized request argument supplied: ${name.slice(0, 200)}`, name, 'unknown_parameter')
  }
  if (issue?.code === 'invalid_type' && issue.input === undefined && /undefined$/.test(issue.message))
    throw badRequest(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
  throw badRequest(
    `Invalid value${param ? ` for '${param}'` : ''}: ${issue?.message ?? 'unknown'}.`,
    param,
    'invalid_value',
  )
}

/** The most tokens that an answer may have (`InferInput.maxTokens`). */
const MAX_TOKENS = 4096
/** The most answers to one request. */
const MAX_CHOICES = 16

export const maxTokensField = z
  .number()
  .int()
  .min(1)
  .max(MAX_TOKENS, `an answer has at most ${MAX_TOKENS} tokens`)
  .nullish()

/** The most tokens with a bias. */
const MAX_BIASES = 1024

/** The forms of an answer that have no schema. */
export const plainFormats = [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
] as const

/** Parameters of sampling that several routes have. */
export const samplingFields = {
  model: z.string().min(1),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0.01).max(1).nullish(),
  seed: z.number().int().nullish(),
  stream: z.boolean().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** Beyond OpenAI's parameters: see `InferInput`. */
  repetition_penalty: z.number().min(0.1).max(10).nullish(),
}

/** Those of `completions` and `chat/completions`. */
export const completionFields = {
  ...samplingFields,
  n: z.number().int().min(1).max(MAX_CHOICES, `at most ${MAX_CHOICES} answers to one request`).nullish(),
  stop: z
    .union(
      [z.string().min(1).max(200), z.array(z.string().min(1).max(200)).max(8)],
      'at most 8 texts of 1 to 200 characters',
    )
    .nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, 'ids of tokens'), z.number().min(-100).max(100))
    .refine((biases) => Object.keys(biases).length <= MAX_BIASES, `at most ${MAX_BIASES} tokens`)
    .nullish(),
  // Without effect on an answer.
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  service_tier: z.string().nullish(),
}

type Sampling = {
  [K in keyof Pick<
    z.output<z.ZodObject<typeof samplingFields>>,
    'temperature' | 'top_p' | 'repetition_penalty'
  >]: z.output<z.ZodObject<typeof samplingFields>>[K]
} & {
  stop?: string | string[] | null
  presence_penalty?: number | null
  frequency_penalty?: number | null
  logit_bias?: Record<string, number> | null
}

/** The part of a call's input that these parameters give. OpenAI's default temperature is 1. */
export const samplingOf = ({ temperature, top_p, repetition_penalty, stop, ...given }: Sampling): CallInput => ({
  temperature: temperature ?? 1,
  topP: top_p ?? 1,
  ...(repetition_penalty != null && { repetitionPenalty: repetition_penalty }),
  ...(given.presence_penalty != null && { presencePenalty: given.presence_penalty }),
  ...(given.frequency_penalty != null && { frequencyPenalty: given.frequency_penalty }),
  ...(given.logit_bias != null && { logitBias: JSON.stringify(given.logit_bias) }),
  ...(stop != null && { stop: [stop].flat() }),
})

/** A seed of 31 bits: others are reduced to it. */
export const seedField = (seed: number | null | undefined): number | undefined =>
  seed == null ? undefined : Number(BigInt.asUintN(31, BigInt(seed)))

export const requireStream = (stream: unknown, options: unknown): void => {
  if (options != null && !stream)
    throw new GatewayError(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: 'stream_options',
    })
}
