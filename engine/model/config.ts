import { z } from 'zod'

/** A `config.json` that this engine cannot compute exactly; the message names the field. */
export class ModelConfigError extends Error {
  override name = 'ModelConfigError'
}

/** Scaling of the rotary position embedding, with the names of `rope_scaling` in config.json. */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | {
      type: 'llama3'
      factor: number
      low_freq_factor: number
      high_freq_factor: number
      original_max_position_embeddings: number
    }

export type ModelFamily = 'llama' | 'mistral' | 'qwen2'

/** The architecture of a model, with the names of Hugging Face's config.json and all defaults filled in. */
export interface ModelConfig {
  model_type: ModelFamily
  /** `tokens` predicts the next token; `score` is the scalar of a reward model (…ForSequenceClassification, one label). */
  head: 'tokens' | 'score'
  vocab_size: number
  hidden_size: number
  intermediate_size: number
  num_hidden_layers: number
  num_attention_heads: number
  num_key_value_heads: number
  head_dim: number
  max_position_embeddings: number
  rms_norm_eps: number
  rope_theta: number
  rope_scaling: RopeScaling | null
  /** Biases of q_proj, k_proj and v_proj, and of o_proj. */
  attention_bias: { qkv: boolean; output: boolean }
  mlp_bias: boolean
  /** Per layer: the number of tokens that a token attends to, itself included; null for all. */
  sliding_window: readonly (number | null)[]
  tie_word_embeddings: boolean
  initializer_range: number
  bos_token_id: number | null
  eos_token_id: readonly number[]
  pad_token_id: number | null
}

const ARCHITECTURES: Readonly<Record<ModelFamily, string>> = { llama: 'Llama', mistral: 'Mistral', qwen2: 'Qwen2' }

const positive = z.number().int().positive()
const tokenId = z.number().int().min(0)

const RopeFields = z
  .object({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    rope_theta: z.number().positive().optional(),
  })
  .catchall(z.number())

