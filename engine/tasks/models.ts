import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Adapter, readAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { Generator } from '#engine/generate/generator.ts'
import { type ModelConfig, parseConfig } from '#engine/model/config.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import type { TextForm } from './encode.ts'
import { TaskError } from './task.ts'

/** A base model in memory. */
export interface Base extends TextForm {
  config: ModelConfig
  weights: Weights
  /** Generators with their compiled graphs, by the adapter's configuration. */
  generators: Map<string, Generator>
}

/** An adapter as the model wants it. */
export interface LoadedAdapter {
  lora: LoraConfig
  weights: Weights
}

/** Bases kept between tasks. */
const KEPT = 2
const bases = new Map<string, Promise<Base>>()

/** Reads a model folder, or gives the one read before when it has not changed since. */
export async function loadBase(folder: string): Promise<Base> {
  const key = await identityOf(folder)
  const base = bases.get(key) ?? readBase(folder)
  bases.delete(key)
  bases.set(key, base)
  base.catch(() => bases.delete(key))
  if (bases.size > KEPT) {
    const [oldest, evicted] = bases.entries().next().value!
    bases.delete(oldest)
    for (const generator of (await evicted).generators.values()) await generator.release()
  }
  return base
}

async function identityOf(folder: string): Promise<string> {
  const found = await stat(join(folder, 'config.json')).catch((cause) => {
    throw new TaskError(`There is no model in ${folder}: it has no config.json. Name a Hugging Face model folder.`, {
      cause,
    })
  })
  return `${resolve(folder)}\n${found.ino} ${found.mtimeMs} ${found.size}`
}

async function readBase(folder: string): Promise<Base> {
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
  }
}

/** Reads an adapter folder and refuses one that was made for another base. */
export async function loadAdapter(base: Pick<Base, 'config'>, folder: string): Promise<LoadedAdapter> {
  await stat(join(folder, 'adapter_config.json')).catch((cause) => {
    throw new TaskError(`There is no adapter in ${folder}: it has no adapter_config.json.`, { cause })
  })
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

/** The base's generator for adapters of one configuration, with `adapter` put in. Its graphs stay compiled. */
export function generatorOf(base: Base, adapter: LoadedAdapter | undefined): Generator {
  const key = JSON.stringify(adapter?.lora ?? null)
  const known = base.generators.get(key)
  if (known) {
    if (adapter) known.setAdapters([adapter.weights])
    return known
  }
  const { config, weights, endId } = base
  const own = adapter && { lora: adapter.lora, adapters: [adapter.weights] }
  const generator = new Generator({ config, weights, endId, ...own })
  base.generators.set(key, generator)
  return generator
}
