import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { type ModelConfig, smallConfig, writeConfig } from '#engine/model/config.ts'
import { countParameters, initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#math/random.ts'
import { writeGguf } from './peers/gguf.ts'
import { type BenchReport, emptyReport, figure, ratio } from './report.ts'

// Greedy generation compared with llama.cpp on the CPU: the same 32-bit weights, prompts and numbers of tokens, in turns, so
// that other load on the machine affects both equally. Each runs in a child process, which reports its peak memory. Ours has
// two threads; llama.cpp, which becomes much slower when a core is busy, has one or two, whichever is faster.

const PEERS = join(import.meta.dirname, 'peers')
const LLAMA = join(PEERS, 'llama')
const THREADS = 2
const PROMPT = 16

interface Case {
  name: string
  config: ModelConfig
  /** New tokens of each answer. */
  count: number
  rounds: number
}

const CASES: readonly Case[] = [
  {
    name: '1M',
    config: smallConfig({
      vocab_size: 1024,
      hidden_size: 128,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 512,
    }),
    count: 128,
    rounds: 7,
  },
  {
    name: '30M',
    config: smallConfig({
      vocab_size: 8000,
      hidden_size: 512,
      num_hidden_layers: 8,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      max_position_embeddings: 512,
    }),
    count: 32,
    rounds: 5,
  },
]

const BATCHES = [
  { rows: 1, target: 0.8 },
  { rows: 16, target: 1 },
]
const MAX_BATCH = 16
/** Target: the rate with sixteen adapters, relative to the rate with one. */
const ADAPTERS_TARGET = 0.8

/** Installs llama.cpp with its binary for this platform, separate from the product; nothing is compiled. */
export async function setup(): Promise<void> {
  const npm = (...args: string[]) =>
    execFileSync('npm', [...args, '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: LLAMA,
      stdio: 'inherit',
    })
  npm('install')
  const { version } = await import(join(LLAMA, 'node_modules/node-llama-cpp/package.json'), {
    with: { type: 'json' },
  }).then((module) => module.default as { version: string })
  const platform = { darwin: 'mac', win32: 'win', linux: 'linux' }[process.platform as 'linux']
  const variant = process.platform === 'darwin' && process.arch === 'arm64' ? 'arm64-metal' : process.arch
  npm('install', '--no-save', `@node-llama-cpp/${platform}-${variant}@${version}`)
}

/** `BENCH_CASES=1M,30M` selects cases; default: all. */
export async function run(): Promise<BenchReport> {
  const report = emptyReport('infer')
  const chosen = process.env.BENCH_CASES?.split(',')
  const unknown = chosen?.find((name) => !CASES.some((each) => each.name === name))
  if (unknown !== undefined)
    throw new Error(`BENCH_CASES names ${unknown}; the cases are ${CASES.map(({ name }) => name).join(', ')}.`)
  for (const each of CASES)
    if (!chosen || chosen.includes(each.name)) {
      report.limit[`load average before ${each.name}`] = loadAverage()
      await measure(each, report)
      report.limit[`load average after ${each.name}`] = loadAverage()
    }
  return report
}

const loadAverage = (): number => loadavg()[0] ?? 0

async function measure({ name, config, count, rounds }: Case, report: BenchReport): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-infer-'))
  const weights = initialWeights(config, name)
  const random = new Random(name)
  const prompts = Array.from({ length: MAX_BATCH }, () =>
    Array.from({ length: PROMPT }, () => random.integer(config.vocab_size)),
  )
  const sides: InferenceProcess[] = []
  try {
    await writeCheckpoint(join(folder, 'model'), { config: writeConfig(config), weights })
    await writeGguf(join(folder, 'model.gguf'), config, weights)
    const ours = await InferenceProcess.start([
      '--import',
      'tsx',
      join(PEERS, 'ours.ts'),
      join(folder, 'model'),
      `${THREADS}`,
      `${MAX_BATCH}`,
    ])
    sides.push(ours)
    const llamas = new Map<number, InferenceProcess>()
    if (!existsSync(join(LLAMA, 'node_modules')))
      report.absent.push(`llama.cpp ${name}: not installed; run "npm run bench -- infer --setup"`)
    else
      for (const threads of [1, THREADS]) {
        const file = join(folder, 'model.gguf')
        const side = await InferenceProcess.start([
          join(LLAMA, 'generate.mjs'),
          file,
          `${threads}`,
          `${PROMPT + count + 8}`,
        ])
        sides.push(side)
        llamas.set(threads, side)
      }
    console.log(`${name}: ${countParameters(weights)} parameters`)

    for (const { rows, target } of BATCHES) {
      const title = `${name} batch ${rows}`
      const ask = { prompts: prompts.slice(0, rows), count }
      const [threads, llama] = (await fastest(llamas, ask)) ?? []
      const turns = [() => ours.answer(ask), ...(llama ? [() => llama.answer(ask)] : [])]
      const [mine = [], theirs] = await inTurns(rounds, turns)
      const [own, memory] = [rate(mine, rows * count), peakMemory(mine)]
      report.ours[title] = own
      report.ours[`${title} peak memory`] = memory
      report.limit[`target ratio ${title}`] = target
      console.log(`${title}: ours ${own.median} tokens/s, peak ${memory.median} MiB`)
      if (!theirs || threads === undefined) continue
      const peer = (report.peers['llama.cpp'] ??= {})
      peer[title] = rate(theirs, rows * count)
      peer[`${title} peak memory`] = peakMemory(theirs)
      report.ratios[`llama.cpp ${title}`] = ratio(own, peer[title])
      const same = mine[0]?.tokens.filter((tokens, row) => `${tokens}` === `${theirs[0]?.tokens[row]}`).length ?? 0
      report.limit[`same answers ${title}`] = same / rows
      report.limit[`llama.cpp threads ${title}`] = threads
      console.log(
        `${title}: llama.cpp ${peer[title].median} tokens/s with ${threads} threads; ${same} of ${rows} answers have the same tokens`,
      )
    }

    const title = `${name} batch ${MAX_BATCH}`
    const ask = { prompts, count }
    const turns = [() => ours.answer({ ...ask, adapters: 'one' }), () => ours.answer({ ...ask, adapters: 'many' })]
    const [one, many] = (await inTurns(2 * rounds, turns)) as [InferenceResult[], InferenceResult[]]
    const [withOne, withMany] = [rate(one, MAX_BATCH * count), rate(many, MAX_BATCH * count)]
    report.ours[`${title}, one adapter`] = withOne
    report.ours[`${title}, ${MAX_BATCH} adapters`] = withMany
    report.ours[`${title}, ${MAX_BATCH} adapters peak memory`] = peakMemory(many)
    report.ratios[`one adapter ${title}`] = ratio(withMany, withOne)
    report.limit[`target ratio ${title} adapters`] = ADAPTERS_TARGET
    console.log(`${title}: one adapter ${withOne.median}, ${MAX_BATCH} adapters ${withMany.median} tokens/s`)
  } finally {
    for (const side of sides) side.stop()
    await rm(folder, { recursive: true })
  }
}

