import {
  add,
  cast,
  constant,
  equal,
  expand,
  type Graph,
  gather,
  input,
  less,
  loop,
  type Node,
  or,
  reshape,
  scalar,
  sum,
} from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { tokenLogits } from '#engine/model/heads.ts'
import { adapterInputs, cacheShape, idInput, stackedAdapterInputs, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import type { LoraConfig } from '#engine/model/lora.ts'
import { drawToken, filterInputs } from './sample.ts'

/** What a decoding program is compiled for. */
export interface DecodeShape {
  batch: number
  /** Prompt tokens, padded at the end. */
  prompt: number
  /** Most new tokens. */
  limit: number
  /** Adapters in the stack; 0 none, 1 the same for all rows. */
  adapters: number
  /** Whether any row limits the tokens that may be drawn. */
  filtered: boolean
}

/**
 * A whole decode as one graph: the prompts (B,P) are read once, then an ONNX Loop samples token by token from the
 * key-value cache. Row b draws its n-th token with `uniform[n,b]`; the token `end` closes a row. Outputs `tokens` (N,B)
 * and `logProbabilities` (N,B) of the tokens at temperature 1; the loop ends once every row has.
 */
export function decodeGraph(config: ModelConfig, lora: LoraConfig | undefined, shape: DecodeShape): Graph {
  const { batch: B, prompt: P, limit: N, adapters } = shape
  const V = config.vocab_size
  const ids = idInput(config, B, P)
  const lengths = input('lengths', [B], 'i32', { below: P + 1 })
  const uniform = input('uniform', [N, B])
  const temperature = input('temperature', [B, 1])
  const filter = shape.filtered ? filterInputs(B, V) : undefined
  const end = input('end', [], 'i32')
  const trips = input('trips', [], 'i64')
  const weights = weightInputs(config)
  const own = adapterNodes(config, lora, adapters, B)

  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => layer)
  const empty = expand(scalar(0), cacheShape(config, B, P + N))
  const zeros = constant(new Int32Array(B), [B])
  const start = { keys: layers.map(() => empty), values: layers.map(() => empty), lengths: zeros }
  const read = forward(config, { weights, ids, adapter: own?.adapter, cache: start })
  const D = config.hidden_size
  const rowStarts = constant(
    Int32Array.from({ length: B }, (_, row) => row * P - 1),
    [B],
  )
  const last = gather(reshape(read.hidden, [B * P, D]), add(rowStarts, lengths)) // (B,D)

  const first = reshape(tokenLogits(config, weights, last), [B, V])
  const carried = [first, lengths, constant(new Int32Array(B), [B]), ...read.keys, ...read.values]
  const L = layers.length
  const result = loop({ trips, limit: N, carried }, (iteration, state) => {
    const [logits, length, closed, ...cache] = state as [Node, Node, Node, ...Node[]]
    const drawn = reshape(gather(uniform, cast(iteration, 'i32')), [B, 1])
    const { token, logProbability } = drawToken(logits, { uniform: drawn, temperature, filter })
    const next = forward(config, {
      weights,
      ids: token,
      adapter: own?.adapter,
      cache: { keys: cache.slice(0, L), values: cache.slice(L), lengths: length },
    })
    const ended = equal(reshape(token, [B]), end)
    const shut = cast(or(ended, equal(closed, constant(Int32Array.of(1), []))), 'i32')
    const open = sum(cast(equal(shut, constant(Int32Array.of(0), [])), 'f32'), [0])
    return {
      carried: [
        reshape(tokenLogits(config, weights, next.hidden), [B, V]),
        add(length, constant(Int32Array.of(1), [])),
        shut,
        ...next.keys,
        ...next.values,
      ],
      collected: [reshape(token, [B]), reshape(logProbability, [B])],
      proceed: less(scalar(0), reshape(open, [])),
    }
  })
  const [tokens, logProbabilities] = result.collected as [Node, Node]
  return {
    inputs: [
      ids,
      lengths,
      uniform,
      temperature,
      end,
      trips,
      ...Object.values(filter ?? {}),
      ...weights.values(),
      ...(own?.inputs ?? []),
    ],
    outputs: { tokens, logProbabilities },
  }
}

function adapterNodes(config: ModelConfig, lora: LoraConfig | undefined, adapters: number, batch: number) {
  if (!lora || adapters === 0) return undefined
  if (adapters === 1) {
    const weights = adapterInputs(config, lora)
    return { adapter: { lora, weights }, inputs: [...weights.values()] }
  }
  const { which, stacks, weights } = stackedAdapterInputs(config, lora, adapters, batch)
  return { adapter: { lora, weights }, inputs: [which, ...stacks.values()] }
}
