import { join } from 'node:path'
import { recoverFolder, writeFolderAtomically } from './atomic.ts'
import type { FloatDtype } from './dtypes.ts'
import type { TensorEntry } from './header.ts'
import { type JsonObject, readJson, readJsonIfAny, readTextIfAny, writeJson, writeText } from './json.ts'
import type { NonFiniteOptions } from './safetensors.ts'
import { type FolderWriteOptions, listFolderWeights, readFolderWeights, writeFolderWeights } from './shards.ts'
import type { Weights } from './weights.ts'

/**
 * The files of a Hugging Face model folder except its weights. Unknown fields are kept unchanged; `parseConfig` of the
 * model checks `config`.
 */
export type CheckpointFiles = {
  config: JsonObject
  /** `tokenizer.json` */
  tokenizer?: JsonObject
  /** `tokenizer_config.json` */
  tokenizerConfig?: JsonObject
  /** `special_tokens_map.json` */
  specialTokens?: JsonObject
  /** `generation_config.json` */
  generationConfig?: JsonObject
  /** `chat_template.jinja`, or the `chat_template` in the configuration of the tokenizer (the one named default). */
  chatTemplate?: string
}

export type Checkpoint = CheckpointFiles & { weights: Weights }

const JSON_FILES = {
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
  specialTokens: 'special_tokens_map.json',
  generationConfig: 'generation_config.json',
} as const

/**
 * Reads a model folder with its weights, as 32-bit floats whatever type the file has.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { readCheckpoint, writeCheckpoint } from '#engine/formats/checkpoint.ts'
 * import { parseConfig, smallConfig, writeConfig } from '#engine/model/config.ts'
 * import { countParameters, initialWeights } from '#engine/model/parameters.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const folder = await mkdtemp(join(tmpdir(), 'model-'))
 * await writeCheckpoint(join(folder, 'tiny'), { config: writeConfig(config), weights: initialWeights(config, 1) })
 *
 * const read = await readCheckpoint(join(folder, 'tiny'))
 * assert.equal(parseConfig(read.config).hidden_size, 16)
 * assert.equal(countParameters(read.weights), 3888)
 * await rm(folder, { recursive: true })
 * ```
 */
export async function readCheckpoint(folder: string, options: NonFiniteOptions = {}): Promise<Checkpoint> {
  const files = await readCheckpointFiles(folder)
  return { ...files, weights: await readFolderWeights(folder, options) }
}

/** Reads a model folder without the values of its weights: configuration, tokenizer, and names and shapes of tensors. */
export async function inspectCheckpoint(
  folder: string,
): Promise<CheckpointFiles & { tensors: Map<string, Readonly<TensorEntry>> }> {
  const files = await readCheckpointFiles(folder)
  return { ...files, tensors: await listFolderWeights(folder) }
}

async function readCheckpointFiles(folder: string): Promise<CheckpointFiles> {
  await recoverFolder(folder)
  const files: CheckpointFiles = { config: await readJson(join(folder, 'config.json')) }
  for (const [key, name] of Object.entries(JSON_FILES)) {
    const value = await readJsonIfAny(join(folder, name))
    if (value) files[key as keyof typeof JSON_FILES] = value
  }
  const chatTemplate =
    (await readTextIfAny(join(folder, 'chat_template.jinja'))) ?? templateOf(files.tokenizerConfig?.chat_template)
  if (chatTemplate !== undefined) files.chatTemplate = chatTemplate
  return files
}

export type CheckpointWriteOptions = FolderWriteOptions & { replace?: boolean }

/**
 * Writes a model folder that transformers opens. The write is atomic: a reader sees the complete folder or none.
 * `torch_dtype` (or `dtype`) of the configuration is set to the type written. An existing folder is an error unless
 * `replace` is true.
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint, options: CheckpointWriteOptions = {}) {
  const { replace = false, ...weightOptions } = options
  const torchName = TORCH_DTYPES[options.dtype ?? 'F32']
  const config = { ...checkpoint.config, ['dtype' in checkpoint.config ? 'dtype' : 'torch_dtype']: torchName }
  await writeFolderAtomically(
    folder,
    async (partial) => {
      await writeJson(join(partial, 'config.json'), config)
      for (const [key, name] of Object.entries(JSON_FILES)) {
        const value = checkpoint[key as keyof typeof JSON_FILES]
        if (value) await writeJson(join(partial, name), value)
      }
      if (checkpoint.chatTemplate !== undefined) {
        await writeText(join(partial, 'chat_template.jinja'), checkpoint.chatTemplate)
      }
      await writeFolderWeights(partial, checkpoint.weights, weightOptions)
    },
    { replace },
  )
}

const TORCH_DTYPES: Record<FloatDtype, string> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/** The configuration of a tokenizer holds one template or a list of named templates. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.find((item) => item?.name === 'default')
  return typeof named?.template === 'string' ? named.template : undefined
}
