import { createHash } from 'node:crypto'
import { DataInf } from '#engine/explain/dataInf.ts'
import { centredSimilarities, Embedder } from '#engine/explain/embeddings.ts'
import { ExampleGradients } from '#engine/explain/gradients.ts'
import { type Influence, summarise } from '#engine/explain/influence.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { SpanIndex } from '#engine/spans/spanIndex.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import type { TokenRow } from '#engine/train/rows.ts'
import { encodePair, type TextPair } from './encode.ts'
import { toExamples } from './fineTune.ts'
import { gradientSketch } from './influence.ts'
import { type Base, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface ExplainAnswerInput {
  baseFolder: string
  adapterFolder: string
  prompt: string
  answer: string
  /** What the adapter was trained on, in the order of the sketches. */
  samples: readonly (TextPair & { id?: string })[]
  /** Written by the task `influence`. */
  sketchFile: string
  /** Spans of fewer tokens are of no interest. Default 6. */
  minSpan?: number
}

export interface AnswerSpan {
  /** Tokens `[start, end)` of the answer. */
  start: number
  end: number
  text: string
  /** How often it stands in all samples. */
  occurrences: number
  /** Which samples hold it, ascending. */
  samples: number[]
}

export interface Explanation {
  /** Length of the answer. */
  tokens: number
  /** Of each sample on the answer's tokens: mean and standard error over them. Positive: it made the token likelier. */
  influences: Influence[]
  /** Of each sample, as the model sees it: the cosine, from -1 to 1. */
  similarities: number[]
  /** Rarest first. */
  spans: AnswerSpan[]
}

/** Traces an answer to training samples by three kinds of evidence, kept apart: influence, similarity, verbatim spans. */
export async function explainAnswer(input: ExplainAnswerInput, { emit, signal }: TaskContext): Promise<Explanation> {
  const { samples } = input
  if (samples.length === 0) throw new TaskError('There are no samples to trace the answer to.')
  const base = await loadBase(input.baseFolder)
  const adapter = await loadAdapter(base, input.adapterFolder)
  const { row, answer } = answerRow(base, input)
  const corpus = await corpusOf(base, adapter, input, signal)
  const tokens = answer.length
  if (tokens === 0) {
    const nothing = { mean: 0, standardError: 0 }
    return { tokens, influences: samples.map(() => nothing), similarities: samples.map(() => 0), spans: [] }
  }
  emit({ type: 'progress', done: 0.3, stage: 'measuring influence' })
  const influences = await influencesOn(base, adapter, input, row, tokens, signal)
  emit({ type: 'progress', done: 0.9, stage: 'finding spans' })
  const [embedding] = await corpus.embedder.embed([row], signal)
  const spans = corpus.spans.find(answer, { minLength: input.minSpan ?? 6, maxPlaces: corpus.spans.tokenCount })
  emit({ type: 'progress', done: 1, stage: 'traced' })
  return {
    tokens,
    influences,
    similarities: centredSimilarities(corpus.embeddings, embedding!),
    spans: spans.map(({ start, length, count, places }) => ({
      start,
      end: start + length,
      text: base.tokenizer.decode(answer.slice(start, start + length)),
      occurrences: count,
      samples: [...new Set(places.map(({ document }) => document))].sort((a, b) => a - b),
    })),
  }
}

/** Prompt and answer as one row in which the answer's own tokens count, not the one that ended it. */
function answerRow(base: Base, { prompt, answer: text }: ExplainAnswerInput): { row: TokenRow; answer: number[] } {
  const { prompt: before, completion } = encodePair(base, { prompt, completion: text })
  const end = base.endId === null ? -1 : completion.lastIndexOf(base.endId)
  const room = base.config.max_position_embeddings
  const whole = end < 0 ? completion : completion.slice(0, end)
  const answer = whole.slice(0, room - 1)
  const given = before.slice(-(room - answer.length))
  return { row: { ids: [...given, ...answer], mask: [...given.map(() => 0), ...answer.map(() => 1)] }, answer }
}

/** The gradient of every token's loss, sketched, against the sketches of the samples: DataInf in the sketches' space. */
async function influencesOn(
  { config, weights }: Base,
  { lora, weights: adapter }: LoadedAdapter,
  { samples, sketchFile }: ExplainAnswerInput,
  row: TokenRow,
  tokens: number,
  signal: AbortSignal,
): Promise<Influence[]> {
  const runner = onnxRuntime()
  const gradients = new ExampleGradients({ config, weights, lora, adapter, runner })
  const dataInf = new DataInf(runner)
  try {
    const projection = gradientSketch(gradients.sizes.reduce((a, b) => a + b, 0))
    const sketches = await Sketches.read(sketchFile, projection)
    if (sketches.count !== samples.length)
      throw new TaskError(
        `${sketchFile} holds ${sketches.count} sketches for ${samples.length} samples; give the samples of that run.`,
      )
    const width = projection.dimensions
    const train = new Float32Array(samples.length * width)
    for (let n = 0; n < samples.length; n++) train.set(sketches.at(n), n * width)
    const validation = new Float32Array(tokens * width)
    const first = row.ids.length - tokens
    const single = Array.from(
      { length: tokens },
      (_, token): TokenRow => ({
        ids: Array.from(row.ids).slice(0, first + token + 1),
        mask: Array.from({ length: first + token + 1 }, (_, at) => (at === first + token ? 1 : 0)),
      }),
    )
    for await (const { index, parts } of gradients.of(single, () => 1, signal))
      validation.set(projection.project(parts), index * width)
    return summarise(await dataInf.influences([{ width, train, validation }], signal), samples.length)
  } finally {
    await Promise.all([gradients.release(), dataInf.release()])
  }
}

interface Corpus {
  embedder: Embedder
  embeddings: Float32Array[]
  spans: SpanIndex
}

/** Corpora of the versions explained last: their samples are read once. */
const KEPT = 3
const corpora = new Map<string, Promise<Corpus>>()

async function corpusOf(
  base: Base,
  { lora, weights: adapter }: LoadedAdapter,
  { baseFolder, adapterFolder, samples }: ExplainAnswerInput,
  signal: AbortSignal,
): Promise<Corpus> {
  const texts = samples.map(({ prompt, completion }) => [prompt, completion])
  const key = createHash('sha256')
    .update(JSON.stringify([baseFolder, adapterFolder, texts]))
    .digest('hex')
  const known = corpora.get(key)
  corpora.delete(key)
  const corpus = known ?? readCorpus()
  corpora.set(key, corpus)
  corpus.catch(() => corpora.delete(key))
  if (corpora.size > KEPT) {
    const [oldest, evicted] = corpora.entries().next().value!
    corpora.delete(oldest)
    await (await evicted).embedder.release()
  }
  return corpus

  async function readCorpus(): Promise<Corpus> {
    const embedder = new Embedder({ config: base.config, weights: base.weights, lora, adapter })
    const rows = toExamples(base, samples)
    const spans = SpanIndex.build(rows.map(({ ids }) => ids))
    return { embedder, spans, embeddings: await embedder.embed(rows, signal) }
  }
}
