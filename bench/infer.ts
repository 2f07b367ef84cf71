import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { type ModelConfig, smallConfig, writeConfig } from '#engine/model/config.ts'
import { countParameters, initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#engine/stats/random.ts'
import { writeGguf } from './peers/gguf.ts'
import { type BenchReport, figure, ratio } from './report.ts'

// Greedy answers against llama.cpp on the CPU: the same 32-bit weights, prompts and token counts, in turns, so that
// whatever else the machine does disturbs both alike. Both run in a process of their own, whose peak memory is told.
// Ours has two threads; llama.cpp, which falls off steeply where a core is not free, the better of one and two.

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
/** What sixteen adapters should reach of one. */
const ADAPTERS_TARGET = 0.8

/** Installs llama.cpp with its binary for this platform, apart from the product; nothing is compiled. */
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

/** `BENCH_CASES=1M,30M` chooses cases; all by default. */
export async function run(): Promise<BenchReport> {
  const report: BenchReport = { bench: 'infer', ours: {}, peers: {}, ratios: {}, limit: {}, absent: [] }
  const chosen = process.env.BENCH_CASES?.split(',')
  const unknown = chosen?.find((name) => !CASES.some((each) => each.name === name))
  if (unknown !== undefined)
    throw new Error(`BENCH_CASES names ${unknown}; the cases are ${CASES.map(({ name }) => name).join(', ')}.`)
  for (const each of CASES)
    if (!chosen || chosen.includes(each.name)) {
      report.limit[`load average before ${each.name}`] = loadavg()[0]!
      await measure(each, report)
      report.limit[`load average after ${each.name}`] = loadavg()[0]!
    }
  return report
}

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
      report.absent!.push(`llama.cpp ${name}: not installed; run "npm run bench -- infer --setup"`)
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
      const [threads, llama] = (await quickest(llamas, ask)) ?? []
      const [mine, theirs] = await inTurns(rounds, [
        () => ours.answer(ask),
        ...(llama ? [() => llama.answer(ask)] : []),
      ])
      report.ours[title] = rate(mine!, rows * count)
      report.ours[`${title} peak memory`] = figure(
        mine!.map(({ peakMiB }) => peakMiB),
        'MiB',
      )
      report.limit[`target ratio ${title}`] = target
      console.log(
        `${title}: ours ${report.ours[title].median} tokens/s, peak ${report.ours[`${title} peak memory`]!.median} MiB`,
      )
      if (!theirs) continue
      const peer = (report.peers['llama.cpp'] ??= {})
      peer[title] = rate(theirs, rows * count)
      peer[`${title} peak memory`] = figure(
        theirs.map(({ peakMiB }) => peakMiB),
        'MiB',
      )
      report.ratios[`llama.cpp ${title}`] = ratio(report.ours[title], peer[title])
      const same = mine![0]!.tokens.filter((tokens, row) => `${tokens}` === `${theirs[0]!.tokens[row]}`).length
      report.limit[`same answers ${title}`] = same / rows
      report.limit[`llama.cpp threads ${title}`] = threads!
      console.log(
        `${title}: llama.cpp ${peer[title].median} tokens/s on ${threads} of its threads; ${same} of ${rows} answers are the same, token for token`,
      )
    }

    const title = `${name} batch ${MAX_BATCH}`
    const ask = { prompts, count }
    const turns = [() => ours.answer({ ...ask, adapters: 'one' }), () => ours.answer({ ...ask, adapters: 'many' })]
    const [one, many] = (await inTurns(2 * rounds, turns)) as [InferenceResult[], InferenceResult[]]
    report.ours[`${title}, one adapter`] = rate(one, MAX_BATCH * count)
    report.ours[`${title}, ${MAX_BATCH} adapters`] = rate(many, MAX_BATCH * count)
    report.ours[`${title}, ${MAX_BATCH} adapters peak memory`] = figure(
      many.map(({ peakMiB }) => peakMiB),
      'MiB',
    )
    report.ratios[`one adapter ${title}`] = ratio(
      report.ours[`${title}, ${MAX_BATCH} adapters`]!,
      report.ours[`${title}, one adapter`]!,
    )
    report.limit[`target ratio ${title} adapters`] = ADAPTERS_TARGET
    console.log(
      `${title}: one adapter ${report.ours[`${title}, one adapter`]!.median}, ${MAX_BATCH} adapters ${report.ours[`${title}, ${MAX_BATCH} adapters`]!.median} tokens/s`,
    )
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

/** The thread count that is quicker with the start of an answer, the second time: the first compiles and allocates. */
async function quickest(
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

/** Each in turn, after one round that is not counted. */
async function inTurns(
  rounds: number,
  sides: readonly (() => Promise<InferenceResult>)[],
): Promise<InferenceResult[][]> {
  for (const side of sides) await side()
  const found: InferenceResult[][] = sides.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, side] of sides.entries()) found[index]!.push(await side())
  return found
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

/** One of the two, in a process of its own: a line asks, a line answers. */
class InferenceProcess {
  private readonly lines: AsyncIterator<string>
  private said = ''

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.on('data', (chunk) => {
      this.said = (this.said + chunk).slice(-2000)
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
    if (done) throw new Error(`A side of the benchmark ended: ${this.said.trim()}`)
    return JSON.parse(value)
  }

  stop(): void {
    this.child.kill()
  }
}
