import { join } from 'node:path'
import { readCheckpoint, writeCheckpoint } from '#engine/formats/checkpoint.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { type ModelConfig, smallConfig, writeConfig } from '#engine/model/config.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { ChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { schedule } from '#engine/train/schedule.ts'
import { type PackedExample, packExamples, packedSupervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { COPYING, type Document, drawCorpus } from '../skill/corpus.ts'
import { CHAT_TEMPLATE, encodeDocument, trainBaseTokenizer } from './tokenizer.ts'

/** Pre-trains the example's base model from scratch and writes it to `model/` beside this file: `npm run base`. */

const SEED = 20_261_120
const ROW = 128
const BATCH = 16

/** The second phase repeats numbers more often, so that the model certainly learns to copy. */
const PHASES = [
  { seed: SEED, documents: () => [...drawCorpus(SEED, 50_000)], peak: 3e-3 },
  { seed: SEED + 1, documents: () => [...drawCorpus(`${SEED}/copying`, 12_000, COPYING)], peak: 2e-3 },
]

const folder = join(import.meta.dirname, 'model')

async function main(): Promise<void> {
  const files = trainBaseTokenizer([...drawCorpus(SEED, 20_000)])
  const tokenizer = new Tokenizer(files)
  const config = smallConfig({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 144,
    num_hidden_layers: 4,
    num_attention_heads: 6,
    max_position_embeddings: ROW,
    eos_token_id: [tokenizer.eosId as number],
    pad_token_id: tokenizer.padId,
    // Larger than usual, because such a small model is trained for few steps.
    initializer_range: 0.06,
  })
  let weights = initialWeights(config, SEED)
  // `npm run base -- 2` repeats only the second phase, with the weights that the first phase left in the folder.
  const first = Number(process.argv[2] ?? 1) - 1
  if (first > 0) weights = (await readCheckpoint(folder)).weights
  for (const phase of PHASES.slice(first)) {
    const trained = await trainPhase(config, weights, tokenizer, phase)
    await writeCheckpoint(
      folder,
      { config: writeConfig(config), ...files, weights: trained },
      { dtype: 'F16', replace: true },
    )
    // Read back as 16-bit floats, so that a phase gives the same bytes when it is run alone.
    weights = (await readCheckpoint(folder)).weights
  }
}

async function trainPhase(
  config: ModelConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  { seed, documents, peak }: (typeof PHASES)[number],
): Promise<Weights> {
  const rows = rowsOf(documents(), tokenizer)
  const trainer = new Trainer<PackedExample>({
    config,
    weights,
    objective: packedSupervised,
    seed,
    microBatch: BATCH,
    optimiser: { beta2: 0.98, weightDecay: 0.05 },
  })
  const learningRate = schedule(peak, { warmup: Math.ceil(rows.length / BATCH / 20), floor: 0.02 })
  const run = new TrainingRun(trainer, { examples: rows, batchSize: BATCH, epochs: 1, learningRate })
  const began = Date.now()
  let smooth = Number.NaN
  for await (const { step, steps, loss } of run.start()) {
    smooth = Number.isNaN(smooth) ? loss : smooth * 0.98 + loss * 0.02
    if (step % 50 === 0 || step === steps)
      console.log(`step ${step} of ${steps}: loss ${smooth.toFixed(3)}, ${Math.round((Date.now() - began) / 1000)} s`)
  }
  const trained = await trainer.parameters()
  await trainer.release()
  return trained
}

/** Packs documents into rows. Packing sorts by length, so it is done in slices, so that each batch has all kinds of documents. */
function rowsOf(documents: readonly Document[], tokenizer: Tokenizer): PackedExample[] {
  const template = new ChatTemplate(CHAT_TEMPLATE)
  const texts = documents.map((document) => {
    const ids = encodeDocument(tokenizer, template, document).slice(0, ROW)
    return { ids, mask: new Array<number>(ids.length).fill(1) }
  })
  const rows: PackedExample[] = []
  for (let from = 0; from < texts.length; from += 2000) rows.push(...packExamples(texts.slice(from, from + 2000), ROW))
  return rows
}

await main()
