import { join } from 'node:path'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { smallConfig, writeConfig } from '#engine/model/config.ts'
import { countParameters, initialWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { schedule } from '#engine/train/schedule.ts'
import { type PackedExample, pack, packedSupervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { drawCorpus } from '../skill/corpus.ts'
import { CHAT_TEMPLATE, encodeDocument, trainBaseTokenizer } from './tokenizer.ts'

/** Pre-trains the example's base model from nothing and writes it beside this file: `npm run base`. */

const SEED = 20_261_120
const DOCUMENTS = 50_000
const ROW = 128
const BATCH = 16
const PEAK_RATE = 3e-3

async function main(): Promise<void> {
  const documents = [...drawCorpus(SEED, DOCUMENTS)]
  const files = trainBaseTokenizer(documents.slice(0, 20_000))
  const tokenizer = new Tokenizer(files)
  const template = new ChatTemplate(CHAT_TEMPLATE)
  const config = smallConfig({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 144,
    num_hidden_layers: 4,
    num_attention_heads: 6,
    max_position_embeddings: ROW,
    eos_token_id: [tokenizer.eosId!],
    pad_token_id: tokenizer.padId,
    // As wide as 1/sqrt(D), since so small a model sees few steps.
    initializer_range: 0.06,
  })
  const weights = initialWeights(config, SEED)
  const trainer = new Trainer<PackedExample>({
    config,
    weights,
    objective: packedSupervised,
    seed: SEED,
    microBatch: BATCH,
    optimiser: { beta2: 0.98, weightDecay: 0.05 },
  })

  const texts = documents.map((document) => {
    const ids = encodeDocument(tokenizer, template, document).slice(0, ROW)
    return { ids, mask: new Array<number>(ids.length).fill(1) }
  })
  const total = texts.reduce((sum, { ids }) => sum + ids.length, 0)
  console.log(`${countParameters(weights)} parameters, ${texts.length} documents, ${total} tokens`)

  // Packing sorts by length, so it is done in slices, that each batch holds texts of all kinds.
  const rows: PackedExample[] = []
  for (let from = 0; from < texts.length; from += 2000) rows.push(...pack(texts.slice(from, from + 2000), ROW))
  const steps = Math.ceil(rows.length / BATCH)
  const learningRate = schedule(PEAK_RATE, { warmup: Math.ceil(steps / 20), floor: 0.02 })
  const began = Date.now()
  let smooth = Number.NaN
  for await (const { step, loss } of new TrainingRun(trainer, {
    examples: rows,
    batchSize: BATCH,
    epochs: 1,
    learningRate,
  }).start()) {
    smooth = Number.isNaN(smooth) ? loss : smooth * 0.98 + loss * 0.02
    if (step % 50 === 0 || step === steps)
      console.log(`step ${step} of ${steps}: loss ${smooth.toFixed(3)}, ${Math.round((Date.now() - began) / 1000)} s`)
  }
  await writeCheckpoint(
    join(import.meta.dirname, 'model'),
    { config: writeConfig(config), ...files, weights: await trainer.parameters() },
    { dtype: 'F16', replace: true },
  )
  await trainer.release()
}

await main()
