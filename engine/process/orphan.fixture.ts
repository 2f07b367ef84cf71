import { EngineProcess } from './index.ts'

/** Fixture for the test of orphans: starts a task, prints the child's process id, and waits to be killed. */
const engine = new EngineProcess()
const [baseFolder, outFolder] = process.argv.slice(2) as [string, string]
const samples = [{ prompt: 'thing 1 is red', completion: 'colour | red' }]
const training = { epochs: 100_000, batchSize: 1, learningRate: 1e-6, seed: 1 }
void engine.run(
  'fineTune',
  { baseFolder, samples, training, outFolder },
  {
    onEvent: (event) => event.type === 'metric' && event.step === 1 && console.log(engine.pid),
  },
)