const rate = (answers: readonly InferenceResult[], tokens: number) =>
  figure(
    answers.map(({ seconds }) => tokens / seconds),
    'tokens/s',
  )

const peakMemory = (answers: readonly InferenceResult[]) =>
  figure(
    answers.map(({ peakMiB }) => peakMiB),
    'MiB',
  )

/** The number of threads that generates the first tokens fastest, at the second attempt: the first one compiles and allocates. */
async function fastest(
  sides: ReadonlyMap<number, InferenceProcess>,
  ask: InferenceRequest,
): Promise<[number, InferenceProcess] | undefined> {
  let best: [number, InferenceProcess] | undefined
  let least = Number.POSITIVE_INFINITY
  const start = { ...ask, count: Math.min(ask.count, 8) }
  for (const each of sides) {
    await each[1].answer(start)
    const { seconds } = await each[1].answer(start)
    if (seconds < least) {
      least = seconds
      best = each
    }
  }
  return best
}

/** Runs all in turn, after one round that is not measured. */
async function inTurns(
  rounds: number,
  sides: readonly (() => Promise<InferenceResult>)[],
): Promise<InferenceResult[][]> {
  for (const side of sides) await side()
  const turns = sides.map((side) => ({ side, found: [] as InferenceResult[] }))
  for (let round = 0; round < rounds; round++) for (const { side, found } of turns) found.push(await side())
  return turns.map(({ found }) => found)
}

interface InferenceRequest {
  prompts: number[][]
  count: number
  adapters?: 'one' | 'many'
}

interface InferenceResult {
  seconds: number
  tokens: number[][]
  peakMiB: number
}

/** One implementation in a child process: a line of input is a request, a line of output its result. */
class InferenceProcess {
  private readonly lines: AsyncIterator<string>
  private output = ''

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.on('data', (chunk) => {
      this.output = (this.output + chunk).slice(-2000)
    })
  }

  static async start(args: readonly string[]): Promise<InferenceProcess> {
    const side = new InferenceProcess(spawn(process.execPath, args))
    await side.read()
    return side
  }

  answer(asked: InferenceRequest): Promise<InferenceResult> {
    this.child.stdin.write(`${JSON.stringify(asked)}\n`)
    return this.read() as Promise<InferenceResult>
  }

  private async read(): Promise<unknown> {
    const { value, done } = await this.lines.next()
    if (done) throw new Error(`A process of the benchmark ended: ${this.output.trim()}`)
    return JSON.parse(value)
  }

  stop(): void {
    this.child.kill()
  }
}
