import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { readConfig } from '#config'
import { inspectCheckpoint } from '#engine/formats/checkpoint.ts'
import { parseConfig } from '#engine/model/config.ts'
import { type EngineEvent, EngineProcess, type RunOptions } from '#engine/process/index.ts'
import { loadBase } from '#engine/tasks/models.ts'
import { fraction, notNegative, positive, positiveFraction, positiveWhole, whole } from './optionValues.ts'

/** `modelcommons models`: uses the engine alone, with models of a local folder. */
export function addModelsCommand(program: Command): void {
  const models = program.command('models').description('list, import, inspect, train and run models on this machine')
  models.command('list').description('list the imported models').action(list)
  models
    .command('import')
    .description('import a Hugging Face model folder, after checking that it can be used')
    .argument('<folder>', 'config.json, model.safetensors, tokenizer.json')
    .option('--name <name>', 'the name of the model; by default the folder’s name', name)
    .action(importModel)
  models
    .command('inspect')
    .description('describe a model without loading its weights')
    .argument('<model>', 'a name of `models list`, or a folder')
    .action(inspect)
  models
    .command('train')
    .description('train an adapter on prompts and completions; run again, it resumes where it stopped')
    .argument('<model>', 'a name of `models list`, or a folder')
    .requiredOption('--data <file>', 'JSON lines with `prompt`, `completion` and optionally `weight`')
    .requiredOption('--out <folder>', 'the adapter to write')
    .option('--adapter <folder>', 'continue this adapter')
    .option('--rank <number>', 'the rank of the adapter', positiveWhole, 8)
    .option('--epochs <number>', 'passes over the data', positiveWhole, 3)
    .option('--batch <number>', 'samples per update', positiveWhole, 8)
    .option('--learning-rate <number>', 'the peak learning rate', positive, 1e-3)
    .option('--seed <number>', 'the seed of all random numbers', whole, 1)
    .action(train)
  models
    .command('generate')
    .description('answer a prompt')
    .argument('<model>', 'a name of `models list`, or a folder')
    .argument('<prompt>')
    .option('--adapter <folder>', 'use this adapter')
    .option('--max-tokens <number>', 'maximum number of tokens of the answer', positiveWhole, 128)
    .option('--temperature <number>', '0 always takes the most likely token', notNegative, 0)
    .option('--top-k <number>', 'sample from this many of the most likely tokens', positiveWhole)
    .option('--top-p <number>', 'nucleus sampling: total probability of the tokens to sample from', positiveFraction, 1)
    .option('--min-p <number>', 'minimum probability, as a share of the most likely token’s', fraction, 0)
    .option('--repetition-penalty <number>', 'above 1 makes repeated tokens less likely', positive, 1)
    .option('--stop <text...>', 'end the answer before these texts')
    .option('--schema <file>', 'a JSON Schema that the answer satisfies')
    .option('--logprobs [number]', 'print the log-probability of each token, and of this many alternatives', whole)
    .option('--stream', 'print the answer while it is generated')
    .option('--seed <number>', 'the seed of all random numbers', whole, 0)
    .action(generate)
}

const Sample = z.object({ prompt: z.string(), completion: z.string().min(1), weight: z.number().min(0).optional() })

const home = () => join(readConfig().home, 'models')

/** The folder of a model, by its name or its path. @throws Error that lists the imported models. */
async function folderOf(model: string): Promise<string> {
  for (const folder of [join(home(), model), resolve(model)]) if (existsSync(join(folder, 'config.json'))) return folder
  throw new Error(
    `There is no model ${model}. Imported: ${(await names()).join(', ') || 'none'}. Give one of these, or a folder.`,
  )
}

const names = async () => (await readdir(home()).catch(() => [])).filter((each) => NAME.test(each)).sort()

async function list(): Promise<void> {
  const found = await names()
  if (found.length === 0) console.log('No models yet: modelcommons models import <folder>')
  for (const model of found) {
    const what = await summary(join(home(), model)).catch((error: Error) => `cannot be used: ${error.message}`)
    console.log(`${model}\t${what}`)
  }
}

async function summary(folder: string): Promise<string> {
  const { config: json, tensors } = await inspectCheckpoint(folder)
  const config = parseConfig(json)
  const parameters = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  return `${config.model_type}, ${(parameters / 1e6).toFixed(2)} M parameters, ${config.num_hidden_layers} layers, ${config.max_position_embeddings} tokens`
}

