import { join } from 'node:path'
import { z } from 'zod'
import { recoverFolder, writeFolderAtomically } from './atomic.ts'
import type { FloatDtype } from './dtypes.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { type NonFiniteOptions, readSafetensors, writeSafetensors } from './safetensors.ts'
import type { Weights } from './weights.ts'

/** A LoRA adapter (Hu et al., 2021): it adds scale · B A to a weight W [out, in], with A [r, in] and B [out, r]. */
export type Adapter = {
  rank: number
  /** The numerator of the scale; see `adapterScale`. */
  alpha: number
  /** The probability of dropping an input of A while training. */
  dropout: number
  /** Rank-stabilised scale, alpha / √r (Kalajdzievski, 2023). */
  rankStabilised: boolean
  /** Last parts of the names of the modules with an adapter, such as `q_proj`, sorted. */
  targetModules: string[]
  /** Modules that are trained and saved as full weights, such as the `score` head of a reward model. */
  modulesToSave: string[]
  taskType: 'CAUSAL_LM' | 'SEQ_CLS'
  /** The origin of the base model, for information only. */
  baseModel: string | null
  /**
   * By the model's own names: `model.layers.0.self_attn.q_proj.lora_A.weight` [r, in], `….lora_B.weight` [out, r],
   * and full weights such as `score.weight`.
   */
  weights: Weights
}

/** PEFT wraps the model in two objects; their names begin every name in its files. */
const PEFT_PREFIX = 'base_model.model.'

const WEIGHTS_FILE = 'adapter_model.safetensors'
const CONFIG_FILE = 'adapter_config.json'

/** The factor of the product B A. */
export function adapterScale({ alpha, rank, rankStabilised }: Pick<Adapter, 'alpha' | 'rank' | 'rankStabilised'>) {
  return rankStabilised ? alpha / Math.sqrt(rank) : alpha / rank
}

