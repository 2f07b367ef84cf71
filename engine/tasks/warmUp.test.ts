import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fineTuneTask } from './fineTune.ts'
import { generateTask } from './generate.ts'
import { batchCounts, isBaseLoaded, releaseBases } from './models.ts'
import type { TaskContext } from './task.ts'
import { colourPairs, tinyModel } from './test/tinyModel.ts'
import { warmUpTask } from './warmUp.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
let adapterFolder: string
const context = (): TaskContext => ({ emit() {}, signal: new AbortController().signal })

beforeAll(async () => {
  await releaseBases() // other tests of this process may have left theirs
  model = await tinyModel()
  adapterFolder = join(model.folder, 'adapter')
  await fineTuneTask(
    {
      baseFolder: model.baseFolder,
      samples: colourPairs(4),
      lora: { rank: 2 },
      training: { epochs: 1, batchSize: 4, learningRate: 0.01, seed: 1 },
      outFolder: adapterFolder,
    },
    context(),
  )
})
afterAll(() => model.remove())

test('a model is loaded beside the others and within the memory, or not at all', async () => {
  const one = model.baseFolder // loaded by the training
  const [two, three] = [join(model.folder, 'two'), join(model.folder, 'three')]
  for (const folder of [two, three]) await cp(model.baseFolder, folder, { recursive: true })
  const warmUp = (baseFolder: string, memoryBytes = 2 ** 40) =>
    warmUpTask({ baseFolder, adapterFolder, memoryBytes }, context())
  const request = { prompt: 'thing 1 is red', maxTokens: 4 }
  await generateTask({ baseFolder: one, adapterFolder, requests: [request] }, context())

  const beyond = 1 // the process has more than this byte already
  expect(await warmUp(two, beyond)).toEqual({ loaded: false })
  expect(await isBaseLoaded(two)).toBe(false)
  expect(await warmUp(two)).toEqual({ loaded: true })
  expect(await Promise.all([one, two].map(isBaseLoaded))).toEqual([true, true])

  expect(await warmUp(three)).toEqual({ loaded: false }) // it would take the place of another one
  expect(await Promise.all([one, two, three].map(isBaseLoaded))).toEqual([true, true, false])
  const { batchRuns } = batchCounts()
  expect(await warmUp(one, beyond)).toEqual({ loaded: true }) // it is there, and needs no more
  expect(batchCounts().batchRuns).toBe(batchRuns + 1)
  expect(await generateTask({ baseFolder: three, adapterFolder, requests: [request] }, context())).toMatchObject({
    answers: [{ tokensIn: expect.any(Number) }],
  })
})
