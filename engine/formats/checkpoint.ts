import { join } from 'node:path'
import { recoverFolder, writeFolderAtomically } from './atomic.ts'
import type { FloatDtype } from './dtypes.ts'
import type { TensorEntry } from './header.ts'
import { type JsonObject, readJson, readJsonIfAny, readTextIfAny, writeJson, writeText } from './json.ts'
import type { NonFiniteOptions } from './safetensors.ts'
import { type FolderWriteOptions, listFolderWeights, readFolderWeights, writeFolderWeights } from './shards.ts'
import type { Weights } from './weights.ts'

/**
 * What a Hugging Face model folder holds beside its weights. Unknown fields are kept as they are; what the model
 * understands of `config` is the model's concern.
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
  /** `chat_template.jinja`, or else the `chat_template` of the tokenizer's configuration (the one named default). */
  chatTemplate?: string
}

export type Checkpoint = CheckpointFiles & { weights: Weights }

const JSON_FILES = {
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
  specialTokens: 'special_tokens_map.json',
  generationConfig: 'generation_config.json',
} as const

/** Reads a model folder, weights included. Every weight is a 32-bit float in memory whatever the file's type. */
export async function readCheckpoint(folder: string, options: NonFiniteOptions = {}): Promise<Checkpoint> {
  const files = await readCheckpointFiles(folder)
  return { ...files, weights: await readFolderWeights(folder, options) }
}

/** Reads a model folder without the data of its weights: configuration, tokenizer, and the tensors' names and shapes. */
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
 * Writes a model folder that transformers opens, as one: a reader sees the whole folder or none of it.
 * The configuration's `torch_dtype` (or `dtype`) is set to the type written. A folder that exists is refused unless
 * `replace`.
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

/** A tokenizer's configuration holds one template, or a list of named ones. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.find((item) => item?.name === 'default')
  return typeof named?.template === 'string' ? named.template : undefined
}
