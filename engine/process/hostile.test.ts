import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAdapter } from '#engine/formats/adapter.ts'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { readTrainingCheckpoint } from '#engine/train/checkpoint.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { EngineError, EngineProcess } from './index.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
const engine = new EngineProcess()
const training = { epochs: 6, batchSize: 4, learningRate: 0.01, seed: 1 }
const tuning = (out: string) => ({
  baseFolder: model.baseFolder,
  samples: colourPairs(16),
  lora: { rank: 2 },
  training,
  checkpointFile: join(model.folder, `${out}.checkpoint`),
  checkpointEvery: 0,
  outFolder: join(model.folder, out),
})
/** Trains a reward model on the pairs, then the policy, also on samples; keeps the best model by validation. */
const aligning = (out: string, method: 'rloo' | 'dpo') => ({
  baseFolder: model.baseFolder,
  adapterFolder: join(model.folder, 'start'),
  method,
  pairs: colourPairs(16).map(({ prompt, completion }, index) => ({
    prompt,
    chosen: completion,
    rejected: must(colourPairs(16, 'shade: ')[index]).completion,
  })),
  prompts: colourPairs(16).map(({ prompt }) => prompt),
  samples: colourPairs(16),
  validation: { items: colourPairs(8), metrics: [{ name: 'colour', kind: 'f1' as const }] },
  training: {
    steps: 4,
    promptsPerStep: 2,
    numGenerations: 2,
    beta: 0.02,
    supervisedWeight: 1,
    learningRate: 0.01,
    maxTokens: 6,
    seed: 1,
  },
  checkpointFile: join(model.folder, `${out}.checkpoint`),
  checkpointEvery: 0,
  outFolder: join(model.folder, out),
})
const weightsOf = (out: string) => readFile(join(model.folder, out, 'adapter_model.safetensors'))
const start = (task: 'sft' | 'rloo' | 'dpo', out: string, onEvent: () => void = () => {}) =>
  task === 'sft'
    ? engine.run('fineTune', tuning(out), { onEvent })
    : engine.run('align', aligning(out, task), { onEvent })

beforeAll(async () => {
  model = await tinyModel()
  await engine.run('fineTune', { ...tuning('start'), checkpointFile: undefined })
})
afterAll(async () => {
  await engine.close()
  await model.remove()
})

/** After a kill there are only complete files, and temporary ones under names that are never read. */
async function wholeFiles(out: string): Promise<void> {
  for (const name of await readdir(model.folder))
    if (name.startsWith(`${out}.checkpoint`) && !name.includes('.partial') && !name.includes('.tmp'))
      await readTrainingCheckpoint(join(model.folder, name))
  if (existsSync(join(model.folder, out))) await readAdapter(join(model.folder, out))
}

test.each([
  ['sft', 2],
  ['rloo', 3],
  ['dpo', 1],
] as const)('%s killed at random moments ends with the bytes of a run that was left alone', async (task, kills) => {
  let events = 0
  await start(task, `${task}-whole`, () => events++)
  const random = new Random(`kills/${task}`)
  for (let kill = 0; kill < kills; kill++) {
    // A random moment: after some number of events and some milliseconds, possibly during a write.
    let left = 1 + random.integer(Math.floor((0.8 * events) / kills))
    const wait = random.integer(12)
    const strike = () => setTimeout(() => engine.pid !== undefined && process.kill(engine.pid, 'SIGKILL'), wait)
    const ended = await start(task, task, () => --left === 0 && strike()).then(
      () => 'done',
      (error) => (error instanceof EngineError ? error.fault : `${error}`),
    )
    expect(ended).toBe('crashed')
    await wholeFiles(task)
  }
  await start(task, task)
  expect((await weightsOf(task)).equals(await weightsOf(`${task}-whole`))).toBe(true)
})

describe.skipIf(process.platform !== 'linux')('a disk that is full at checkpoint time', () => {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const fixture = join(import.meta.dirname, 'fullDisk.fixture.ts')

  /** Runs the fixture after a shell set-up and returns its output. */
  async function report(prepare: string, folder: string) {
    const command = `${prepare}; exec "$0" --import "$1" "$2" "$3" "$4"`
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      command,
      process.execPath,
      loader,
      fixture,
      model.baseFolder,
      folder,
    ])
    return JSON.parse(stdout) as {
      fault: string
      message: string
      warnings: string[]
      steps: number
      files: string[]
      after: string
    }
  }

  test('does not end the training; a result that cannot be written does, and the run resumes when there is space', async () => {
    const folder = join(model.folder, 'disk')
    await mkdir(folder)
    const mounted = mount(folder)
    try {
      // Without permission to mount, a file-size limit stands in for a full disk: the kernel rejects the write too.
      const { fault, message, warnings, steps, files, after } = await report(mounted ? 'true' : 'ulimit -f 256', folder)
      expect(fault).toBe('failed')
      expect(message).toMatch(/disk\/.*adapter.*(full|limit|large)|(full|limit|large).*disk\/.*adapter/)
      expect(warnings).toEqual([expect.stringMatching(/^the checkpoint could not be written \((ENOSPC|EFBIG)\)$/)])
      expect(steps).toBe(4)
      expect(files).toEqual([])
      expect(after).toBe('answered')
    } finally {
      if (mounted) execFileSync('umount', [folder])
    }
    const roomy = await report('true', folder)
    expect(roomy).toMatchObject({ fault: 'none', warnings: [], after: 'answered' })
    expect(roomy.files).toContain('adapter')
  })

  function mount(folder: string): boolean {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
})

test('the parent’s event loop never waits for a task', async () => {
  let worst = 0
  const begin = performance.now()
  let last = begin
  const watch = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last)
    last = now
  }, 10)
  await engine.run('fineTune', {
    ...tuning('watched'),
    training: { ...training, epochs: 12 },
    checkpointFile: undefined,
  })
  clearInterval(watch)
  // If the parent computed, its timer would be late by the whole run; a waiting parent is late only by machine load.
  expect(worst).toBeLessThan((performance.now() - begin) / 2)
})
