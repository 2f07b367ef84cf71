import {
  add,
  cast,
  constant,
  type Graph,
  gather,
  input,
  loop,
  minimum,
  type Node,
  type Results,
  reshape,
  type Tensor,
} from '#engine/graph/index.ts'
import { adapterRowInputs } from '#engine/model/adapterStack.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { tokenLogits } from '#engine/model/heads.ts'
import { adapterInputs, cacheInputs, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import type { LoraConfig } from '#engine/model/lora.ts'
import { type SampledToken, type SamplerInputs, type SamplerShape, samplerInputs, sampleToken } from './sampler.ts'

/** Whether the rows of a batch have no adapter, share one, or have one each. */
export type AdapterMode = 'none' | 'shared' | 'own'

/** The shapes for which a decoding program is compiled. */
export interface StepShape {
  /** Rows, B. */
  batch: number
  /** Maximum number of tokens per row, C. */
  capacity: number
  /** Tokens sampled per row in one run, N. If N > 1, the step is inside a Loop. */
  tokens: number
  adapter: AdapterMode
  sampler: SamplerShape
}

export interface StepModel {
  config: ModelConfig
  lora?: LoraConfig
  /** See `GraphRunner.fused`. */
  fused: boolean
}

/** What the sampler knows of the answer so far. */
type AnsweredTokens = Pick<SamplerInputs, 'seen' | 'counts'>

/**
 * The decoding step: each row reads its pending token `ids` (B,1) at position `lengths` (B) with the key-value cache and
 * samples the next token with `uniform` (N,B). Outputs: `tokens` and `logProbabilities` (N,B), `topTokens` and
 * `topLogProbabilities` (N,B,top), and the new keys and values under the cache's names, (N,B,G,1,K); the cache itself stays
 * on the host. If N > 1 the step runs up to `trips` times. A row that has ended continues: its tokens are ignored, and its
 * position stays within the capacity.
 */
export function stepGraph({ config, lora, fused }: StepModel, shape: StepShape): Graph {
  const { batch: B, capacity: C, tokens: N } = shape
  const V = config.vocab_size
  const ids = idInput(config, B, 1)
  const uniform = input('uniform', [N, B])
  const weights = weightInputs(config)
  const adapter = adapterFor(config, lora, shape.adapter, B)
  const cache = cacheInputs(config, B, C)
  const sampler = samplerInputs(shape.sampler, B, V)
  const L = config.num_hidden_layers

  const step = (token: Node, lengths: Node, answered: AnsweredTokens, uniforms: Node, kept: readonly Node[]) => {
    const state = { keys: kept.slice(0, L), values: kept.slice(L), lengths, fused }
    const read = forward(config, { weights, ids: token, adapter: adapter?.adapter, cache: state })
    const logits = reshape(tokenLogits(config, weights, read.hidden), [B, V])
    const next = sampleToken(logits, reshape(uniforms, [B, 1]), shape.sampler, { ...sampler, ...answered })
    const fresh = [...read.fresh.map(({ key }) => key), ...read.fresh.map(({ value }) => value)]
    return { cache: [...read.keys, ...read.values], next, outputs: [...reported(next, B), ...fresh] }
  }
  const inputs = [
    ids,
    cache.lengths,
    uniform,
    ...Object.values(sampler),
    ...cache.keys,
    ...cache.values,
    ...weights.values(),
    ...(adapter?.inputs ?? []),
  ]
  const start = [...cache.keys, ...cache.values]
  if (N === 1) {
    const { outputs } = step(ids, cache.lengths, {}, uniform, start)
    return {
      inputs,
      outputs: outputsOf(
        outputs.map((node) => reshape(node, [1, ...node.shape])),
        L,
      ),
    }
  }

  const trips = input('trips', [], 'i64')
  const names = (['seen', 'counts'] as const).filter((name) => sampler[name])
  const answered = names.flatMap((name) => sampler[name] ?? [])
  const last = constant(Int32Array.of(C - 1), [])
  const result = loop({ trips, limit: N, carried: [ids, cache.lengths, ...answered, ...start] }, (iteration, state) => {
    const [token, lengths, ...rest] = state as [Node, Node, ...Node[]]
    const before: AnsweredTokens = Object.fromEntries(names.map((name, place) => [name, rest[place]]))
    const kept = rest.slice(names.length)
    const { next, cache: after, outputs } = step(token, lengths, before, gather(uniform, cast(iteration, 'i32')), kept)
    const place = minimum(add(lengths, constant(Int32Array.of(1), [])), last)
    return {
      carried: [next.token, place, ...names.flatMap((name) => next[name] ?? []), ...after],
      collected: outputs,
    }
  })
  return { inputs: [...inputs, trips], outputs: outputsOf(result.collected, L) }
}

/** The outputs of one step: token (B), log-probability (B), and the most likely tokens with theirs (B,top). */
const reported = ({ token, logProbability, top }: SampledToken, B: number): Node[] => [
  reshape(token, [B]),
  reshape(logProbability, [B]),
  ...(top ? [top.tokens, top.logProbabilities] : []),
]

function outputsOf(nodes: readonly Node[], layers: number): Record<string, Node> {
  const cache = cacheNames(layers)
  const top = nodes.length > 2 + cache.length ? ['topTokens', 'topLogProbabilities'] : []
  const names = ['tokens', 'logProbabilities', ...top, ...cache]
  return Object.fromEntries(nodes.map((node, index) => [names[index], node]))
}

/** The result with this name. @throws Error when the program has no such output. */
export function resultNamed(results: Results, name: string): Tensor {
  const result = results[name]
  if (!result) throw new Error(`The program has no output ${name}.`)
  return result
}

/** Names of a cache's tensors: all keys, then all values. */
export const cacheNames = (layers: number): string[] =>
  ['key', 'value'].flatMap((kind) => Array.from({ length: layers }, (_, layer) => `${kind}.${layer}`))

/** The prefill: reads prompts (R,P), padded at the end, into keys and values (R,G,P,K) of every layer. */
export function promptGraph({ config, lora }: StepModel, rows: number, length: number, mode: AdapterMode): Graph {
  const ids = idInput(config, rows, length)
  const weights = weightInputs(config)
  const adapter = adapterFor(config, lora, mode, rows)
  const { keys, values } = forward(config, { weights, ids, adapter: adapter?.adapter })
  const names = cacheNames(config.num_hidden_layers)
  return {
    inputs: [ids, ...weights.values(), ...(adapter?.inputs ?? [])],
    outputs: Object.fromEntries([...keys, ...values].map((node, index) => [names[index], node])),
  }
}

/** Reads the rest of a prompt whose beginning is in a cache: `ids` (1,S), padded at the end, from position `lengths` on, into keys and values (1,G,S,K) of every
 *  layer. */
export function restGraph({ config, lora }: StepModel, length: number, capacity: number, mode: AdapterMode): Graph {
  const ids = idInput(config, 1, length)
  const weights = weightInputs(config)
  const adapter = adapterFor(config, lora, mode, 1)
  const cache = cacheInputs(config, 1, capacity)
  const { fresh } = forward(config, { weights, ids, adapter: adapter?.adapter, cache })
  const outputs = [...fresh.map(({ key }) => key), ...fresh.map(({ value }) => value)]
  const names = cacheNames(config.num_hidden_layers)
  return {
    inputs: [ids, cache.lengths, ...cache.keys, ...cache.values, ...weights.values(), ...(adapter?.inputs ?? [])],
    outputs: Object.fromEntries(outputs.map((node, index) => [names[index], node])),
  }
}

function adapterFor(config: ModelConfig, lora: LoraConfig | undefined, mode: AdapterMode, rows: number) {
  if (!lora || mode === 'none') return undefined
  const adapter =
    mode === 'shared' ? { lora, weights: adapterInputs(config, lora) } : adapterRowInputs(config, lora, rows)
  return { adapter, inputs: [...adapter.weights.values()] }
}