/** Every field that changes the computation. Strict: a field that is neither here nor in IGNORED_FIELDS is an error. */
const ConfigFields = z.strictObject({
  architectures: z.tuple([z.string()]),
  model_type: z.enum(['llama', 'mistral', 'qwen2']),
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  head_dim: positive.nullish(),
  hidden_act: z.literal('silu').default('silu'),
  max_position_embeddings: positive.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: RopeFields.nullish(),
  rope_parameters: RopeFields.nullish(),
  attention_bias: z.boolean().default(false),
  attention_dropout: z.literal(0).default(0),
  mlp_bias: z.boolean().default(false),
  sliding_window: positive.nullish(),
  use_sliding_window: z.boolean().optional(),
  max_window_layers: z.number().int().min(0).optional(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  tie_word_embeddings: z.boolean().default(false),
  initializer_range: z.number().positive().default(0.02),
  pretraining_tp: z.literal(1).default(1),
  num_labels: z.literal(1).optional(),
  id2label: z.record(z.string(), z.string()).optional(),
  label2id: z.record(z.string(), z.number()).optional(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: z.number().int().nullish(),
  quantization_config: z.null().optional(),
  partial_rotary_factor: z.literal(1).optional(),
  // Switches of other computations, which only pass when they are off.
  rope_interleaved: z.literal(false).optional(),
  use_mrope: z.literal(false).optional(),
  use_qk_norm: z.literal(false).optional(),
  is_encoder_decoder: z.literal(false).optional(),
  add_cross_attention: z.literal(false).optional(),
  tie_encoder_decoder: z.literal(false).optional(),
  pruned_heads: z.record(z.string(), z.never()).optional(),
})

/** Fields about the origin of a model, its handling by a library, or how texts are generated from it: they do not change what it computes. */
const IGNORED_FIELDS = new Set([
  '_name_or_path',
  '_commit_hash',
  '_attn_implementation',
  '_attn_implementation_autoset',
  '_attn_implementation_internal',
  'attn_implementation',
  '_flash_attn_2_enabled',
  '_output_attentions',
  'auto_map',
  'transformers_version',
  'transformers.js_config',
  'model_name',
  'is_llama_config',
  'torch_dtype',
  'dtype',
  'torchscript',
  'use_bfloat16',
  'tf_legacy_loss',
  'use_cache',
  'gradient_checkpointing',
  'return_dict',
  'return_dict_in_generate',
  'output_hidden_states',
  'output_attentions',
  'output_scores',
  'chunk_size_feed_forward',
  'keys_to_ignore_at_inference',
  'finetuning_task',
  'task_specific_params',
  'problem_type',
  'tokenizer_class',
  'prefix',
  'is_decoder',
  'cross_attention_hidden_size',
  'sep_token_id',
  'decoder_start_token_id',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'suppress_tokens',
  'begin_suppress_tokens',
  'bad_words_ids',
  'remove_invalid_values',
  'exponential_decay_length_penalty',
  'do_sample',
  'temperature',
  'top_k',
  'top_p',
  'typical_p',
  'min_length',
  'max_length',
  'early_stopping',
  'num_beams',
  'num_beam_groups',
  'num_return_sequences',
  'diversity_penalty',
  'length_penalty',
  'repetition_penalty',
  'no_repeat_ngram_size',
  'encoder_no_repeat_ngram_size',
])
/** What trainers leave there about themselves. */
const IGNORED_PREFIXES = ['unsloth_']

const isIgnored = (field: string) =>
  IGNORED_FIELDS.has(field) || IGNORED_PREFIXES.some((prefix) => field.startsWith(prefix))

/**
 * Reads Hugging Face's config.json. @throws ModelConfigError that names the first unsupported field.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { ModelConfigError, parseConfig } from '#engine/model/config.ts'
 *
 * const json = {
 *   architectures: ['LlamaForCausalLM'],
 *   model_type: 'llama',
 *   vocab_size: 32_000,
 *   hidden_size: 64,
 *   intermediate_size: 176,
 *   num_hidden_layers: 2,
 *   num_attention_heads: 4,
 * }
 * assert.equal(parseConfig(json).head_dim, 16)
 * assert.throws(() => parseConfig({ ...json, hidden_act: 'gelu' }), ModelConfigError)
 * ```
 */
export function parseConfig(json: unknown): ModelConfig {
  if (typeof json !== 'object' || json === null) throw new ModelConfigError('config.json must contain an object')
  const known = Object.fromEntries(Object.entries(json).filter(([key]) => !isIgnored(key)))
  const parsed = ConfigFields.safeParse(known)
  if (!parsed.success) throw unsupported(known, parsed.error)
  const fields = parsed.data
  const [architecture] = fields.architectures
  const [, named, task] = /^(.+)For(CausalLM|SequenceClassification)$/.exec(architecture) ?? []
  if (named !== ARCHITECTURES[fields.model_type])
    throw new ModelConfigError(
      `config.json: architectures = ["${architecture}"] with model_type "${fields.model_type}" is not ` +
        'supported; LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM and their SequenceClassification forms are',
    )
  const heads = fields.num_attention_heads
  const config: ModelConfig = {
    model_type: fields.model_type,
    head: task === 'CausalLM' ? 'tokens' : 'score',
    vocab_size: fields.vocab_size,
    hidden_size: fields.hidden_size,
    intermediate_size: fields.intermediate_size,
    num_hidden_layers: fields.num_hidden_layers,
    num_attention_heads: heads,
    num_key_value_heads: fields.num_key_value_heads ?? heads,
    head_dim: fields.head_dim ?? fields.hidden_size / heads,
    max_position_embeddings: fields.max_position_embeddings,
    rms_norm_eps: fields.rms_norm_eps,
    rope_theta: fields.rope_parameters?.rope_theta ?? fields.rope_theta ?? 10_000,
    rope_scaling: ropeScaling(fields.rope_parameters ?? fields.rope_scaling ?? null),
    attention_bias:
      fields.model_type === 'qwen2'
        ? { qkv: true, output: false }
        : { qkv: fields.attention_bias, output: fields.attention_bias },
    mlp_bias: fields.mlp_bias,
    sliding_window: slidingWindows(fields),
    tie_word_embeddings: fields.tie_word_embeddings,
    initializer_range: fields.initializer_range,
    bos_token_id: fields.bos_token_id ?? null,
    eos_token_id: [fields.eos_token_id ?? []].flat(),
    pad_token_id: fields.pad_token_id ?? null,
  }
  checkExtents(config)
  return config
}

/** The error for the first issue. */
function unsupported(json: Record<string, unknown>, { issues: [issue] }: z.ZodError): ModelConfigError {
  if (!issue) return new ModelConfigError('config.json is not supported')
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    return new ModelConfigError(
      `config.json: ${key} = ${brief(json[key])} is not supported; remove it only if the model was trained without it`,
    )
  }
  const field = issue.path.join('.')
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json)
  return new ModelConfigError(
    value === undefined
      ? `config.json: ${field} is missing`
      : `config.json: ${field} = ${brief(value)} is not supported: ${issue.message}`,
  )
}

const brief = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'undefined'

function ropeScaling(given: z.infer<typeof RopeFields> | null): RopeScaling | null {
  const type = given?.rope_type ?? given?.type ?? 'default'
  if (!given || type === 'default') return null
  const need = (field: string): number => {
    const value = given[field]
    if (typeof value !== 'number' || !(value > 0))
      throw new ModelConfigError(`config.json: rope_scaling.${field} is missing or not greater than 0`)
    return value
  }
  if (type === 'linear') return { type, factor: need('factor') }
  if (type === 'llama3')
    return {
      type,
      factor: need('factor'),
      low_freq_factor: need('low_freq_factor'),
      high_freq_factor: need('high_freq_factor'),
      original_max_position_embeddings: need('original_max_position_embeddings'),
    }
  throw new ModelConfigError(
    `config.json: rope_scaling of type "${type}" is not supported; default, linear and llama3 are`,
  )
}

