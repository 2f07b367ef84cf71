import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readAdapter, writeAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { input, onnxRuntime } from '#engine/graph/index.ts'
import { parseConfig } from '#engine/model/config.ts'
import { sequenceScores, tokenLogits } from '#engine/model/heads.ts'
import { adapterInputs, feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import { loraConfig } from '#engine/model/lora.ts'
import { must } from '#test/must.ts'
import { adapted, folderOf, ourAdapter } from './ourAdapters.ts'

// PEFT has loaded the committed adapters and computed the committed logits: see test/oracles/adapters.py.

test.each(adapted)('%s: the adapter that PEFT loaded has the same bytes as the one that we write', async (model) => {
  const root = mkdtempSync(join(tmpdir(), 'adapter-'))
  try {
    const [written, committed] = [join(root, 'ours'), join(folderOf(model), 'ours')]
    await writeAdapter(written, await ourAdapter(model))
    expect(readdirSync(written).sort()).toEqual(readdirSync(committed).sort())
    for (const file of readdirSync(committed))
      expect(readFileSync(join(written, file)).equals(readFileSync(join(committed, file))), file).toBe(true)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test.each(adapted)('%s: our logits are those that PEFT computed with our adapter', async (model) => {
  const { config: json, weights } = await readCheckpoint(folderOf(model))
  const config = parseConfig(json)
  const adapter = await readAdapter(join(folderOf(model), 'ours'))
  const lora = loraConfig(adapter)
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
  const { ids, logits, scores } = read(`${folderOf(model)}.ours.golden.json`) as {
    ids: number[][]
    logits?: number[]
    scores?: number[]
  }
  const lengths: number[] = read(join(folderOf(model), 'expected.golden.json')).lengths ?? [20, 20]

  const nodes = new Map([...weightInputs(config), ...adapterInputs(config, lora)])
  const tokens = idInput(config, 2, 20)
  const last = input('last', [2], 'i32', { below: 20 })
  const { hidden } = forward(config, { weights: nodes, ids: tokens, adapter: { lora, weights: nodes } })
  const answer = scores ? sequenceScores(nodes, hidden, last) : tokenLogits(config, nodes, hidden)
  const program = await onnxRuntime({ device: 'cpu', threads: 1 }).compile({
    inputs: [tokens, ...(scores ? [last] : []), ...nodes.values()],
    outputs: { answer },
  })
  const results = await program.run({
    ids: Int32Array.from(ids.flat()),
    ...(scores && { last: Int32Array.from(lengths, (length) => length - 1) }),
    ...feedsOf(weights),
    ...feedsOf(adapter.weights),
  })
  await program.release()
  const expected = must(scores ?? logits)
  const actual = must(results.answer).floats
  expect(actual).toHaveLength(expected.length)
  expect(Math.max(...expected.map((value, index) => Math.abs(value - must(actual[index]))))).toBeLessThan(1e-4)
})
