import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExampleGradients } from '#engine/explain/gradients.ts'
import { SketchedInfluence } from '#engine/explain/sketchedInfluence.ts'
import { smallConfig } from '#engine/model/config.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { SpanIndex } from '#engine/spans/spanIndex.ts'
import { readSpanIndex, writeSpanIndex } from '#engine/spans/test/spanFile.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import { answerParts } from '#engine/tasks/explainAnswer.ts'
import { gradientSketch } from '#engine/tasks/influence.ts'
import { completionRow, type TokenRow } from '#engine/train/rows.ts'
import { Random } from '#math/random.ts'
import { scan } from './attribution/scan.ts'
import { type BenchReport, figure, ratio } from './report.ts'

// Attribution of one answer: its influences from 10,000 cached sketches compared with gradients that are computed again, and
// its verbatim spans in ten million training tokens compared with a scan of all tokens.

const SAMPLES = 10_000
/** Samples whose gradients are computed again; the time for all samples is extrapolated. */
const RECOMPUTED = 256
const SAMPLE_TOKENS = 64
const ANSWER_TOKENS = 40
const TRAINING_TOKENS = 10_000_000
const REPEATS = 7

export async function run(): Promise<BenchReport> {
  const random = new Random('attribute')
  const influence = await influences(random)
  const verbatim = await spans(random)
  return {
    bench: 'attribute',
    ours: {
      'influence of 10,000 sketches': influence.cached,
      'with the answer’s gradient': influence.withGradient,
      'preparation of the sketches': influence.preparation,
      'spans of 500 tokens': verbatim.search,
      'index, bytes per token': verbatim.bytesPerToken,
      'index, construction': verbatim.construction,
    },
    peers: { 'gradients computed again': { influence: influence.recomputed }, scan: { spans: verbatim.scan } },
    ratios: {
      'gradients computed again influence': ratio(influence.cached, influence.recomputed, { lower: true }),
      'gradients computed again, with the answer’s gradient': ratio(influence.withGradient, influence.recomputed, {
        lower: true,
      }),
      'scan spans': ratio(verbatim.search, verbatim.scan, { lower: true }),
    },
    limit: { 'influence of 10,000 sketches': 100, 'spans of 500 tokens': 20, 'index, bytes per token': 9 },
    absent: [],
  }
}

/** A model of the size of the example, with an adapter of its rank. The sketches are random: their values do not affect the time. */
async function influences(random: Random) {
  const config = smallConfig({ vocab_size: 1024, hidden_size: 144, num_hidden_layers: 4, num_attention_heads: 6 })
  const lora = loraConfig({ rank: 16 })
  const adapter = initialAdapter(config, lora, 1)
  for (const { data } of adapter.values()) random.fillUniform(data, -0.1, 0.1)
  const gradients = new ExampleGradients({ config, weights: initialWeights(config, 1), lora, adapter })
  const projection = gradientSketch(gradients.sizes.reduce((a, b) => a + b, 0))
  const tokens = (count: number) => Array.from({ length: count }, () => random.integer(1024))
  const collect = async (rows: readonly TokenRow[]) => {
    const found: Float32Array[] = []
    for await (const { index, parts } of gradients.stream(rows)) found[index] = projection.project(parts)
    return found
  }
  const sketches = Sketches.empty(projection)
  for (let n = 0; n < SAMPLES; n++) sketches.add(random.fillUniform(new Float32Array(projection.dimensions), -1, 1))
  const begin = performance.now()
  const sketched = await SketchedInfluence.create(sketches)
  const prepared = performance.now() - begin
  const answer = completionRow(tokens(24), tokens(ANSWER_TOKENS))
  const parts = answerParts(answer, ANSWER_TOKENS)
  const query = await collect(parts)
  await sketched.estimate(query)
  const cached = await repeated(REPEATS, () => sketched.estimate(query))
  const withGradient = await repeated(REPEATS, async () => sketched.estimate(await collect(parts)))
  const samples = Array.from({ length: RECOMPUTED }, () => completionRow(tokens(24), tokens(SAMPLE_TOKENS - 24)))
  await collect(samples.slice(0, 8))
  const recomputed = await repeated(5, () => collect(samples))
  await Promise.all([gradients.release(), sketched.release()])
  return {
    cached: figure(cached, 'ms'),
    withGradient: figure(withGradient, 'ms'),
    preparation: figure([prepared], 'ms'),
    recomputed: figure(
      recomputed.map((ms) => (ms * SAMPLES) / RECOMPUTED),
      'ms',
    ),
  }
}

async function spans(random: Random) {
  const documents = corpus(random, TRAINING_TOKENS)
  const folder = await mkdtemp(join(tmpdir(), 'attribute-'))
  try {
    const begin = performance.now()
    const built = SpanIndex.build(documents)
    const build = performance.now() - begin
    const path = join(folder, 'index')
    await writeSpanIndex(path, built)
    const index = await readSpanIndex(path)
    const answer = quotes(random, documents, 500)
    const answers = [answer, ...Array.from({ length: 39 }, () => quotes(random, documents, 500))]
    const found: number[] = []
    for (const each of answers) found.push(...(await repeated(1, async () => index.find(each))))
    const scanned = await repeated(5, async () => scan(documents, answer, 8))
    const bytes = (await stat(path)).size / index.tokenCount
    return {
      search: figure(found, 'ms'),
      bytesPerToken: figure([bytes], 'bytes'),
      construction: figure([build], 'ms'),
      scan: figure(scanned, 'ms'),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Documents of words that follow a power law; half of them are recurring phrases, as in natural text. */
function corpus(random: Random, tokens: number): Int32Array[] {
  const word = () => Math.floor(32_000 * random.uniform() ** 3)
  const phrases = Array.from({ length: 20_000 }, () => Array.from({ length: 4 + random.integer(12) }, word))
  const documents: Int32Array[] = []
  for (let total = 0; total < tokens; ) {
    const document: number[] = []
    const length = 100 + random.integer(400)
    while (document.length < length) document.push(...(random.chance(0.5) ? random.choice(phrases) : [word()]))
    documents.push(Int32Array.from(document))
    total += document.length
  }
  return documents
}

/** An answer composed of passages from documents. */
function quotes(random: Random, documents: Int32Array[], length: number): number[] {
  const answer: number[] = []
  while (answer.length < length) {
    const document = random.choice(documents)
    const at = random.integer(document.length - 50)
    answer.push(...document.subarray(at, at + 5 + random.integer(45)))
  }
  return answer.slice(0, length)
}

/** The milliseconds of each run. */
async function repeated(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = []
  for (let time = 0; time < times; time++) {
    const begin = performance.now()
    await work()
    found.push(performance.now() - begin)
  }
  return found
}
