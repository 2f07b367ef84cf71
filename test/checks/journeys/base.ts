import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { parseConfig, writeConfig } from '#engine/model/config.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { ChatTemplate, encodeChatPair } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { schedule } from '#engine/train/schedule.ts'
import { type PackedExample, packExamples, packedSupervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { drawDialogues } from './domain.ts'

/** The inn's base model: of another family, size, vocabulary and chat template than the example's, trained from scratch within seconds. */

const [SEED, ROW, BATCH, DIALOGUES] = [20_261_128, 96, 16, 3_000]

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"

/** Writes the model to a folder in the form of Hugging Face. */
export async function writeInnBase(folder: string): Promise<void> {
  const dialogues = drawDialogues(SEED, DIALOGUES)
  const files = trainTokenizer(
    dialogues.flatMap(({ message, reply }) => [message, reply]),
    { vocabSize: 640, special: ['<|user|>', '<|assistant|>'], chatTemplate: CHAT_TEMPLATE },
  )
  const tokenizer = new Tokenizer(files)
  const config = parseConfig({
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    vocab_size: tokenizer.vocabSize,
    ...{
      hidden_size: 96,
      intermediate_size: 256,
      num_hidden_layers: 3,
      num_attention_heads: 6,
      num_key_value_heads: 2,
    },
    max_position_embeddings: ROW,
    tie_word_embeddings: true,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
    initializer_range: 0.06,
  })
  const template = new ChatTemplate(CHAT_TEMPLATE)
  const texts = dialogues.map(({ message, reply }) => {
    const turns = encodeChatPair(tokenizer, template, [
      { role: 'user', content: message },
      { role: 'assistant', content: reply },
    ])
    const ids = [...turns.prompt, ...turns.completion].slice(0, ROW)
    return { ids, mask: new Array<number>(ids.length).fill(1) }
  })
  const rows = packExamples(texts, ROW)
  const trainer = new Trainer<PackedExample>({
    ...{ config, weights: initialWeights(config, SEED), objective: packedSupervised, seed: SEED, microBatch: BATCH },
    optimiser: { beta2: 0.98, weightDecay: 0.05 },
  })
  const learningRate = schedule(4e-3, { warmup: 4, floor: 0.05 })
  const run = new TrainingRun(trainer, { examples: rows, batchSize: BATCH, epochs: 1, learningRate })
  for await (const _ of run.start());
  const weights = await trainer.parameters()
  await trainer.release()
  await writeCheckpoint(folder, { config: writeConfig(config), ...files, weights }, { dtype: 'F16', replace: true })
}
