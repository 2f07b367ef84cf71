import { createInterface } from 'node:readline'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { Generator } from '#engine/generate/generator.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { parseConfig } from '#engine/model/config.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { Random } from '#math/random.ts'

// Our generator in a child process with the protocol of `llama/generate.mjs`. A request may have adapters: `one` for all rows,
// or `many`, a different one for each.

const [folder, threads, most] = process.argv.slice(2) as [string, string, string]
const { config: json, weights } = await readCheckpoint(folder)
const config = parseConfig(json)
const lora = loraConfig({ rank: 8 })
const adapters: ReturnType<typeof initialAdapter>[] = []

function adapterOf(row: number) {
  if (!adapters[row]) {
    const adapter = initialAdapter(config, lora, row)
    const random = new Random(`b${row}`)
    for (const [name, { data }] of adapter) if (name.includes('lora_B')) random.fillUniform(data, -0.02, 0.02)
    adapters[row] = adapter
  }
  return adapters[row]
}

const runner = onnxRuntime({ device: 'cpu', threads: Number(threads) })
const generator = new Generator({ config, weights, lora, endIds: [], runner, batch: Number(most) })
console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const { prompts, count, adapters: asked } = JSON.parse(line) as { prompts: number[][]; count: number; adapters?: 'one' | 'many' }
  const requests = prompts.map((prompt, row) => ({
    prompt,
    maxTokens: count,
    ...(asked && { adapter: adapterOf(asked === 'one' ? 0 : row) }),
  }))
  const begin = performance.now()
  const found = await generator.generate(requests)
  const seconds = (performance.now() - begin) / 1000
  const peakMiB = process.resourceUsage().maxRSS / 1024
  console.log(JSON.stringify({ seconds, tokens: found.map(({ tokens }) => tokens), peakMiB }))
}
process.exit(0)
