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
import { Random } from '#engine/stats/random.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import { answerParts } from '#engine/tasks/explainAnswer.ts'
import { gradientSketch } from '#engine/tasks/influence.ts'
import { completionRow, type TokenRow } from '#engine/train/rows.ts'
import { type BenchReport, type Figure, figure, ratio } from './report.ts'

// Tracing one answer: its influences from 10,000 cached sketches against the gradients computed anew, and its verbatim
// spans in ten million training tokens against a scan of them.

const SAMPLES = 10_000
/** Samples whose gradients are computed anew; the time of all follows from theirs. */
const RECOMPUTED = 256
const SAMPLE_TOKENS = 64
const ANSWER_TOKENS = 40
const TRAINING_TOKENS = 10_000_000
const REPEATS = 7

export async function run(): Promise<BenchReport> {
  const random = new Random('attribute')
  const influence = await influences(random)
  const verbatim = await spans(random)
  const [cached, whole] = [
    influence.ours['influence of 10,000 sketches']!,
    influence.ours['with the answer’s gradient']!,
  ]
  return {
    bench: 'attribute',
    ours: { ...influence.ours, ...verbatim.ours },
    peers: { 'gradients computed anew': influence.anew, scan: verbatim.scan },
    ratios: {
      'gradients computed anew influence': ratio(cached, influence.anew.influence!, { lower: true }),
      'gradients computed anew, with the answer’s gradient': ratio(whole, influence.anew.influence!, { lower: true }),
      'scan spans': ratio(verbatim.ours['spans of 500 tokens']!, verbatim.scan.spans!, { lower: true }),
    },
    limit: { 'influence of 10,000 sketches': 100, 'spans of 500 tokens': 20, 'index, bytes a token': 9 },
  }
}

/** A model of the example's size, an adapter of its rank. The sketches' numbers do not matter to their time: they are drawn. */
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
  let sketched!: SketchedInfluence
  const prepared = await repeated(1, async () => {
    sketched = await SketchedInfluence.create(sketches)
  })
  const answer = completionRow(tokens(24), tokens(ANSWER_TOKENS))
  const parts = answerParts(answer, ANSWER_TOKENS)
  const query = await collect(parts)
  await sketched.estimate(query)
  const cached = await repeated(REPEATS, () => sketched.estimate(query))
  const whole = await repeated(REPEATS, async () => sketched.estimate(await collect(parts)))
  const samples = Array.from({ length: RECOMPUTED }, () => completionRow(tokens(24), tokens(SAMPLE_TOKENS - 24)))
  await collect(samples.slice(0, 8))
  const anew = await repeated(5, () => collect(samples))
  await Promise.all([gradients.release(), sketched.release()])
  return {
    ours: {
      'influence of 10,000 sketches': figure(cached, 'ms'),
      'with the answer’s gradient': figure(whole, 'ms'),
      'sketches, made ready once': figure(prepared, 'ms'),
    } as Record<string, Figure>,
    anew: {
      influence: figure(
        anew.map((ms) => (ms * SAMPLES) / RECOMPUTED),
        'ms',
      ),
    } as Record<string, Figure>,
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
    const answers = Array.from({ length: 40 }, () => quotes(random, documents, 500))
    const found: number[] = []
    for (const answer of answers) found.push(...(await repeated(1, async () => index.find(answer))))
    const scanned = await repeated(5, async () => scan(documents, answers[0]!, 8))
    const bytes = (await stat(path)).size / index.tokenCount
    return {
      ours: {
        'spans of 500 tokens': figure(found, 'ms'),
        'index, bytes a token': figure([bytes], 'bytes'),
        'index, built': figure([build], 'ms'),
      } as Record<string, Figure>,
      scan: { spans: figure(scanned, 'ms') } as Record<string, Figure>,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Documents of words by a power law, half of them phrases that recur, as in natural text. */
function corpus(random: Random, tokens: number): Int32Array[] {
  const word = () => Math.floor(32_000 * random.uniform() ** 3)
  const phrases = Array.from({ length: 20_000 }, () => Array.from({ length: 4 + random.integer(12) }, word))
  const documents: Int32Array[] = []
  for (let total = 0; total < tokens; total += documents.at(-1)!.length) {
    const document: number[] = []
    const length = 100 + random.integer(400)
    while (document.length < length) document.push(...(random.chance(0.5) ? random.choice(phrases) : [word()]))
    documents.push(Int32Array.from(document))
  }
  return documents
}

/** An answer pieced together from stretches of documents. */
function quotes(random: Random, documents: Int32Array[], length: number): number[] {
  const answer: number[] = []
  while (answer.length < length) {
    const document = random.choice(documents)
    const at = random.integer(document.length - 50)
    answer.push(...document.subarray(at, at + 5 + random.integer(45)))
  }
  return answer.slice(0, length)
}

/** The peer: looks through everything for places where `length` tokens of the answer stand, by a rolling hash; it finds only where a span may begin. */
function scan(documents: Int32Array[], answer: number[], length: number): number {
  const hashes = (tokens: ArrayLike<number>, use: (hash: number) => void) => {
    let out = 1
    for (let i = 1; i < length; i++) out = Math.imul(out, 0x01000193)
    let hash = 0
    for (let i = 0; i < tokens.length; i++) {
      if (i >= length) hash -= Math.imul(tokens[i - length]!, out)
      hash = (Math.imul(hash, 0x01000193) + tokens[i]!) | 0
      if (i >= length - 1) use(hash)
    }
  }
  const wanted = new Set<number>()
  hashes(answer, (hash) => wanted.add(hash))
  let found = 0
  for (const document of documents)
    hashes(document, (hash) => {
      if (wanted.has(hash)) found++
    })
  return found
}

/** Milliseconds of each run. */
async function repeated(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = []
  for (let time = 0; time < times; time++) {
    const begin = performance.now()
    await work()
    found.push(performance.now() - begin)
  }
  return found
}
