import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Weights } from '#engine/formats/weights.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { smallConfig } from '#engine/model/config.ts'
import { loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { must } from '#test/must.ts'
import { BestModelRun, type ModelScore } from './bestModelRun.ts'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from './checkpoint.ts'
import { completionRow } from './rows.ts'
import { type StepReport, TrainingRun } from './run.ts'
import { supervised } from './supervised.ts'
import { Trainer } from './trainer.ts'

const config = smallConfig({ vocab_size: 16, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
const weights = initialWeights(config, 1)
const runner = onnxRuntime({ device: 'cpu', threads: 1 })
const examples = Array.from({ length: 6 }, (_, i) => completionRow([i, i + 1], [i + 2, i + 3]))
const good = (score: number): ModelScore => ({ score, isAdmissible: true })
const bad = (score: number): ModelScore => ({ score, isAdmissible: false })

/** A run of eight steps, judged at every second by a list, and the models that were judged. */
function judgedRun(scores: Readonly<Record<number, ModelScore>>) {
  const lora = loraConfig({ rank: 2 })
  const trainer = new Trainer({ config, weights, lora, objective: supervised, seed: 1, microBatch: 4, runner })
  const judged = new Map<number, Weights>()
  const run = new BestModelRun<StepReport>(
    new TrainingRun(trainer, { examples, batchSize: 2, steps: 8, learningRate: 1e-2 }),
    trainer,
    {
      steps: 8,
      every: 2,
      async judge(parameters, step, signal) {
        signal?.throwIfAborted()
        judged.set(step, parameters)
        return must(scores[step])
      },
    },
  )
  return { run, judged }
}

async function stepsOf(run: BestModelRun<StepReport>, signal?: AbortSignal): Promise<number[]> {
  const steps: number[] = []
  for await (const { step } of run.start(signal)) steps.push(step)
  return steps
}

test('the admissible model with the highest score is kept, however high those of others are', async () => {
  const { run, judged } = judgedRun({ 2: good(1), 4: good(3), 6: bad(9), 8: good(3) })
  expect(await stepsOf(run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(run.best).toEqual({ step: 4, score: 3, parameters: judged.get(4) })
  expect(judged.get(4)).not.toEqual(judged.get(8))
})

test('a run goes on after inadmissible models; a run at its end is not judged again', async () => {
  const { run } = judgedRun({ 2: bad(1), 4: bad(2), 6: bad(3), 8: good(0) })
  expect(await stepsOf(run)).toHaveLength(8)
  expect(run.best?.step).toBe(8)
  const { run: later, judged } = judgedRun({})
  later.restore(await run.checkpoint())
  expect(await stepsOf(later)).toEqual([])
  expect(later.best).toEqual(run.best)
  expect(judged.size).toBe(0)
})

test('a run in which no model is admissible has no best model', async () => {
  const { run } = judgedRun({ 2: bad(1), 4: bad(2), 6: bad(3), 8: bad(4) })
  expect(await stepsOf(run)).toHaveLength(8)
  expect(run.best).toBeNull()
})

test.each(['after a judgement', 'before a judgement'])(
  'a run saved %s and continued chooses the same model',
  async (when) => {
    const folder = await mkdtemp(join(tmpdir(), 'best-'))
    const scores = { 2: good(1), 4: good(7), 6: bad(9), 8: good(3) }
    const whole = judgedRun(scores)
    await stepsOf(whole.run)
    const first = judgedRun(scores)
    if (when === 'after a judgement') {
      for await (const { step } of first.run.start()) if (step === 5) break
    } else {
      // The abort takes effect within the judgement: the step is done, and has no score yet.
      const abort = new AbortController()
      const running = first.run.start(abort.signal)
      for (let step = 1; step <= 3; step++) await running.next()
      const judging = running.next()
      abort.abort(new Error('enough'))
      await expect(judging).rejects.toThrow('enough')
    }
    const file = join(folder, 'checkpoint')
    await writeTrainingCheckpoint(file, await first.run.checkpoint())
    const second = judgedRun(scores)
    second.run.restore(await readTrainingCheckpoint(file))
    await stepsOf(second.run)
    expect(second.run.best).toEqual(whole.run.best)
    expect((await second.run.checkpoint()).state).toEqual((await whole.run.checkpoint()).state)
    await rm(folder, { recursive: true })
  },
)