const Config = z.object({
  peft_type: z.literal('LORA'),
  r: z.number().int().min(1).max(65_536),
  lora_alpha: z.number().finite(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  target_modules: z.union([z.array(z.string()), z.string()]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  task_type: z.enum(['CAUSAL_LM', 'SEQ_CLS']).nullish(),
  base_model_name_or_path: z.string().nullish(),
})

/** Fields of PEFT that do not change what an adapter computes, and the fields in `Config`. */
const HARMLESS_FIELDS = new Set([
  ...Object.keys(Config.shape),
  ...['auto_mapping', 'corda_config', 'eva_config', 'loftq_config', 'lora_ga_config'], // how training began
  ...['ensure_weight_tying', 'exclude_modules', 'layers_pattern', 'layers_to_transform'], // visible in the weights
  ...['inference_mode', 'megatron_core', 'peft_version', 'qalora_group_size', 'revision', 'runtime_config'],
])

/** Supported values of `init_lora_weights`. The other methods (PiSSA, OLoRA, CorDA, LoftQ) change the base model too. */
const SUPPORTED_INITS: unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal']

/**
 * Reads a PEFT adapter folder. @throws Error that names an unsupported field, a rank that differs from the
 * configuration, an A without its B, or a weight that belongs neither to an adapter nor to `modules_to_save`.
 */
export async function readAdapter(folder: string, options: NonFiniteOptions = {}): Promise<Adapter> {
  await recoverFolder(folder)
  const path = join(folder, CONFIG_FILE)
  const json = await readJson(path)
  const parsed = Config.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${path}: ${issue?.path.join('.') || 'the file'} is not supported: ${issue?.message}`)
  }
  refuseUnsupported(path, json)
  const config = parsed.data
  const weights: Weights = new Map()
  for (const [name, tensor] of await readSafetensors(join(folder, WEIGHTS_FILE), options)) {
    if (!name.startsWith(PEFT_PREFIX)) {
      throw new Error(`${folder}: ${name} is not a PEFT name: it must begin with ${PEFT_PREFIX}.`)
    }
    weights.set(name.slice(PEFT_PREFIX.length), tensor)
  }
  const adapter: Adapter = {
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    rankStabilised: config.use_rslora,
    targetModules: targetsOf(weights),
    modulesToSave: [...(config.modules_to_save ?? [])].sort(),
    taskType: config.task_type ?? 'CAUSAL_LM',
    baseModel: config.base_model_name_or_path ?? null,
    weights,
  }
  checkAdapter(folder, adapter)
  return adapter
}

/**
 * Writes an adapter folder that Python's PEFT opens unchanged. The write is atomic: a reader sees the complete folder
 * or none.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { readAdapter, writeAdapter } from '#engine/formats/adapter.ts'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const lora = loraConfig({ rank: 4, targetModules: ['q_proj', 'v_proj'] })
 * const folder = await mkdtemp(join(tmpdir(), 'adapter-'))
 * await writeAdapter(join(folder, 'mine'), {
 *   ...lora,
 *   dropout: 0,
 *   modulesToSave: [],
 *   taskType: 'CAUSAL_LM',
 *   baseModel: null,
 *   weights: initialAdapter(config, lora, 1),
 * })
 * const { rank, targetModules } = await readAdapter(join(folder, 'mine'))
 * assert.deepEqual({ rank, targetModules }, { rank: 4, targetModules: ['q_proj', 'v_proj'] })
 * await rm(folder, { recursive: true })
 * ```
 */
export async function writeAdapter(
  folder: string,
  adapter: Adapter,
  { replace = false, dtype = 'F32' }: { replace?: boolean; dtype?: FloatDtype } = {},
): Promise<void> {
  checkAdapter('The adapter', adapter)
  const named: Weights = new Map([...adapter.weights].map(([name, tensor]) => [PEFT_PREFIX + name, tensor]))
  await writeFolderAtomically(
    folder,
    async (partial) => {
      await writeJson(join(partial, CONFIG_FILE), {
        base_model_name_or_path: adapter.baseModel,
        bias: 'none',
        fan_in_fan_out: false,
        inference_mode: true,
        init_lora_weights: true,
        lora_alpha: adapter.alpha,
        lora_dropout: adapter.dropout,
        modules_to_save: adapter.modulesToSave.length ? [...adapter.modulesToSave].sort() : null,
        peft_type: 'LORA',
        r: adapter.rank,
        target_modules: [...adapter.targetModules].sort(),
        task_type: adapter.taskType,
        use_rslora: adapter.rankStabilised,
      })
      await writeSafetensors(join(partial, WEIGHTS_FILE), named, { dtype })
    },
    { replace },
  )
}

/** Every field that is not known to be harmless must be off, so that no setting that changes the result is ignored. */
function refuseUnsupported(path: string, json: JsonObject): void {
  for (const [field, value] of Object.entries(json)) {
    const off = ['null', 'false', '{}', '[]', '"none"'].includes(JSON.stringify(value))
    const known = field === 'init_lora_weights' ? SUPPORTED_INITS.includes(value) : HARMLESS_FIELDS.has(field)
    if (off || known) continue
    throw new Error(`${path}: ${field} = ${JSON.stringify(value).slice(0, 60)} is not supported.`)
  }
}

/** Splits `….q_proj.lora_A.weight` into the path of the module and the side, A or B. */
const LORA_NAME = /^(.+)\.lora_([AB])\.weight$/

function targetsOf(weights: Weights): string[] {
  const targets = [...weights.keys()].map((name) => LORA_NAME.exec(name)?.[1]?.split('.').at(-1))
  return [...new Set(targets.filter((target) => target !== undefined))].sort()
}

function checkAdapter(where: string, { rank, weights, modulesToSave, targetModules }: Adapter): void {
  const modules = new Set<string>()
  for (const [name, { shape }] of weights) {
    const [, module, side] = LORA_NAME.exec(name) ?? []
    if (!module) {
      const owner = name.split('.').at(-2)
      if (owner !== undefined && modulesToSave.includes(owner)) continue
      throw new Error(
        `${where}: ${name} is neither lora_A nor lora_B, and modules_to_save [${modulesToSave}] does not name it.`,
      )
    }
    if (!targetModules.includes(module.slice(module.lastIndexOf('.') + 1))) {
      throw new Error(`${where}: ${name} is not one of the target modules [${targetModules}].`)
    }
    if (shape.length !== 2 || shape[side === 'A' ? 0 : 1] !== rank) {
      const expected = side === 'A' ? `[${rank}, in]` : `[out, ${rank}]`
      throw new Error(`${where}: ${name} has shape [${shape}] instead of ${expected}.`)
    }
    modules.add(module)
  }
  for (const module of modules) {
    for (const side of ['A', 'B']) {
      if (!weights.has(`${module}.lora_${side}.weight`)) throw new Error(`${where}: ${module} has no lora_${side}.`)
    }
  }
  if (modules.size === 0) throw new Error(`${where} contains no lora_A and lora_B.`)
}
