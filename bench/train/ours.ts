import { createInterface } from 'node:readline'
import { readAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { type Device, onnxRuntime } from '#engine/graph/index.ts'
import { parseConfig } from '#engine/model/config.ts'
import { loraConfig } from '#engine/model/lora.ts'
import { supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'

// The engine in a child process with the protocol of bench/peers/train.py: a batch, then numbers of steps, on stdin.

const [folder, device, threads] = process.argv.slice(2) as [string, Device, string]
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { rows, learningRate } = JSON.parse((await lines.next()).value) as { rows: number[][]; learningRate: number }
const examples = rows.map((ids) => ({ ids, mask: ids.map(() => 1) }))
const { config, weights } = await readCheckpoint(`${folder}/model`)
const adapter = await readAdapter(`${folder}/adapter`)
const trainer = new Trainer({
  config: parseConfig(config),
  weights,
  lora: loraConfig(adapter),
  adapter: adapter.weights,
  objective: supervised,
  seed: 1,
  microBatch: rows.length,
  runner: onnxRuntime({ device, threads: Number(threads) }),
})
console.log('ready')
for await (const count of lines) {
  const [seconds, losses]: [number[], number[]] = [[], []]
  for (let step = 0; step < Number(count); step++) {
    const begin = performance.now()
    losses.push((await trainer.apply(examples, learningRate)).loss)
    seconds.push((performance.now() - begin) / 1000)
  }
  console.log(JSON.stringify({ seconds, losses, peakMiB: process.resourceUsage().maxRSS / 1024 }))
}
await trainer.release()
