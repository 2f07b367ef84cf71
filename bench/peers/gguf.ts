import { writeFile } from 'node:fs/promises'
import type { Weights } from '#engine/formats/weights.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { byteToChar } from '#engine/text/byteAlphabet.ts'

// A Llama model with 32-bit floats in GGUF version 3, so that llama.cpp runs the same weights. The vocabulary is artificial:
// the benchmark uses token ids.

type Value = { u32: number } | { f32: number } | { bool: boolean } | { text: string } | { texts: string[] } | { ints: number[] }

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9 }
const ALIGN = 32

export async function writeGguf(path: string, config: ModelConfig, weights: Weights): Promise<void> {
  const tensors = tensorsOf(config, weights)
  const values = Object.entries(valuesOf(config))
  const head: Buffer[] = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(values.length)]
  for (const [name, value] of values) head.push(text(name), ...encoded(value))
  let offset = 0
  for (const { name, shape, data } of tensors) {
    const extents = [...shape].reverse()
    head.push(text(name), u32(extents.length), ...extents.map(u64), u32(0), u64(offset))
    offset += padded(data.byteLength)
  }
  const start = head.reduce((sum, part) => sum + part.length, 0)
  const body = tensors.flatMap(({ data }) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    return [bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]
  })
  await writeFile(path, Buffer.concat([...head, Buffer.alloc(padded(start) - start), ...body]))
}

const padded = (length: number): number => Math.ceil(length / ALIGN) * ALIGN

function valuesOf(config: ModelConfig): Record<string, Value> {
  const { vocab_size: V } = config
  const pieces = Array.from({ length: V }, (_, id) => byteToChar[id] ?? `token${id}`)
  return {
    'general.architecture': { text: 'llama' },
    'general.file_type': { u32: 0 },
    'general.alignment': { u32: ALIGN },
    'llama.context_length': { u32: config.max_position_embeddings },
    'llama.embedding_length': { u32: config.hidden_size },
    'llama.block_count': { u32: config.num_hidden_layers },
    'llama.feed_forward_length': { u32: config.intermediate_size },
    'llama.attention.head_count': { u32: config.num_attention_heads },
    'llama.attention.head_count_kv': { u32: config.num_key_value_heads },
    'llama.attention.layer_norm_rms_epsilon': { f32: config.rms_norm_eps },
    'llama.rope.dimension_count': { u32: config.head_dim },
    'llama.rope.freq_base': { f32: config.rope_theta },
    'llama.vocab_size': { u32: V },
    'tokenizer.ggml.model': { text: 'gpt2' },
    'tokenizer.ggml.pre': { text: 'gpt-2' },
    'tokenizer.ggml.tokens': { texts: pieces },
    'tokenizer.ggml.token_type': { ints: pieces.map(() => 1) },
    'tokenizer.ggml.merges': { texts: [] },
    'tokenizer.ggml.bos_token_id': { u32: V - 1 },
    'tokenizer.ggml.eos_token_id': { u32: V - 1 },
    'tokenizer.ggml.add_bos_token': { bool: false },
  }
}

const NAMES: Readonly<Record<string, string>> = {
  'input_layernorm.weight': 'attn_norm.weight',
  'post_attention_layernorm.weight': 'ffn_norm.weight',
  'self_attn.q_proj.weight': 'attn_q.weight',
  'self_attn.k_proj.weight': 'attn_k.weight',
  'self_attn.v_proj.weight': 'attn_v.weight',
  'self_attn.o_proj.weight': 'attn_output.weight',
  'mlp.gate_proj.weight': 'ffn_gate.weight',
  'mlp.up_proj.weight': 'ffn_up.weight',
  'mlp.down_proj.weight': 'ffn_down.weight',
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
}

const tensorsOf = ({ num_attention_heads: H, num_key_value_heads: G }: ModelConfig, weights: Weights) =>
  Array.from(weights, ([path, { shape, data }]) => {
    const [, layer, rest = path] = /^model\.layers\.(\d+)\.(.+)$/.exec(path) ?? []
    const name = NAMES[rest]
    if (name === undefined) throw new Error(`GGUF has no name for ${path} in a Llama model.`)
    const heads = name === 'attn_q.weight' ? H : name === 'attn_k.weight' ? G : undefined
    const [rows = 1, columns = 1] = shape
    const ordered = heads === undefined ? data : interleaved(data, heads, rows / heads, columns)
    return { name: layer === undefined ? name : `blk.${layer}.${name}`, shape, data: ordered }
  })

/** Changes the rows of each head from Hugging Face's order (first half, second half) to pairs, as llama.cpp rotates them. */
function interleaved(data: Float32Array, heads: number, width: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length)
  for (let head = 0; head < heads; head++)
    for (let row = 0; row < width; row++) {
      const from = head * width + (row % 2) * (width / 2) + (row >> 1)
      turned.set(data.subarray(from * columns, (from + 1) * columns), (head * width + row) * columns)
    }
  return turned
}

function encoded(value: Value): Buffer[] {
  if ('u32' in value) return [u32(TYPE.u32), u32(value.u32)]
  if ('f32' in value) return [u32(TYPE.f32), f32(value.f32)]
  if ('bool' in value) return [u32(TYPE.bool), Buffer.of(Number(value.bool))]
  if ('text' in value) return [u32(TYPE.text), text(value.text)]
  if ('texts' in value) return [u32(TYPE.list), u32(TYPE.text), u64(value.texts.length), ...value.texts.map(text)]
  return [u32(TYPE.list), u32(TYPE.i32), u64(value.ints.length), ...value.ints.map(u32)]
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}
