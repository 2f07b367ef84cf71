import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { adapterScale, readAdapter } from './adapter.ts'
import { readCheckpoint } from './checkpoint.ts'
import { readSafetensors } from './safetensors.ts'
import type { Weights } from './weights.ts'

/** Files that the Python libraries wrote with the scripts beside them. */
const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url))
const values = JSON.parse(readFileSync(golden('folders.golden.json'), 'utf8'))

function expectValues(weights: Weights, expected: Record<string, number[]>) {
  expect([...weights.keys()].sort()).toEqual(Object.keys(expected).sort())
  for (const [name, { data }] of weights) expect([...data]).toEqual(expected[name])
}

describe('read as the Python libraries wrote them', () => {
  test('tensors of every type', async () => {
    const weights = await readSafetensors(golden('tensors.safetensors'))
    const found = Object.fromEntries([...weights].map(([name, { shape, data }]) => [name, { shape, data: [...data] }]))
    const floats = (...list: number[]) => list.map(Math.fround)
    expect(found).toEqual({
      i64: { shape: [2, 2], data: [1, -2, 3, 2 ** 40] },
      i32: { shape: [1], data: [-7] },
      u8: { shape: [5], data: [0, 1, 2, 3, 4] },
      bool: { shape: [2], data: [1, 0] },
      f16: { shape: [3], data: [1.5, -0.0999755859375, 2 ** -24] },
      f32: { shape: [2, 1], data: floats(0.1, -1e-40) },
      f64: { shape: [3], data: floats(0, 1 / 3, 2 / 3) },
      scalar: { shape: [], data: [3.25] },
      none: { shape: [0, 4], data: [] },
    })
  })

  test('a model of transformers, BF16, in shards', async () => {
    const { config, weights } = await readCheckpoint(golden('model'))
    expect(config).toMatchObject({ model_type: 'llama', dtype: 'bfloat16' })
    expectValues(weights, values.model)
  })

  test('an adapter of PEFT, with a head', async () => {
    const adapter = await readAdapter(golden('adapter'))
    expect(adapter).toMatchObject({ rank: 2, taskType: 'SEQ_CLS', targetModules: ['down_proj', 'q_proj'] })
    expect(adapterScale(adapter)).toBeCloseTo(8 / Math.SQRT2, 12)
    expectValues(adapter.weights, values.adapter)
  })
})
