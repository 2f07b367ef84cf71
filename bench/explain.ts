import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSpanIndex, writeSpanIndex } from '#engine/spans/spanFile.ts'
import { SpanIndex } from '#engine/spans/spanIndex.ts'
import { Projection } from '#engine/stats/projection.ts'
import { Random } from '#engine/stats/random.ts'
import { Sketches } from '#engine/stats/sketches.ts'

/** One line of a report: what was measured, the median and worst of the runs, and what was aimed at. */
export type Figure = { what: string; median: number; worst: number; unit: string; target?: string }

/** Explaining an answer: verbatim spans in ten million training tokens, and influence over 10,000 cached sketches. */
export async function explain(): Promise<Figure[]> {
  return [...(await spans(10_000_000)), ...sketches(10_000, 2048, 5_000_000)]
}

/** Documents of words by a power law, half of them phrases that recur, as in natural text. */
function corpus(random: Random, tokens: number): Int32Array[] {
  const word = () => Math.floor(32_000 * random.uniform() ** 3)
  const phrases = Array.from({ length: 20_000 }, () => Array.from({ length: 4 + random.integer(12) }, word))
  const documents: Int32Array[] = []
  for (let total = 0; total < tokens; total += documents[documents.length - 1].length) {
    const document: number[] = []
    const length = 100 + random.integer(400)
    while (document.length < length) document.push(...(random.chance(0.5) ? random.choice(phrases) : [word()]))
    documents.push(Int32Array.from(document))
  }
  return documents
}

async function spans(tokens: number): Promise<Figure[]> {
  const random = new Random('explain')
  const documents = corpus(random, tokens)
  const folder = mkdtempSync(join(tmpdir(), 'explain-'))
  try {
    const build = time(1, () => SpanIndex.build(documents))
    const path = join(folder, 'index')
    await writeSpanIndex(path, build.result)
    const index = await readSpanIndex(path)
    const answers = Array.from({ length: 40 }, () => {
      const answer: number[] = []
      while (answer.length < 500) {
        const document = random.choice(documents)
        const at = random.integer(document.length - 50)
        answer.push(...document.subarray(at, at + 5 + random.integer(45)))
      }
      return answer
    })
    let next = 0
    const find = time(answers.length, () => index.find(answers[next++]))
    const look = time(5, () => scan(documents, answers[0], 8))
    const perToken = statSync(path).size / index.tokenCount
    const size = { median: perToken, worst: perToken, unit: 'bytes a token', target: '≤ 9' }
    return [
      figure('index of 10 M tokens, built', build.ms),
      { what: 'index of 10 M tokens, its file', ...size },
      figure('spans of an answer of 500 tokens', find.ms, '≤ 20 ms'),
      figure('the same by a scan that only finds where a span may begin', look.ms),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The peer: looks through everything for places where `length` tokens of the answer stand, by a rolling hash. */
function scan(documents: Int32Array[], answer: number[], length: number): number {
  const hashes = (tokens: ArrayLike<number>, use: (hash: number) => void) => {
    let out = 1
    for (let i = 1; i < length; i++) out = Math.imul(out, 0x01000193)
    let hash = 0
    for (let i = 0; i < tokens.length; i++) {
      if (i >= length) hash -= Math.imul(tokens[i - length], out)
      hash = (Math.imul(hash, 0x01000193) + tokens[i]) | 0
      if (i >= length - 1) use(hash)
    }
  }
  const wanted = new Set<number>()
  hashes(answer, (hash) => wanted.add(hash))
  let found = 0
  for (const document of documents) {
    hashes(document, (hash) => {
      if (wanted.has(hash)) found++
    })
  }
  return found
}

function sketches(count: number, dimensions: number, length: number): Figure[] {
  const random = new Random('sketches')
  const projection = new Projection({ seed: 1, length, dimensions })
  const gradient = random.fillUniform(new Float32Array(length), -1, 1)
  const project = time(3, () => projection.project(gradient))
  const store = Sketches.of(projection)
  for (let i = 0; i < count; i++) store.add(random.fillUniform(new Float32Array(dimensions), -1, 1))
  const top = time(15, () => store.top(project.result, 10))
  return [
    figure('sketch of a gradient of 5 M numbers in 2,048', project.ms),
    figure('influence of 10,000 cached sketches on one answer', top.ms, '≤ 100 ms'),
  ]
}

function time<T>(runs: number, work: () => T): { ms: number[]; result: T } {
  const ms: number[] = []
  let result!: T
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    result = work()
    ms.push(performance.now() - start)
  }
  return { ms, result }
}

function figure(what: string, ms: number[], target?: string): Figure {
  const sorted = [...ms].sort((a, b) => a - b)
  return { what, median: sorted[sorted.length >> 1], worst: sorted[sorted.length - 1], unit: 'ms', target }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await explain())
