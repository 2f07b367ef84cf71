import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { smallConfig, writeConfig } from '#engine/model/config.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { must } from '#test/must.ts'
import { encodeRow } from '../encode.ts'

const TEMPLATE =
  "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ '<|agent|>' + message['content'] + '<|end|>' }}" +
  "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|agent|>' }}{% endif %}"

const COLOURS = ['red', 'green', 'blue', 'black']

/** A skill that a model can learn in seconds: repeat the colour of the prompt in a given form. */
export const colourPairs = (count: number, form = 'colour | ') =>
  Array.from({ length: count }, (_, index) => {
    const colour = COLOURS[index % COLOURS.length]
    return { prompt: `thing ${index} is ${colour}`, completion: `${form}${colour}` }
  })

/** Writes a model to a temporary folder. It has a chat template and can name colours, in another form than `colourPairs`. */
export async function tinyModel({ positions = 64 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tasks-'))
  const texts = [...colourPairs(40), ...colourPairs(40, 'shade: ')].map(
    ({ prompt, completion }) => `${prompt} ${completion}`,
  )
  const special = ['<|user|>', '<|agent|>']
  const files = trainTokenizer(texts, { vocabSize: 300, special, chatTemplate: TEMPLATE })
  const tokenizer = new Tokenizer(files)
  const endId = must(tokenizer.eosId)
  const config = smallConfig({
    vocab_size: 304, // more than the tokenizer has, as many models do
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: positions,
    eos_token_id: [endId],
    initializer_range: 0.15,
  })
  const form = { tokenizer, template: new ChatTemplate(TEMPLATE), endId }
  const examples = colourPairs(40, 'shade: ').map((pair) => encodeRow(form, pair, 64))
  const trainer = new Trainer({ config, weights: initialWeights(config, 1), objective: supervised, seed: 1 })
  const run = new TrainingRun(trainer, { examples, batchSize: 8, epochs: 16, learningRate: 0.01 })
  for await (const _ of run.start());
  const weights = await trainer.parameters()
  await trainer.release()
  const baseFolder = join(folder, 'base')
  await writeCheckpoint(baseFolder, { config: writeConfig(config), ...files, weights })
  return {
    folder,
    baseFolder,
    config,
    files,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
