import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { must } from '#test/must.ts'
import { EngineError, EngineProcess } from './index.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
const engine = new EngineProcess()
const samples = colourPairs(16)
const training = (outFolder: string, epochs = 10) => ({
  baseFolder: model.baseFolder,
  samples,
  lora: { rank: 2 },
  training: { epochs, batchSize: 4, learningRate: 0.01, seed: 1 },
  outFolder: join(model.folder, outFolder),
})
const answering = () => ({ baseFolder: model.baseFolder, requests: [{ prompt: 'thing 1 is red', maxTokens: 6 }] })
const adapterOf = (outFolder: string) => readFile(join(model.folder, outFolder, 'adapter_model.safetensors'))
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error) => (error instanceof EngineError ? error.fault : `${error}`),
  )
/** Resolves `reached` with the first metric of the step. */
function atStep(step: number) {
  let reach!: () => void
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, onEvent: (event: { type: string; step?: number }) => event.step === step && reach() }
}

beforeAll(async () => {
  model = await tinyModel()
})
afterAll(async () => {
  await engine.close()
  await model.remove()
})

test('trap, a worker cannot be ended in a run: a child killed at any step is an error, and the run started again ends with the same bytes', async () => {
  await engine.run('fineTune', training('whole'))
  const input = { ...training('killed'), checkpointFile: join(model.folder, 'checkpoint'), checkpointEvery: 0 }
  for (const step of [3, 17]) {
    const { reached, onEvent } = atStep(step)
    const run = faultOf(engine.run('fineTune', input, { onEvent }))
    await reached
    process.kill(must(engine.pid), 'SIGKILL')
    expect(await run).toBe('crashed')
  }
  await engine.run('fineTune', input)
  expect((await adapterOf('killed')).equals(await adapterOf('whole'))).toBe(true)
})

test('an abort ends the task with the signal’s reason, and the process takes the next one', async () => {
  const abort = new AbortController()
  const { reached, onEvent } = atStep(2)
  const run = engine.run('fineTune', training('aborted', 10_000), { signal: abort.signal, onEvent })
  await reached
  const { pid } = engine
  abort.abort(new Error('enough'))
  await expect(run).rejects.toThrow('enough')
  const { answers } = await engine.run('generate', answering())
  expect(answers).toHaveLength(1)
  expect(engine.pid).toBe(pid)
  const late = engine.run('generate', answering(), { signal: abort.signal })
  await expect(late).rejects.toThrow('enough')
})

test('answers stream concurrently, and an exclusive task waits for them', async () => {
  const ended: string[] = []
  const ask = async (name: string, maxTokens: number, stop?: string[]) => {
    const pieces: string[] = []
    let told = 0
    const question = { prompt: `thing ${name} is red`, maxTokens, stop, topLogProbabilities: 2 }
    const { answers } = await engine.run(
      'generate',
      { baseFolder: model.baseFolder, requests: [question], stream: true },
      {
        onEvent(event) {
          if (event.type === 'text') pieces.push(event.text)
          if (event.type === 'text' || event.type === 'tokens') told = event.tokensOut
        },
      },
    )
    expect(told).toBe(answers[0]?.tokensOut) // also of tokens whose text is held back
    ended.push(name)
    return { answer: must(answers[0]), pieces }
  }
  const both = Promise.all([ask('1', 30), ask('2', 30, [':'])])
  const alone = engine.run('fineTune', training('beside', 1)).then(() => ended.push('alone'))
  const [one, two] = await both
  await alone
  expect(ended.at(-1)).toBe('alone')
  expect(one.answer.text).toMatch(/^shade: /)
  expect(one.pieces.length).toBeGreaterThan(1)
  expect(one.pieces.join('')).toBe(one.answer.text)
  expect(must(one.answer.tokens)[0]).toMatchObject({ top: [{ text: expect.any(String) }, {}] })
  expect(two.answer).toMatchObject({ text: 'shade', finish: 'stop', stopped: ':' })
  expect(two.pieces.join('')).toBe('shade')
  const faults = [1, 2].map(() => faultOf(engine.run('generate', { ...answering(), baseFolder: model.baseFolder })))
  process.kill(must(engine.pid), 'SIGKILL')
  expect(await Promise.all(faults)).toEqual(['crashed', 'crashed'])
})

test('trap, a run blocks its event loop: the parent stays responsive while a task runs, and receives its error', async () => {
  const failing = engine.run('generate', { ...answering(), baseFolder: join(model.folder, 'none') })
  await expect(failing).rejects.toThrow(/no model in/)
  expect(await faultOf(failing)).toBe('input')
  const before = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  const begin = Date.now()
  await engine.run('fineTune', training('watched'))
  expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.7)
  const { user, system } = process.cpuUsage(cpu)
  expect((user + system) / 1000).toBeLessThan(0.5 * (Date.now() - begin))
})

