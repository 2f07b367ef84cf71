import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Adapter, adapterScale, readAdapter, writeAdapter } from './adapter.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'
import type { Weights } from './weights.ts'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'adapter-'))
  folder = join(root, 'adapter')
})
afterEach(() => rmSync(root, { recursive: true }))

const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) })
const q = 'model.layers.0.self_attn.q_proj'
const adapter: Adapter = {
  rank: 2,
  alpha: 16,
  dropout: 0.1,
  rankStabilised: true,
  targetModules: ['q_proj', 'v_proj'],
  modulesToSave: ['score'],
  taskType: 'SEQ_CLS',
  baseModel: 'tiny',
  weights: new Map([
    [`${q}.lora_A.weight`, tensor(2, 8)],
    [`${q}.lora_B.weight`, tensor(6, 2)],
    ['model.layers.0.self_attn.v_proj.lora_A.weight', tensor(2, 8)],
    ['model.layers.0.self_attn.v_proj.lora_B.weight', tensor(4, 2)],
    ['score.weight', tensor(1, 8)],
  ]),
}

const config = () => JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
const configure = (change: object) =>
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ ...config(), ...change }))
const replaceWeights = (change: (weights: Weights) => void) => async () => {
  const path = join(folder, 'adapter_model.safetensors')
  const weights = await readSafetensors(path)
  change(weights)
  await writeSafetensors(path, weights)
}

describe('an adapter folder', () => {
  test('reads back as written', async () => {
    await writeAdapter(folder, adapter)
    expect(await readAdapter(folder)).toEqual(adapter)
  })

  test("has PEFT's names and fields", async () => {
    await writeAdapter(folder, adapter)
    expect(config()).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 16, use_rslora: true, bias: 'none' })
    const names = [...(await readSafetensors(join(folder, 'adapter_model.safetensors'))).keys()]
    expect(names).toContain('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight')
    expect(names).toContain('base_model.model.score.weight')
  })

  test('of PEFT itself is read, with the fields that PEFT adds and a pattern for target modules', async () => {
    await writeAdapter(folder, adapter)
    configure({
      alpha_pattern: {},
      rank_pattern: {},
      auto_mapping: null,
      use_dora: false,
      trainable_token_indices: null,
      target_modules: '.*_proj',
      layers_to_transform: null,
      loftq_config: {},
      peft_version: '0.18.0',
    })
    expect((await readAdapter(folder)).targetModules).toEqual(['q_proj', 'v_proj'])
  })

  test('scales by alpha over r, or over its root when rank-stabilised', () => {
    expect(adapterScale({ alpha: 16, rank: 4, rankStabilised: false })).toBe(4)
    expect(adapterScale({ alpha: 16, rank: 4, rankStabilised: true })).toBe(8)
  })
})

describe('a hostile adapter folder', () => {
  beforeEach(() => writeAdapter(folder, adapter))

  test.each<[string, () => void | Promise<void>, string]>([
    ['of another method', () => configure({ peft_type: 'IA3' }), 'peft_type'],
    ['with rank 0', () => configure({ r: 0 }), 'r is not supported'],
    ['with an absurd rank', () => configure({ r: 1e9 }), 'r is not supported'],
    ['with a text for alpha', () => configure({ lora_alpha: '16' }), 'lora_alpha'],
    ['with dropout 1', () => configure({ lora_dropout: 1 }), 'lora_dropout'],
    ['with DoRA', () => configure({ use_dora: true }), 'use_dora = true is not supported'],
    ['with biases', () => configure({ bias: 'all' }), 'bias = "all"'],
    ['with ranks by layer', () => configure({ rank_pattern: { q_proj: 4 } }), 'rank_pattern'],
    ['initialised by PiSSA', () => configure({ init_lora_weights: 'pissa' }), 'init_lora_weights = "pissa"'],
    ['with an unknown option', () => configure({ use_next: true }), 'use_next = true is not supported'],
    ['of another rank', () => configure({ r: 3 }), 'instead of [3, in]'],
    ['whose head is not named', () => configure({ modules_to_save: null }), 'score.weight is neither'],
    ['without weights', () => rmSync(join(folder, 'adapter_model.safetensors')), 'no such file'],
    ['without a B', replaceWeights((w) => w.delete(`base_model.model.${q}.lora_B.weight`)), `${q} has no lora_B`],
    ['with a bare name', replaceWeights((w) => w.set('x.lora_A.weight', tensor(2, 2))), 'not a PEFT name'],
    [
      'with a matrix of three',
      replaceWeights((w) => w.set(`base_model.model.${q}.lora_A.weight`, tensor(2, 2, 2))),
      'in]',
    ],
    ['with a stranger', replaceWeights((w) => w.set('base_model.model.norm.weight', tensor(8))), 'neither'],
    ['with nothing', replaceWeights((w) => w.clear()), 'contains no lora_A'],
  ])('%s is refused', async (_, damage, message) => {
    await damage()
    await expect(readAdapter(folder)).rejects.toThrow(message)
  })

  test('is not written either', async () => {
    const broken = { ...adapter, rank: 5 }
    await expect(writeAdapter(join(root, 'other'), broken)).rejects.toThrow('instead of [5, in]')
  })
})
