import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { DeviceError, input, onnxRuntime, sum } from '#engine/graph/index.ts'
import type { BenchReport } from './report.ts'
import { cases } from './train/cases.ts'
import { compareTraining, type Implementations, ours } from './train/comparison.ts'
import { chosen, PYTHON, pytorch } from './train.ts'

// LoRA fine-tuning on a GPU: the losses beside the CPU's, and the speed beside PyTorch + PEFT on the same GPU.

export { setup } from './train.ts'

/** What other orders of summation and a GPU's own functions may do to a loss; more is another computation. */
const TOLERANCE = 1e-3

/** `MODELCOMMONS_DEVICE=webgpu` or `cuda`. Without a GPU it throws, saying what the device needs. */
export async function run(): Promise<BenchReport> {
  const device = await gpu()
  const report: BenchReport = { bench: `gpu ${device}`, ours: {}, peers: {}, ratios: {}, limit: {}, absent: [] }
  const modes = pytorchSeesGpu() ? chosen('BENCH_PEERS', ['eager', 'compiled']) : []
  if (modes.length === 0)
    report.absent!.push('pytorch: not installed ("npm run bench -- gpu --setup"), or it finds no CUDA GPU')
  const threads = availableParallelism()
  const implementations: Implementations = {
    ours: ours(device, threads),
    'ours on the CPU': ours('cpu', threads),
    ...Object.fromEntries(modes.map((mode) => [`pytorch ${mode}`, pytorch(mode, 'cuda')])),
  }
  for (const name of chosen('BENCH_CASES', Object.keys(cases)))
    await compareTraining(name, cases[name]!, implementations, report, TOLERANCE)
  return report
}

async function gpu(): Promise<'webgpu' | 'cuda'> {
  const device = process.env.MODELCOMMONS_DEVICE
  if (device !== 'webgpu' && device !== 'cuda')
    throw new DeviceError('The gpu benchmark runs on MODELCOMMONS_DEVICE=webgpu or cuda; name one of them.')
  const x = input('x', [2])
  const program = await onnxRuntime({ device }).compile({ inputs: [x], outputs: { y: sum(x) } })
  await program.run({ x: Float32Array.of(1, 2) })
  await program.release()
  return device
}

function pytorchSeesGpu(): boolean {
  if (!existsSync(PYTHON)) return false
  const said = execFileSync(PYTHON, ['-c', 'import torch; print(torch.cuda.is_available())'], { encoding: 'utf8' })
  return said.trim() === 'True'
}