async function importModel(folder: string, options: { name?: string }): Promise<void> {
  const what = await summary(folder)
  await loadBase(folder) // checks that weights and tokenizer fit the configuration
  const target = join(home(), options.name ?? name(basename(resolve(folder))))
  if (existsSync(target)) throw new Error(`A model ${basename(target)} already exists; choose another --name.`)
  await mkdir(home(), { recursive: true })
  // A hidden name until the copy is complete.
  const partial = join(home(), `.${basename(target)}.${process.pid}`)
  try {
    await cp(folder, partial, { recursive: true, dereference: true })
    await rename(partial, target)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  console.log(`${basename(target)}\t${what}`)
}

async function inspect(model: string): Promise<void> {
  const folder = await folderOf(model)
  const { config: json, tensors, chatTemplate, tokenizer } = await inspectCheckpoint(folder)
  console.log(`${folder}\n${await summary(folder)}`)
  console.log(`tokenizer ${tokenizer ? 'yes' : 'no'}, chat template ${chatTemplate === undefined ? 'no' : 'yes'}`)
  console.log(JSON.stringify(parseConfig(json), null, 2))
  for (const [tensor, { dtype, shape }] of tensors) console.log(`${tensor}\t${dtype} [${shape}]`)
}

interface TrainOptions {
  data: string
  out: string
  adapter?: string
  rank: number
  epochs: number
  batch: number
  learningRate: number
  seed: number
}

async function train(model: string, options: TrainOptions): Promise<void> {
  const { data, out, adapter, rank, epochs, batch, learningRate, seed } = options
  const lines = (await readFile(data, 'utf8')).split('\n').filter((line) => line.trim())
  const samples = lines.map((line, index) => {
    try {
      return Sample.parse(JSON.parse(line))
    } catch (cause) {
      throw new Error(`${data}, sample ${index + 1}: expected {"prompt": …, "completion": …}.`, { cause })
    }
  })
  const baseFolder = await folderOf(model)
  const outFolder = resolve(out)
  const checkpointFile = `${outFolder}.checkpoint`
  const trained = await withEngine((engine, shown) =>
    engine.run(
      'fineTune',
      {
        baseFolder,
        adapterFolder: adapter && resolve(adapter),
        samples,
        lora: { rank },
        training: { epochs, batchSize: batch, learningRate, seed },
        checkpointFile,
        outFolder,
      },
      shown,
    ),
  )
  await rm(checkpointFile, { force: true })
  console.log(`${outFolder}\t${trained.steps} steps, loss ${trained.finalLoss.toFixed(4)}, ${trained.tokens} tokens`)
}

interface GenerateOptions {
  adapter?: string
  maxTokens: number
  temperature: number
  topK?: number
  topP: number
  minP: number
  repetitionPenalty: number
  stop?: string[]
  schema?: string
  logprobs?: number | true
  stream?: boolean
  seed: number
}

async function generate(model: string, prompt: string, options: GenerateOptions): Promise<void> {
  const { adapter, schema, logprobs, stream, ...sampling } = options
  const baseFolder = await folderOf(model)
  const request = {
    prompt,
    ...sampling,
    ...(schema !== undefined && { schema: await readJson(schema) }),
    logProbabilities: logprobs !== undefined,
    topLogProbabilities: typeof logprobs === 'number' ? logprobs : 0,
  }
  const { answers } = await withEngine((engine, shown) =>
    engine.run(
      'generate',
      { baseFolder, adapterFolder: adapter && resolve(adapter), requests: [request], stream },
      stream ? { ...shown, onEvent: writeText } : shown,
    ),
  )
  const [answer] = answers
  if (!answer) throw new Error('The engine returned no answer.')
  console.log(stream ? '' : answer.text)
  for (const { token, top = [] } of answer.tokens ?? [])
    console.log(
      [token, ...top]
        .map(({ text, logProbability }) => `${JSON.stringify(text)} ${logProbability.toFixed(4)}`)
        .join('\t'),
    )
  if (answer.finish === 'length') console.error('The answer was cut: raise --max-tokens for more.')
}

const writeText = (event: EngineEvent): void => {
  if (event.type === 'text') process.stdout.write(event.text)
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Runs `work` on a new engine process, with a progress bar on a terminal; Ctrl-C lets the task save first. */
async function withEngine<T>(work: (engine: EngineProcess, shown: RunOptions) => Promise<T>): Promise<T> {
  const engine = new EngineProcess({ device: readConfig().device })
  const abort = new AbortController()
  const stop = () => abort.abort(new Error('Stopped; run the same command again to resume.'))
  process.once('SIGINT', stop)
  try {
    return await work(engine, { signal: abort.signal, onEvent: bar() })
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    process.off('SIGINT', stop)
    await engine.close()
  }
}

const BAR = 30

function bar(): (event: EngineEvent) => void {
  let loss = ''
  return (event) => {
    if (!process.stderr.isTTY) return
    if (event.type === 'metric') {
      if (event.name === 'loss') loss = `, loss ${event.value.toFixed(4)}`
      return
    }
    if (event.type !== 'progress') return
    const filled = Math.round(BAR * event.done)
    const line = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.round(100 * event.done)} % ${event.stage ?? ''}${loss}`
    process.stderr.write(`\r\x1b[K${line}`)
  }
}

const NAME = /^[\w-][\w.-]*$/

function name(text: string): string {
  if (NAME.test(text)) return text
  throw new InvalidArgumentError('a name has letters, digits, dots, dashes and underscores')
}