/** Mistral has a sliding window in every layer, Qwen2 from layer `max_window_layers` on if configured, Llama in none. */
function slidingWindows(fields: z.infer<typeof ConfigFields>): (number | null)[] {
  const { model_type, sliding_window, use_sliding_window, max_window_layers, layer_types } = fields
  const layers = Array.from({ length: fields.num_hidden_layers }, (_, layer) => layer)
  const window = sliding_window ?? null
  if (layer_types && layer_types.length !== layers.length)
    throw new ModelConfigError(
      `config.json: layer_types lists ${layer_types.length} layers, but the model has ${layers.length}`,
    )
  if (layer_types?.includes('sliding_attention') && window === null)
    throw new ModelConfigError('config.json: layer_types contains sliding_attention but sliding_window is missing')
  if (layer_types) return layers.map((layer) => (layer_types[layer] === 'sliding_attention' ? window : null))
  if (model_type === 'mistral') return layers.map(() => window)
  if (model_type === 'qwen2' && use_sliding_window)
    return layers.map((layer) => (layer >= (max_window_layers ?? 28) ? window : null))
  if (model_type === 'llama' && window !== null)
    throw new ModelConfigError(`config.json: sliding_window = ${window} is not supported for llama`)
  return layers.map(() => null)
}

function checkExtents(config: ModelConfig): void {
  const { num_attention_heads: heads, num_key_value_heads: shared, head_dim: width } = config
  if (!Number.isInteger(width) || width % 2 !== 0)
    throw new ModelConfigError(
      `config.json: head_dim = ${width} is not supported; rotary embedding needs an even number`,
    )
  if (heads % shared !== 0)
    throw new ModelConfigError(
      `config.json: num_attention_heads = ${heads} is not a multiple of num_key_value_heads = ${shared}`,
    )
}

/** A config.json that transformers reads as the same model. */
export function writeConfig(config: ModelConfig): Record<string, unknown> {
  const { head, attention_bias, sliding_window, rope_scaling, eos_token_id, model_type, ...rest } = config
  const windows = sliding_window.filter((window) => window !== null)
  const { type, ...scaling } = rope_scaling ?? { type: null }
  return {
    architectures: [`${ARCHITECTURES[model_type]}For${head === 'tokens' ? 'CausalLM' : 'SequenceClassification'}`],
    model_type,
    ...rest,
    hidden_act: 'silu',
    ...(head === 'score' && { id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 } }),
    ...(model_type === 'llama' && { attention_bias: attention_bias.qkv }),
    rope_scaling: rope_scaling && { rope_type: type, ...scaling },
    ...(model_type === 'mistral' && { sliding_window: windows[0] ?? null }),
    ...(model_type === 'qwen2' && {
      use_sliding_window: windows.length > 0,
      sliding_window: windows[0] ?? null,
      max_window_layers:
        windows.length > 0 ? sliding_window.findIndex((window) => window !== null) : rest.num_hidden_layers,
    }),
    eos_token_id: eos_token_id.length > 1 ? eos_token_id : (eos_token_id[0] ?? null),
    torch_dtype: 'float32',
  }
}

/**
 * The configuration of a small Llama, completed with the usual ratios, for a model that is trained from scratch.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 *
 * const config = smallConfig({ vocab_size: 1024, hidden_size: 128, num_hidden_layers: 4, num_attention_heads: 4 })
 * assert.equal(config.head_dim, 32)
 * assert.equal(config.intermediate_size, 352)
 * ```
 */
export function smallConfig(
  given: Pick<ModelConfig, 'vocab_size' | 'hidden_size' | 'num_hidden_layers' | 'num_attention_heads'> &
    Partial<ModelConfig>,
): ModelConfig {
  const config: ModelConfig = {
    model_type: 'llama',
    head: 'tokens',
    // SwiGLU has three matrices, a plain MLP has two: 8/3 of the hidden size keeps the parameter count (Shazeer, 2020).
    intermediate_size: Math.ceil((given.hidden_size * 8) / 3 / 16) * 16,
    num_key_value_heads: given.num_attention_heads,
    head_dim: given.hidden_size / given.num_attention_heads,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    rope_scaling: null,
    attention_bias: { qkv: false, output: false },
    mlp_bias: false,
    sliding_window: Array.from({ length: given.num_hidden_layers }, () => null),
    tie_word_embeddings: true,
    initializer_range: 0.02,
    bos_token_id: null,
    eos_token_id: [],
    pad_token_id: null,
    ...given,
  }
  checkExtents(config)
  return config
}
