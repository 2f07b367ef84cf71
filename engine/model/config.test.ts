import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ModelConfigError, parseConfig } from './config.ts'

const folder = new URL('./test/configs/', import.meta.url)
const published = readdirSync(folder)
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

test.each(published)('%s loads as its publisher ships it', (name) => {
  const json = read(name)
  const { hidden_size, num_hidden_layers, vocab_size } = parseConfig(json)
  expect({ hidden_size, num_hidden_layers, vocab_size }).toEqual({
    hidden_size: json.hidden_size,
    num_hidden_layers: json.num_hidden_layers,
    vocab_size: json.vocab_size,
  })
})

const plain = read('smollm2-135m.json')

test.each([
  { is_llama_config: true },
  { use_mrope: false },
  { rope_interleaved: false },
  { _attn_implementation_autoset: true },
  { unsloth_fixed: true, unsloth_version: '2025.1' },
  { auto_map: { AutoModelForCausalLM: 'modeling.Model' } },
  { 'transformers.js_config': { kv_cache_dtype: 'float16' } },
  { max_length: 20, do_sample: false, num_beams: 1 },
  { gradient_checkpointing: true },
  { add_cross_attention: false, pruned_heads: {} },
])('a field that changes no result passes: %j', (more) => {
  expect(parseConfig({ ...plain, ...more })).toEqual(parseConfig(plain))
})

test.each([{ use_mrope: true }, { rope_interleaved: true }, { pruned_heads: { 0: [1] } }, { logits_scaling: 8 }])(
  'a field that changes results is refused by its name: %j',
  (more) => {
    expect(() => parseConfig({ ...plain, ...more })).toThrow(ModelConfigError)
    expect(() => parseConfig({ ...plain, ...more })).toThrow(Object.keys(more)[0])
  },
)