test('a child that hangs, or that needs too much memory, is killed with an error that says why', async () => {
  const impatient = new EngineProcess({ hangMs: 5000 })
  const { reached, onEvent } = atStep(1)
  const hanging = faultOf(impatient.run('fineTune', training('hung', 10_000), { onEvent }))
  await Promise.race([reached, hanging]) // a machine so slow that the start takes longer shows the same
  if (impatient.pid !== undefined) process.kill(impatient.pid, 'SIGSTOP')
  expect(await hanging).toBe('hung')
  await impatient.close()
  const small = new EngineProcess({ memoryMb: 64 })
  expect(await faultOf(small.run('fineTune', training('large', 10_000)))).toBe('memory')
  await small.close()
})

test('tasks run one after another; closing ends them all', async () => {
  const closing = new EngineProcess()
  const { reached, onEvent } = atStep(1)
  const faults = [training('one', 10_000), training('two', 10_000)].map((input) =>
    faultOf(closing.run('fineTune', input, { onEvent })),
  )
  expect(closing.load).toBe(2)
  await reached
  await closing.close()
  expect(await Promise.all(faults)).toEqual(['closed', 'closed'])
})

test('a child exits when its parent is killed', async () => {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const script = join(import.meta.dirname, 'orphan.fixture.ts')
  const out = join(model.folder, 'orphan')
  const parent = spawn(process.execPath, ['--import', loader, script, model.baseFolder, out], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))))
  parent.kill('SIGKILL')
  const alive = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  for (let waited = 0; alive() && waited < 30_000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(alive()).toBe(false)
})

test('a process without work ends after its time, counts on, and answers the next task', async () => {
  const resting = new EngineProcess({ idleMs: 300 })
  onTestFinished(() => resting.close())
  const [first, second] = [resting.run('generate', answering()), resting.run('generate', answering())]
  const { answers } = await first
  await second
  const { pid } = resting
  await vi.waitFor(() => expect(resting.pid).toBeUndefined())
  await vi.waitFor(() => expect(() => process.kill(must(pid), 0)).toThrow('ESRCH'))
  expect(resting.figures).toMatchObject({ models: 0, memoryBytes: 0, starts: 1 })
  expect(resting.figures.tokens).toBeGreaterThan(0)
  expect(await resting.run('generate', answering())).toEqual({ answers })
  expect(resting.figures.starts).toBe(2)
})

test('answers that run together share batches, and a prompt that was asked before is known: the figures say both, also after a restart', async () => {
  const counted = new EngineProcess()
  onTestFinished(() => counted.close())
  const things = Array.from({ length: 8 }, (_, index) => `thing ${index} is red`).join(' ')
  const ask = async (prompt: string) => {
    const requests = [{ prompt, maxTokens: 4, cacheScope: 'one' }]
    const { answers } = await counted.run('generate', { baseFolder: model.baseFolder, requests })
    return must(answers[0])
  }
  const expectCounted = (expected: object) =>
    vi.waitFor(() => expect(counted.figures).toMatchObject(expected), { timeout: 5_000 })
  const first = await ask(things)
  expect(first.tokensIn).toBeGreaterThan(32)
  await expectCounted({ promptTokens: first.tokensIn, cachedTokens: 0, batchRuns: 1, batchAnswers: 1 })

  const second = await ask(things)
  expect(second.cachedTokens).toBe(first.tokensIn - 1) // the last one is read for the first token of the answer
  await expectCounted({
    promptTokens: first.tokensIn + 1,
    cachedTokens: second.cachedTokens,
    batchRuns: 2,
    batchAnswers: 2,
  })

  const { batchRuns, batchAnswers } = counted.figures
  const streams = ['thing 1 is red', 'thing 2 is blue', 'thing 3 is green', 'thing 0 is black']
  const others = await Promise.all(streams.map(ask))
  const readTokens = first.tokensIn + 1 + others.reduce((sum, { tokensIn }) => sum + tokensIn, 0)
  await expectCounted({ promptTokens: readTokens, cachedTokens: second.cachedTokens })
  const { figures } = counted
  expect((figures.batchAnswers - batchAnswers) / (figures.batchRuns - batchRuns)).toBeGreaterThan(1)

  process.kill(must(counted.pid), 'SIGKILL')
  await vi.waitFor(() => expect(counted.pid).toBeUndefined())
  expect(counted.figures).toMatchObject({ promptTokens: readTokens, batchAnswers: figures.batchAnswers, models: 0 })
})
