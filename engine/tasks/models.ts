import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LRUCache } from 'lru-cache'
import { Embedder } from '#engine/explain/embeddings.ts'
import { type Adapter, readAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { Generator } from '#engine/generate/generator.ts'
import type { Grammar } from '#engine/grammar/grammar.ts'
import { jsonGrammar } from '#engine/grammar/jsonGrammar.ts'
import { Vocabulary } from '#engine/grammar/vocabulary.ts'
import { ReleasingCache } from '#engine/graph/releasingCache.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { type BaseDescription, describeBase } from './describeBase.ts'
import { TaskError } from './task.ts'

/** A base model in memory. */
export interface BaseModel extends BaseDescription {
  weights: Weights
  /** Generators with their compiled programs, by LoRA configuration. */
  generators: Map<string, Generator>
  /** Likewise. */
  embedders: Map<string, Embedder>
  /** Loaded adapters, by folder and modification time. */
  adapters: LRUCache<string, Promise<LoadedAdapter>>
  /** Grammars with their caches, by schema. */
  grammars: LRUCache<string, Grammar>
  /** Built on first use. */
  vocabulary?: Vocabulary
}

/** An adapter in memory. */
export interface LoadedAdapter {
  lora: LoraConfig
  weights: Weights
}

/** Maximum number of base models in memory, and of adapters and grammars for each. */
const MAX_BASES = 2
const MAX_ADAPTERS = 32
const MAX_GRAMMARS = 8
const bases = new ReleasingCache<string, BaseModel>(MAX_BASES, ({ generators, embedders }) =>
  Promise.all([...generators.values(), ...embedders.values()].map((one) => one.release())),
)

/** The number of base models in memory. */
export const loadedBases = (): number => bases.size

/** Releases every base model. */
export const releaseBases = (): Promise<void> => bases.release()

const counts = { batchRuns: 0, batchAnswers: 0 }

/** The runs of batches in this process so far, and the answers in each of them together. */
export const batchCounts = (): Readonly<typeof counts> => counts

function countBatch(answers: number): void {
  counts.batchRuns++
  counts.batchAnswers += answers
}

/** Loads a model folder, or returns the loaded model if the folder has not changed. */
export async function loadBase(folder: string): Promise<BaseModel> {
  return bases.get(await baseIdentity(folder), () => readBase(folder).catch(unusable('model')))
}

export const isBaseLoaded = async (folder: string): Promise<boolean> =>
  bases.peek(await baseIdentity(folder)) !== undefined

/** Whether a base model and an adapter can be loaded while every other one stays in memory. */
export async function hasPlaceFor(baseFolder: string, adapterFolder: string): Promise<boolean> {
  const base = bases.peek(await baseIdentity(baseFolder))
  if (!base) return bases.size < MAX_BASES
  const { adapters } = await base
  return adapters.size < MAX_ADAPTERS || adapters.has(await adapterIdentity(adapterFolder))
}

const baseIdentity = (folder: string) => identityOf(folder, 'config.json', 'model', 'Give a Hugging Face model folder.')

const adapterIdentity = (folder: string) =>
  identityOf(folder, 'adapter_config.json', 'adapter', 'Give a folder that PEFT or this engine wrote.')

/** The files were complete when they were fetched: what cannot be read cannot be read by a retry either. */
const unusable = (what: string) => (cause: Error) => {
  throw cause instanceof TaskError ? cause : new TaskError(`The ${what} cannot be used: ${cause.message}`, { cause })
}

async function identityOf(folder: string, file: string, what: string, advice: string): Promise<string> {
  const found = await stat(join(folder, file)).catch((cause) => {
    throw new TaskError(`There is no ${what} in ${folder}: it has no ${file}. ${advice}`, { cause })
  })
  return `${resolve(folder)}\n${found.ino} ${found.mtimeMs} ${found.size}`
}

async function readBase(folder: string): Promise<BaseModel> {
  const { weights, ...files } = await readCheckpoint(folder)
  const base = describeBase(folder, files)
  return {
    ...base,
    weights: checkWeights(base.config, weights),
    generators: new Map(),
    embedders: new Map(),
    adapters: new LRUCache({ max: MAX_ADAPTERS }),
    grammars: new LRUCache({ max: MAX_GRAMMARS }),
  }
}

/**
 * Loads an adapter folder, or returns the loaded adapter if the folder has not changed, so that requests with one adapter
 * share its weights in a batch. @throws TaskError when the adapter was made for another base model.
 */
export async function loadAdapter(
  base: Pick<BaseModel, 'config' | 'adapters'>,
  folder: string,
): Promise<LoadedAdapter> {
  const key = await adapterIdentity(folder)
  const known = base.adapters.get(key)
  if (known) return known
  const adapter = readAdapterFor(base, folder).catch(unusable('adapter'))
  base.adapters.set(key, adapter)
  adapter.catch(() => base.adapters.delete(key))
  return adapter
}

/** The grammar of a schema over the base's tokens. @throws SchemaError that names an unsupported keyword. */
export function grammarOf(base: BaseModel, schema: unknown): Grammar {
  base.vocabulary ??= new Vocabulary(base.tokenizer, base.config.vocab_size)
  const key = JSON.stringify(schema)
  const known = base.grammars.get(key)
  if (known) return known
  const grammar = jsonGrammar(schema, base.vocabulary)
  base.grammars.set(key, grammar)
  return grammar
}

async function readAdapterFor(base: Pick<BaseModel, 'config'>, folder: string): Promise<LoadedAdapter> {
  const { rank, alpha, rankStabilised, targetModules, weights } = await readAdapter(folder)
  const lora: LoraConfig = { rank, alpha, rankStabilised, targetModules }
  const shapes = adapterShapes(base.config, lora)
  for (const [name, shape] of shapes) {
    const found = weights.get(name)
    if (!found) throw new TaskError(`${folder} has no ${name}: it was made for another base model.`)
    if (`${found.shape}` !== `${shape}`)
      throw new TaskError(`${folder}: ${name} is [${found.shape}], the base model needs [${shape}]: they do not match.`)
  }
  const spare = [...weights.keys()].find((name) => !shapes.has(name))
  if (spare !== undefined) throw new TaskError(`${folder} has ${spare}, which the base model does not have.`)
  return { lora, weights }
}

/** The adapter in the form of PEFT's folder. */
export const adapterOf = ({ lora, weights }: LoadedAdapter): Adapter => ({
  ...lora,
  dropout: 0,
  modulesToSave: [],
  taskType: 'CAUSAL_LM',
  baseModel: null,
  weights,
})

/** The base's generator for adapters of one configuration. Its programs stay compiled. */
export function generatorOf(base: BaseModel, lora: LoraConfig | undefined): Generator {
  const key = JSON.stringify(lora ?? null)
  let generator = base.generators.get(key)
  if (!generator) {
    const { config, weights, endIds } = base
    base.generators.set(key, (generator = new Generator({ config, weights, lora, endIds, onRun: countBatch })))
  }
  return generator
}

/** The base's embedder for adapters of one configuration. */
export function embedderOf(base: BaseModel, lora: LoraConfig | undefined): Embedder {
  const key = JSON.stringify(lora ?? null)
  let embedder = base.embedders.get(key)
  if (!embedder) {
    const { config, weights } = base
    base.embedders.set(key, (embedder = new Embedder({ config, weights, lora })))
  }
  return embedder
}
