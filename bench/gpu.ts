import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { DeviceError, input, onnxRuntime, sum } from '#engine/graph/index.ts'
import { type BenchReport, emptyReport, entry } from './report.ts'
import { cases } from './train/cases.ts'
import { compareTraining, type Implementations, ours } from './train/comparison.ts'
import { chosen, PYTHON, pytorch } from './train.ts'

// LoRA fine-tuning on a GPU: the losses are compared with those on the CPU, the speed with PyTorch + PEFT on the same GPU.

export { setup } from './train.ts'

/** The largest difference of losses that other summation orders and functions of the GPU may cause. */
const TOLERANCE = 1e-3

/** Runs on `MODELCOMMONS_DEVICE=webgpu` or `cuda`. @throws DeviceError that says what the device needs when there is none. */
export async function run(): Promise<BenchReport> {
  const device = await gpu()
  const report = emptyReport(`gpu ${device}`)
  const modes = pytorchSeesGpu() ? chosen('BENCH_PEERS', ['eager', 'compiled']) : []
  if (modes.length === 0)
    report.absent.push('pytorch: not installed ("npm run bench -- gpu --setup"), or it finds no CUDA GPU')
  const threads = availableParallelism()
  const implementations: Implementations = {
    ours: ours(device, threads),
    'ours on the CPU': ours('cpu', threads),
    ...Object.fromEntries(modes.map((mode) => [`pytorch ${mode}`, pytorch(mode, 'cuda')])),
  }
  for (const name of chosen('BENCH_CASES', Object.keys(cases)))
    await compareTraining(name, entry(cases, name), implementations, report, TOLERANCE)
  return report
}

async function gpu(): Promise<'webgpu' | 'cuda'> {
  const device = process.env.MODELCOMMONS_DEVICE
  if (device !== 'webgpu' && device !== 'cuda')
    throw new DeviceError('The gpu benchmark needs MODELCOMMONS_DEVICE=webgpu or cuda.')
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
