import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Checkpoint, inspectCheckpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { writeSafetensors } from './safetensors.ts'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'checkpoint-'))
  folder = join(root, 'model')
})
afterEach(() => rmSync(root, { recursive: true }))

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i / 8)
const checkpoint: Checkpoint = {
  config: { architectures: ['LlamaForCausalLM'], torch_dtype: 'float32', unknown: { kept: true } },
  weights: new Map([
    ['lm_head.weight', { shape: [4, 8], data: ramp(32) }],
    ['model.embed_tokens.weight', { shape: [4, 8], data: ramp(32) }],
    ['model.norm.weight', { shape: [8], data: ramp(8) }],
  ]),
  tokenizer: { version: '1.0' },
  tokenizerConfig: { eos_token: '</s>' },
  generationConfig: { temperature: 0.7 },
  chatTemplate: '{% for m in messages %}{{ m.content }}{% endfor %}\n',
}

const edit = (
  name: string,
  change: (json: { weight_map?: Record<string, string>; [field: string]: unknown }) => void,
) => {
  const json = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  change(json)
  writeFileSync(join(folder, name), JSON.stringify(json))
}

describe('a model folder', () => {
  test('reads back as written, in one file', async () => {
    await writeCheckpoint(folder, checkpoint)
    expect(readdirSync(folder).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect(await readCheckpoint(folder)).toEqual(checkpoint)
  })

  test('reads back as written, in shards with an index', async () => {
    await writeCheckpoint(folder, checkpoint, { maxShardBytes: 150 })
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8'))
    expect(index.metadata.total_size).toBe(4 * 72)
    expect(index.weight_map['lm_head.weight']).toBe('model-00001-of-00003.safetensors')
    expect(await readCheckpoint(folder)).toEqual(checkpoint)
    const { tensors } = await inspectCheckpoint(folder)
    expect([...tensors.values()].map(({ dtype, shape }) => [dtype, shape])).toEqual([
      ['F32', [4, 8]],
      ['F32', [4, 8]],
      ['F32', [8]],
    ])
  })

  test('gives its type under either name in the configuration', async () => {
    await writeCheckpoint(folder, checkpoint, { dtype: 'BF16' })
    expect((await readCheckpoint(folder)).config.torch_dtype).toBe('bfloat16')
    await writeCheckpoint(folder, { ...checkpoint, config: { dtype: 'x' } }, { dtype: 'F16', replace: true })
    expect((await readCheckpoint(folder)).config).toEqual({ dtype: 'float16' })
  })

  test('finds the chat template in the tokenizer configuration, also among named ones', async () => {
    await writeCheckpoint(folder, { ...checkpoint, chatTemplate: undefined })
    expect((await readCheckpoint(folder)).chatTemplate).toBeUndefined()
    edit('tokenizer_config.json', (json) => Object.assign(json, { chat_template: 'plain' }))
    expect((await readCheckpoint(folder)).chatTemplate).toBe('plain')
    const named = [
      { name: 'tool_use', template: 't' },
      { name: 'default', template: 'd' },
    ]
    edit('tokenizer_config.json', (json) => Object.assign(json, { chat_template: named }))
    expect((await readCheckpoint(folder)).chatTemplate).toBe('d')
  })

  test('is unchanged by a write that fails, which leaves no other files', async () => {
    await writeCheckpoint(folder, checkpoint)
    const broken = new Map(checkpoint.weights).set('z', { shape: [1], data: Float32Array.of(Number.NaN) })
    await expect(writeCheckpoint(folder, { ...checkpoint, weights: broken }, { replace: true })).rejects.toThrow(
      'z contains',
    )
    expect(await readCheckpoint(folder)).toEqual(checkpoint)
    expect(readdirSync(root)).toEqual(['model'])
  })
})

describe('a hostile model folder', () => {
  beforeEach(() => writeCheckpoint(folder, checkpoint, { maxShardBytes: 150 }))
  const index = 'model.safetensors.index.json'
  const first = 'model-00001-of-00003.safetensors'

  test.each<[string, () => void | Promise<void>, string]>([
    ['without a configuration', () => rmSync(join(folder, 'config.json')), 'config.json is missing'],
    ['whose configuration is truncated', () => writeFileSync(join(folder, 'config.json'), '{"a":'), 'not valid JSON'],
    ['whose configuration is a list', () => writeFileSync(join(folder, 'config.json'), '[]'), 'not a JSON object'],
    ['whose tokenizer is no text', () => writeFileSync(join(folder, 'tokenizer.json'), '\xff', 'latin1'), 'not UTF-8'],
    [
      'whose configuration is a pipe',
      () => {
        rmSync(join(folder, 'config.json'))
        execFileSync('mkfifo', [join(folder, 'config.json')])
      },
      'not a file',
    ],
    ['without weights', () => rmSync(join(folder, index)), 'contains neither'],
    ['without a shard', () => rmSync(join(folder, first)), 'no such file'],
    ['without a weight map', () => edit(index, (json) => delete json.weight_map), 'no weight_map'],
    [
      'whose index leads outside',
      () => edit(index, (json) => Object.assign(json.weight_map ?? {}, { x: '../../secret.safetensors' })),
      'in the same folder',
    ],
    [
      'whose index names a tensor the shard lacks',
      () => edit(index, (json) => Object.assign(json.weight_map ?? {}, { x: first })),
      `says that ${first} contains x, but it does not`,
    ],
    [
      'whose shards hold a tensor twice',
      () => cpSync(join(folder, first), join(folder, 'model-00002-of-00003.safetensors')),
      'but it does not',
    ],
    [
      'whose shard contains an unlisted tensor',
      () =>
        writeSafetensors(
          join(folder, first),
          new Map([
            ['lm_head.weight', { shape: [1], data: ramp(1) }],
            ['stranger', { shape: [1], data: ramp(1) }],
          ]),
        ),
      'contains stranger',
    ],
  ])('%s is refused', async (_, damage, message) => {
    await damage()
    await expect(readCheckpoint(folder)).rejects.toThrow(message)
  })
})
