import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writeAdapter } from '#engine/formats/adapter.ts'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { type ModelConfig, smallConfig, writeConfig } from '#engine/model/config.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { countParameters, initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#engine/stats/random.ts'
import { supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { type Figure, figure, type Report, ratio } from './report.ts'

// LoRA fine-tuning against PyTorch + PEFT on the CPU: the same model, adapter, batch, optimiser and two threads, in
// turns of a few steps, so that whatever else the machine does disturbs both alike.

const PEERS = join(import.meta.dirname, 'peers')
const PYTHON = join(PEERS, '.venv/bin/python')
const UNIT = 'tokens/s'
const THREADS = 2

interface Case {
  name: string
  config: ModelConfig
  batch: number
  length: number
  /** Steps of one turn; every step is one measurement. */
  turn: number
  /** The ratio to PyTorch that is aimed at, at least. */
  target: number
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
    }),
    batch: 8,
    length: 64,
    turn: 5,
    target: 1,
  },
  {
    name: '30M',
    config: smallConfig({
      vocab_size: 8000,
      hidden_size: 512,
      num_hidden_layers: 8,
      num_attention_heads: 8,
      num_key_value_heads: 4,
    }),
    batch: 4,
    length: 128,
    turn: 3,
    target: 0.8,
  },
  {
    name: '125M',
    config: smallConfig({ vocab_size: 32_000, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 }),
    batch: 2,
    length: 128,
    turn: 2,
    target: 0.8,
  },
]

const MODES = ['eager', 'compiled'] as const
const TURNS = 4
const LEARNING_RATE = 1e-3

/** Installs the Python peers apart from the product. */
export async function setup(): Promise<void> {
  execFileSync('python3', ['-m', 'venv', join(PEERS, '.venv')], { stdio: 'inherit' })
  execFileSync(PYTHON, ['-m', 'pip', 'install', 'torch', 'transformers', 'peft'], { stdio: 'inherit' })
}

/** `BENCH_CASES=1M,30M` and `BENCH_PEERS=eager` choose cases and peers; all by default. */
export async function run(): Promise<Report> {
  const report: Report = { bench: 'train', ours: {}, peers: {}, ratios: {}, limit: {}, absent: [] }
  const chosen = process.env.BENCH_CASES?.split(',')
  for (const each of CASES) if (!chosen || chosen.includes(each.name)) await measure(each, report)
  return report
}

async function measure({ name, config, batch, length, turn, target }: Case, report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-train-'))
  const lora = loraConfig({ rank: 8, alpha: 16 })
  const weights = initialWeights(config, name)
  const adapter = initialAdapter(config, lora, name)
  const random = new Random(name)
  const rows = Array.from({ length: batch }, () =>
    Array.from({ length: length + 1 }, () => random.integer(config.vocab_size)),
  )
  const trainer = new Trainer({
    config,
    weights,
    lora,
    adapter,
    objective: supervised,
    seed: 1,
    microBatch: batch,
    runner: onnxRuntime({ device: 'cpu', threads: THREADS }),
  })
  const examples = rows.map((ids) => ({ ids, mask: ids.map(() => 1) }))
  const peers: Peer[] = []
  try {
    await writeCheckpoint(join(folder, 'model'), { config: writeConfig(config), weights })
    const rest = { dropout: 0, modulesToSave: [], taskType: 'CAUSAL_LM', baseModel: null } as const
    await writeAdapter(join(folder, 'adapter'), { ...lora, ...rest, modulesToSave: [], weights: adapter })
    if (existsSync(PYTHON)) {
      for (const mode of MODES.filter((each) => process.env.BENCH_PEERS?.split(',').includes(each) ?? true))
        await Peer.start(folder, mode, rows).then(
          (peer) => peers.push(peer),
          (error: Error) => report.absent!.push(`pytorch ${mode} ${name}: ${error.message}`),
        )
    } else report.absent!.push(`pytorch ${name}: not installed; run "npm run bench -- train --setup"`)
    const seconds: number[] = []
    const losses: number[] = []
    await trainer.apply(examples, LEARNING_RATE)
    for (const peer of peers) await peer.steps(1)
    for (let round = 0; round < TURNS; round++) {
      for (let step = 0; step < turn; step++) {
        const begin = performance.now()
        losses.push((await trainer.apply(examples, LEARNING_RATE)).loss)
        seconds.push((performance.now() - begin) / 1000)
      }
      for (const peer of peers) await peer.steps(turn)
    }
    const rate = (times: readonly number[]): Figure =>
      figure(
        times.map((each) => (batch * length) / each),
        UNIT,
      )
    report.ours[name] = rate(seconds)
    report.limit[`target ratio ${name}`] = target
    console.log(`${name}: ${countParameters(weights)} parameters, ours ${report.ours[name]!.median} ${UNIT}`)
    for (const peer of peers) {
      const found = rate(peer.seconds.slice(1))
      const title = `pytorch ${peer.mode}`
      report.peers[title] = { ...report.peers[title], [name]: found }
      report.ratios[`${title} ${name}`] = ratio(report.ours[name]!, found)
      const apart = Math.max(...losses.map((loss, index) => Math.abs(loss - peer.losses[index + 1]!)))
      console.log(`${name}: ${title} ${found.median} ${UNIT}; loss curves differ by at most ${apart.toExponential(1)}`)
    }
  } finally {
    for (const peer of peers) peer.stop()
    await trainer.release()
    await rm(folder, { recursive: true })
  }
}

/** PyTorch in a process of its own, taking as many steps as it is told and resting in between. */
class Peer {
  readonly seconds: number[] = []
  readonly losses: number[] = []
  private readonly lines: AsyncIterator<string>

  private constructor(
    readonly mode: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  static async start(folder: string, mode: 'eager' | 'compiled', rows: number[][]): Promise<Peer> {
    const child = spawn(PYTHON, [join(PEERS, 'train.py'), folder, mode, String(THREADS)])
    let said = ''
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000)
    })
    const peer = new Peer(mode, child)
    child.stdin.write(`${JSON.stringify({ rows, learningRate: LEARNING_RATE })}\n`)
    const { done } = await peer.lines.next()
    if (done) throw new Error(`it did not start: ${said.trim().split('\n').at(-1)}`)
    return peer
  }

  async steps(count: number): Promise<void> {
    this.child.stdin.write(`${count}\n`)
    const { value, done } = await this.lines.next()
    if (done) throw new Error(`pytorch ${this.mode} ended in the middle`)
    const { seconds, losses } = JSON.parse(value) as { seconds: number[]; losses: number[] }
    this.seconds.push(...seconds)
    this.losses.push(...losses)
  }

  stop(): void {
    this.child.kill()
  }
}
