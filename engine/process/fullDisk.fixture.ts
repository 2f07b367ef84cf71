import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, EngineProcess } from './index.ts'

/** Fixture for the test of full disks: trains with checkpoints in a folder, then generates, and prints the outcome. */
const [baseFolder, folder] = process.argv.slice(2) as [string, string]
const engine = new EngineProcess()
const warnings = new Set<string>()
const steps = new Set<number>()
const ended = await engine
  .run(
    'fineTune',
    {
      baseFolder,
      samples: [{ prompt: 'thing 1 is red', completion: 'colour | red' }],
      lora: { rank: 64 }, // its checkpoint is larger than the disk
      training: { epochs: 4, batchSize: 1, learningRate: 1e-3, seed: 1 },
      checkpointFile: join(folder, 'checkpoint'),
      checkpointEvery: 0,
      outFolder: join(folder, 'adapter'),
    },
    {
      onEvent(event) {
        if (event.type === 'warning') warnings.add(event.text ?? 'over')
        if (event.type === 'metric') steps.add(event.step)
      },
    },
  )
  .then(
    () => ({ fault: 'none', message: '' }),
    (error) => ({ fault: error instanceof EngineError ? error.fault : 'unknown', message: `${error.message}` }),
  )
const files = (await readdir(folder)).sort()
const { answers } = await engine.run('generate', { baseFolder, requests: [{ prompt: 'thing', maxTokens: 2 }] })
console.log(
  JSON.stringify({
    ...ended,
    warnings: [...warnings],
    steps: steps.size,
    files,
    after: answers.length === 1 ? 'answered' : 'silent',
  }),
)
await engine.close()
