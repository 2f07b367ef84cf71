import { type CheckpointFiles, inspectCheckpoint } from '#engine/formats/checkpoint.ts'
import { type ModelConfig, parseConfig } from '#engine/model/config.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { endTokens } from '#engine/text/endTokens.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import type { PromptFormat } from './encode.ts'
import { TaskError } from './task.ts'

/** A base model without its weights. */
export interface BaseDescription extends PromptFormat {
  config: ModelConfig
  /** The tokens that end an answer: `endId`, and others. */
  endIds: readonly number[]
}

/** @throws ModelConfigError, TaskError or Error that names the file or field that does not fit. */
export function describeBase(folder: string, files: CheckpointFiles): BaseDescription {
  const config = parseConfig(files.config)
  if (!files.tokenizer)
    throw new TaskError(`${folder} has no tokenizer.json; save the model together with its tokenizer.`)
  const tokenizer = new Tokenizer({ tokenizer: files.tokenizer, tokenizerConfig: files.tokenizerConfig })
  tokenizer.checkFits(config.vocab_size)
  const endIds = endTokens(tokenizer, config, files.generationConfig)
  const template = files.chatTemplate === undefined ? undefined : new ChatTemplate(files.chatTemplate)
  return { config, tokenizer, template, endId: endIds[0] ?? null, endIds }
}

/** Checks a model folder without reading the values of its weights: their names and shapes must fit the configuration.
 *  @throws as `describeBase` does. */
export async function inspectBase(folder: string): Promise<BaseDescription> {
  const files = await inspectCheckpoint(folder)
  const base = describeBase(folder, files)
  checkWeights(base.config, files.tensors)
  return base
}
