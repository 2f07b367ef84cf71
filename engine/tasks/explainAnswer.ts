import { createHash } from 'node:crypto'
import { centredSimilarities, Embedder } from '#engine/explain/embeddings.ts'
import { ExampleGradients } from '#engine/explain/gradients.ts'
import type { InfluenceEstimate } from '#engine/explain/influence.ts'
import { SketchedInfluence } from '#engine/explain/sketchedInfluence.ts'
import { ReleasingCache } from '#engine/graph/releasingCache.ts'
import { SpanIndex } from '#engine/spans/spanIndex.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import type { TokenRow } from '#engine/train/rows.ts'
import { encodePair, type Prompt, type TextPair } from './encode.ts'
import { toExamples } from './fineTune.ts'
import { gradientSketch } from './influence.ts'
import { type BaseModel, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { refusable, type TaskContext, TaskError } from './task.ts'

export interface ExplainAnswerTaskInput {
  baseFolder: string
  adapterFolder: string
  prompt: Prompt
  answer: string
  /** The adapter's training samples, in the order of the sketches. */
  samples: readonly (TextPair & { id?: string })[]
  /** The file that the task `influence` wrote. */
  sketchFile: string
  /** Minimum number of tokens of a span. Default 6. */
  minSpan?: number
}

export interface AnswerSpan {
  /** The span is the tokens `[start, end)` of the answer. */
  start: number
  end: number
  text: string
  /** Number of occurrences in all samples. */
  occurrences: number
  /** Indices of the samples that contain it, ascending. */
  samples: number[]
}

export interface AnswerExplanation {
  /** Number of tokens of the answer. */
  tokens: number
  /** Number of parts into which the answer was divided to estimate standard errors. */
  parts: number
  /** Influence of each sample on the answer's tokens: mean and standard error over the parts. A positive value means that the sample made the tokens more likely. */
  influences: InfluenceEstimate[]
  /** Cosine similarity of each sample's embedding to the answer's, from -1 to 1. */
  similarities: number[]
  /** Rarest first. */
  spans: AnswerSpan[]
}

/** Traces an answer to training samples by three separate kinds of evidence: influence, similarity, verbatim spans. */
export async function explainAnswerTask(
  input: ExplainAnswerTaskInput,
  { emit, signal }: TaskContext,
): Promise<AnswerExplanation> {
  const { samples } = input
  if (samples.length === 0)
    throw new TaskError('There are no samples to trace the answer to; give the adapter’s training samples.')
  const base = await loadBase(input.baseFolder)
  const adapter = await loadAdapter(base, input.adapterFolder)
  // A template may take a conversation, and refuse it with its answer: who asked has chosen it.
  const { row, answer } = refusable('The answer with its prompt', () => answerRow(base, input))
  const corpus = await corpusOf(base, adapter, input, signal)
  const tokens = answer.length
  if (tokens === 0) {
    const nothing = { mean: 0, standardError: 0 }
    return { tokens, parts: 0, influences: samples.map(() => nothing), similarities: samples.map(() => 0), spans: [] }
  }
  emit({ type: 'progress', done: 0.3, stage: 'measuring influence' })
  const influences = await influencesOn(corpus.gradients, corpus.sketched, row, tokens, signal)
  emit({ type: 'progress', done: 0.9, stage: 'finding spans' })
  const [embedding] = await corpus.embedder.embed([row], adapter.weights, signal)
  if (!embedding) throw new Error('The answer has no embedding.')
  const spans = corpus.spans.find(answer, { minLength: input.minSpan ?? 6, maxPositions: corpus.spans.tokenCount })
  emit({ type: 'progress', done: 1, stage: 'traced' })
  return {
    tokens,
    parts: Math.min(MAX_PARTS, tokens),
    influences,
    similarities: centredSimilarities(corpus.embeddings, embedding),
    spans: spans.map(({ start, length, count, positions }) => ({
      start,
      end: start + length,
      text: base.tokenizer.decode(answer.slice(start, start + length)),
      occurrences: count,
      samples: [...new Set(positions.map(({ document }) => document))].sort((a, b) => a - b),
    })),
  }
}

/** Prompt and answer as one row; the mask is 1 for the answer's tokens without the end token. */
function answerRow(
  base: BaseModel,
  { prompt, answer: text }: ExplainAnswerTaskInput,
): { row: TokenRow; answer: number[] } {
  const { prompt: before, completion } = encodePair(base, { prompt, completion: text })
  const end = base.endId === null ? -1 : completion.lastIndexOf(base.endId)
  const room = base.config.max_position_embeddings
  const whole = end < 0 ? completion : completion.slice(0, end)
  const answer = whole.slice(0, room - 1)
  const given = before.slice(-(room - answer.length))
  return { row: { ids: [...given, ...answer], mask: [...given.map(() => 0), ...answer.map(() => 1)] }, answer }
}

/** Maximum number of parts of an answer. The spread over the parts gives the standard errors of its influences. */
const MAX_PARTS = 16

/** Influence on the answer: sketched gradients of each part's loss, with the sketches of the samples. */
async function influencesOn(
  gradients: ExampleGradients,
  sketched: SketchedInfluence,
  row: TokenRow,
  tokens: number,
  signal: AbortSignal,
): Promise<InfluenceEstimate[]> {
  const projection = projectionFor(gradients)
  const parts = answerParts(row, tokens)
  const sketches = new Array<Float32Array>(parts.length)
  // A part's loss is a sum over tokens. With the factor parts / tokens, the mean over parts is the mean over tokens.
  for await (const { index, parts: found } of gradients.stream(parts, () => parts.length / tokens, signal))
    sketches[index] = projection.project(found)
  return sketched.estimate(sketches)
}

/** Divides the answer into consecutive parts of similar length. Each row contains all tokens up to the end of its part. */
export function answerParts({ ids }: TokenRow, tokens: number): TokenRow[] {
  const first = ids.length - tokens
  const count = Math.min(MAX_PARTS, tokens)
  const border = (part: number) => first + Math.round((part * tokens) / count)
  return Array.from({ length: count }, (_, part) => ({
    ids: Array.from(ids).slice(0, border(part + 1)),
    mask: Array.from({ length: border(part + 1) }, (_, at) => (at >= border(part) ? 1 : 0)),
  }))
}

const projectionFor = ({ sizes }: ExampleGradients) => gradientSketch(sizes.reduce((a, b) => a + b, 0))

interface Corpus {
  gradients: ExampleGradients
  sketched: SketchedInfluence
  embedder: Embedder
  embeddings: Float32Array[]
  spans: SpanIndex
}

/** Cache of corpora, so that the samples of a version are read once. */
const MAX_CORPORA = 3
const corpora = new ReleasingCache<string, Corpus>(MAX_CORPORA, ({ embedder, gradients, sketched }) =>
  Promise.all([embedder.release(), gradients.release(), sketched.release()]),
)

async function corpusOf(
  base: BaseModel,
  { lora, weights: adapter }: LoadedAdapter,
  { baseFolder, adapterFolder, samples, sketchFile }: ExplainAnswerTaskInput,
  signal: AbortSignal,
): Promise<Corpus> {
  const texts = samples.map(({ prompt, completion }) => [prompt, completion])
  const key = createHash('sha256')
    .update(JSON.stringify([baseFolder, adapterFolder, texts]))
    .digest('hex')
  return corpora.get(key, readCorpus)

  async function readCorpus(): Promise<Corpus> {
    const { config, weights } = base
    const gradients = new ExampleGradients({ config, weights, lora, adapter })
    const sketches = await Sketches.read(sketchFile, projectionFor(gradients))
    if (sketches.count !== samples.length)
      throw new TaskError(
        `${sketchFile} contains ${sketches.count} sketches for ${samples.length} samples; give the samples of that run.`,
      )
    const sketched = await SketchedInfluence.create(sketches)
    const embedder = new Embedder({ config, weights, lora })
    const rows = toExamples(base, samples)
    const spans = SpanIndex.build(rows.map(({ ids }) => ids))
    return { gradients, sketched, embedder, spans, embeddings: await embedder.embed(rows, adapter, signal) }
  }
}
