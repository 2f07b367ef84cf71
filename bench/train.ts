import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchReport, emptyReport, entry } from './report.ts'
import { cases } from './train/cases.ts'
import { compareTraining, type Implementations, ours } from './train/comparison.ts'

// LoRA fine-tuning compared with PyTorch + PEFT on the CPU: the same model, adapter, batch, type, optimiser and two threads.

const PEERS = join(import.meta.dirname, 'peers')
export const PYTHON = join(PEERS, '.venv/bin/python')
const PACKAGES = ['torch==2.15.0', 'transformers==5.23.0', 'peft==0.21.2']
const THREADS = 2
/** Largest difference of losses: both compute in 32-bit floats, but in another order. */
const TOLERANCE = 1e-4

/** Installs the Python peers, separate from the product; on Linux this takes some minutes and six gigabytes. */
export async function setup(): Promise<void> {
  execFileSync('python3', ['-m', 'venv', join(PEERS, '.venv')], { stdio: 'inherit' })
  execFileSync(PYTHON, ['-m', 'pip', 'install', ...PACKAGES], { stdio: 'inherit' })
}

/** The command of PyTorch in a mode (`eager` or `compiled`) on a device. */
export const pytorch =
  (mode: string, device: string) =>
  (folder: string): [string, ...string[]] => [PYTHON, join(PEERS, 'train.py'), folder, mode, device, String(THREADS)]

/** Cases and peers selected by the environment, such as `BENCH_CASES=1M,30M` or `BENCH_PEERS=eager`; default: all. */
export const chosen = (variable: string, all: readonly string[]): string[] =>
  all.filter((each) => process.env[variable]?.split(',').includes(each) ?? true)

export async function run(): Promise<BenchReport> {
  const report = emptyReport('train')
  const modes = existsSync(PYTHON) ? chosen('BENCH_PEERS', ['eager', 'compiled']) : []
  if (!existsSync(PYTHON)) report.absent.push('pytorch: not installed; run "npm run bench -- train --setup"')
  const implementations: Implementations = {
    ours: ours('cpu', THREADS),
    ...Object.fromEntries(modes.map((mode) => [`pytorch ${mode}`, pytorch(mode, 'cpu')])),
  }
  for (const name of chosen('BENCH_CASES', Object.keys(cases))) {
    const each = entry(cases, name)
    await compareTraining(name, each, implementations, report, TOLERANCE)
    report.limit[`target ratio ${name}`] = each.target
  }
  return report
}
