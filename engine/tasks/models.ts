import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Adapter, readAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { Generator } from '#engine/generate/generator.ts'
import type { Grammar } from '#engine/grammar/grammar.ts'
import { jsonGrammar } from '#engine/grammar/jsonGrammar.ts'
import { Vocabulary } from '#engine/grammar/vocabulary.ts'
import { type ModelConfig, parseConfig } from '#engine/model/config.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import type { PromptFormat } from './encode.ts'
import { TaskError } from './task.ts'

/** A base model in memory. */
export interface BaseModel extends PromptFormat {
  config: ModelConfig
  weights: Weights
  /** Generators with their compiled graphs, by the adapter's configuration. */
  generators: Map<string, Generator>
  /** Adapters read before, by folder and age. */
  adapters: Map<string, Promise<LoadedAdapter>>
  /** Grammars by their schema, with what they found of the vocabulary. */
  grammars: Map<string, Grammar>
  /** Built when a schema first needs it. */
  vocabulary?: Vocabulary
}

/** An adapter as the model wants it. */
export interface LoadedAdapter {
  lora: LoraConfig
  weights: Weights
}

/** Bases kept between tasks, and of each base its adapters and its grammars. */
const MAX_BASES = 2
const MAX_ADAPTERS = 32
const MAX_GRAMMARS = 8
const bases = new Map<string, Promise<BaseModel>>()

/** Reads a model folder, or gives the one read before when it has not changed since. */
export async function loadBase(folder: string): Promise<BaseModel> {
  const key = await identityOf(folder, 'config.json', 'model', 'Name a Hugging Face model folder.')
  const base = bases.get(key) ?? readBase(folder)
  bases.delete(key)
  bases.set(key, base)
  base.catch(() => bases.delete(key))
  if (bases.size > MAX_BASES) {
    const [oldest, evicted] = bases.entries().next().value!
    bases.delete(oldest)
    for (const generator of (await evicted).generators.values()) await generator.release()
  }
  return base
}

async function identityOf(folder: string, file: string, what: string, advice: string): Promise<string> {
  const found = await stat(join(folder, file)).catch((cause) => {
    throw new TaskError(`There is no ${what} in ${folder}: it has no ${file}. ${advice}`, { cause })
  })
  return `${resolve(folder)}\n${found.ino} ${found.mtimeMs} ${found.size}`
}

async function readBase(folder: string): Promise<BaseModel> {
  const { config: json, weights, tokenizer: files, tokenizerConfig, chatTemplate } = await readCheckpoint(folder)
  const config = parseConfig(json)
  if (!files) throw new TaskError(`${folder} has no tokenizer.json; save the model together with its tokenizer.`)
  const tokenizer = new Tokenizer({ tokenizer: files, tokenizerConfig })
  tokenizer.checkFits(config.vocab_size)
  return {
    config,
    weights: checkWeights(config, weights),
    tokenizer,
    template: chatTemplate === undefined ? undefined : new ChatTemplate(chatTemplate),
    endId: tokenizer.eosId ?? config.eos_token_id[0] ?? null,
    generators: new Map(),
    adapters: new Map(),
    grammars: new Map(),
  }
}

/**
 * Reads an adapter folder, or gives the one read before when it has not changed since, so that answers with one adapter
 * share a batch. Refuses one that was made for another base.
 */
export async function loadAdapter(
  base: Pick<BaseModel, 'config' | 'adapters'>,
  folder: string,
): Promise<LoadedAdapter> {
  const key = await identityOf(
    folder,
    'adapter_config.json',
    'adapter',
    'Name a folder that PEFT or this engine wrote.',
  )
  return kept(base.adapters, key, MAX_ADAPTERS, () => {
    const adapter = readAdapterFor(base, folder)
    adapter.catch(() => base.adapters.delete(key))
    return adapter
  })
}

/** The grammar of a schema over the base's tokens. @throws SchemaError naming what it cannot say. */
export function grammarOf(base: BaseModel, schema: unknown): Grammar {
  base.vocabulary ??= new Vocabulary(base.tokenizer, base.config.vocab_size)
  const { vocabulary } = base
  return kept(base.grammars, JSON.stringify(schema), MAX_GRAMMARS, () => jsonGrammar(schema, vocabulary))
}

/** What was made for a key before, or made now; the least recently used give way. */
function kept<T>(known: Map<string, T>, key: string, most: number, make: () => T): T {
  const found = known.get(key) ?? make()
  known.delete(key)
  known.set(key, found)
  if (known.size > most) known.delete(known.keys().next().value!)
  return found
}

async function readAdapterFor(base: Pick<BaseModel, 'config'>, folder: string): Promise<LoadedAdapter> {
  const { rank, alpha, rankStabilised, targetModules, weights } = await readAdapter(folder)
  const lora: LoraConfig = { rank, alpha, rankStabilised, targetModules }
  const shapes = adapterShapes(base.config, lora)
  for (const [name, shape] of shapes) {
    const found = weights.get(name)
    if (!found) throw new TaskError(`${folder} has no ${name}: it was made for another base model.`)
    if (`${found.shape}` !== `${shape}`)
      throw new TaskError(
        `${folder}: ${name} is [${found.shape}], the base needs [${shape}]: they do not belong together.`,
      )
  }
  const spare = [...weights.keys()].find((name) => !shapes.has(name))
  if (spare !== undefined) throw new TaskError(`${folder} has ${spare}, which the base model lacks.`)
  return { lora, weights }
}

/** The adapter as PEFT's folder holds it. */
export const adapterOf = ({ lora, weights }: LoadedAdapter): Adapter => ({
  ...lora,
  dropout: 0,
  modulesToSave: [],
  taskType: 'CAUSAL_LM',
  baseModel: null,
  weights,
})

/** The base's generator for adapters of one configuration. Its graphs stay compiled. */
export function generatorOf(base: BaseModel, lora: LoraConfig | undefined): Generator {
  const key = JSON.stringify(lora ?? null)
  let generator = base.generators.get(key)
  if (!generator) {
    const { config, weights, endId } = base
    base.generators.set(key, (generator = new Generator({ config, weights, lora, endId })))
  }
  return generator
}
