import {
  add,
  and,
  cast,
  constant,
  equal,
  extentOf,
  less,
  lessEqual,
  matmul,
  mul,
  type Node,
  reshape,
  softmax,
  sub,
  sum,
  transpose,
  where,
} from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'
import { type Rotation, rotaryTables, rotate } from './rotary.ts'

/** Keys and values of earlier tokens: per layer one node (B,G,C,K) each, with G key-value heads, capacity C, width K. */
export interface KeyValueCache {
  keys: readonly Node[]
  values: readonly Node[]
  /** (B) i32: the number of tokens in the cache, by row; new tokens are written after them. */
  lengths: Node
  /** Whether the fused operators of the runner may be used; see `GraphRunner.fused`. */
  fused?: boolean
}

/** The keys and values of one layer. @throws Error when the cache has no such layer. */
export function cachedLayer(cache: KeyValueCache, layer: number): { key: Node; value: Node } {
  const [key, value] = [cache.keys[layer], cache.values[layer]]
  if (!key || !value) throw new Error(`The key-value cache has no layer ${layer}.`)
  return { key, value }
}

export const cacheCapacity = (cache: KeyValueCache): number => extentOf(cachedLayer(cache, 0).key.shape, 2)

/** Attention of one layer, from the projected queries (BT,HK), keys (BT,GK) and values (BT,GK). */
export type Attention = (q: Node, k: Node, v: Node, layer: number) => AttentionResult

export interface AttentionResult {
  /** (BT,HK) */
  output: Node
  /** The keys and values of this call, (B,G,T,K). */
  fresh: { key: Node; value: Node }
  /** The cache with these keys and values; without a cache, these alone. */
  key: Node
  value: Node
}

/** Several texts packed in one row: the position of each token in its text and the number of its text, both (B,T) i32. */
export interface Packing {
  positions: Node
  segments: Node
}

/** Attention composed of operations that have gradients and run on every device. */
export function composedAttention(
  config: ModelConfig,
  inputs: { ids: Node; packing?: Packing; cache?: KeyValueCache },
): Attention {
  const { num_attention_heads: H, num_key_value_heads: G, head_dim: K } = config
  const [B, T] = inputs.ids.shape as [number, number]
  const { cache } = inputs
  const context = attentionContext(config, inputs)
  const rotated = (x: Node): Node => rotate(reshape(x, [B, T, extentOf(x.shape, 1)]), context)
  const heads = (x: Node, count: number): Node => transpose(reshape(x, [B, T, count, K]), [0, 2, 1, 3]) // (B,N,T,K)
  return (q, k, v, layer) => {
    const query = heads(rotated(q), H) // (B,H,T,K)
    const fresh = { key: heads(rotated(k), G), value: heads(v, G) } // (B,G,T,K)
    const cached = cache && cachedLayer(cache, layer)
    const key = context.store(fresh.key, cached?.key) // (B,G,S,K)
    const value = context.store(fresh.value, cached?.value)
    return { output: attend(query, key, value, context, layer), fresh, key, value }
  }
}

/** Scaled dot-product attention; H/G query heads share one key-value head: (B,H,T,K), (B,G,S,K) -> (BT,HK). */
function attend(q: Node, k: Node, v: Node, context: AttentionContext, layer: number): Node {
  const [B, H, T, K] = q.shape as [number, number, number, number]
  const [, G, S] = k.shape as [number, number, number, number]
  const grouped = reshape(q, [B, G, (H / G) * T, K])
  const scores = reshape(matmul(grouped, k, { transposeB: true, scale: 1 / Math.sqrt(K) }), [B, H, T, S])
  const attention = softmax(add(scores, attentionMask(context, layer)))
  const mixed = matmul(reshape(attention, [B, G, (H / G) * T, S]), v) // (B,G,HT/G,K)
  return reshape(transpose(reshape(mixed, [B, H, T, K]), [0, 2, 1, 3]), [B * T, H * K])
}

/** What the attention of all layers shares: rotation angles, masks and the cache update. */
interface AttentionContext extends Rotation {
  /** Writes new keys or values (B,G,T,K) into the cache (B,G,C,K); without a cache it returns them unchanged. */
  store(fresh: Node, cached?: Node): Node
  /** Added to the scores (B,H,T,S): 0 where a token may attend, else a number that softmax turns into exactly 0. */
  maskOf(window: number | null): Node
  windows: ModelConfig['sliding_window']
  masks: Map<number | null, Node>
}

/** Far below any score but finite: softmax of a row of -Infinity would be NaN. */
const MASKED = -1e9

/** The mask of a layer, built once for each window. */
function attentionMask(context: AttentionContext, layer: number): Node {
  const window = context.windows[layer] ?? null
  let mask = context.masks.get(window)
  if (!mask) context.masks.set(window, (mask = context.maskOf(window)))
  return mask
}

function attentionContext(
  config: ModelConfig,
  { ids, packing, cache }: { ids: Node; packing?: Packing; cache?: KeyValueCache },
): AttentionContext {
  const [B, T] = ids.shape as [number, number]
  const shared = { windows: config.sliding_window, masks: new Map() }
  if (cache) return { ...shared, ...cachedContext(config, B, T, cache) }

  const consecutive = BigInt64Array.from({ length: B * T }, (_, index) => BigInt(index % T))
  return {
    ...shared,
    ...rotaryTables(config, T),
    positions: packing ? cast(packing.positions, 'i64') : constant(consecutive, [B, T]),
    store: (fresh) => fresh,
    maskOf: (window) => {
      const mask = causalMask(T, window)
      if (!packing) return mask
      const { segments } = packing
      const sameText = equal(reshape(segments, [B, 1, T, 1]), reshape(segments, [B, 1, 1, T]))
      return where(sameText, mask, MASKED)
    },
  }
}

/** (1,1,T,T): row t attends to columns from t - window + 1 to t. */
function causalMask(length: number, window: number | null): Node {
  const data = new Float32Array(length * length)
  for (let t = 0; t < length; t++)
    for (let s = 0; s < length; s++) if (s > t || (window !== null && s <= t - window)) data[t * length + s] = MASKED
  return constant(data, [1, 1, length, length])
}

/** The rows of a cache have different lengths, so positions, mask and write positions are computed from the lengths. */
function cachedContext(config: ModelConfig, B: number, T: number, cache: KeyValueCache) {
  const C = cacheCapacity(cache)
  const count = (length: number): Node =>
    constant(
      Int32Array.from({ length }, (_, index) => index),
      [length],
    )
  const positions = add(reshape(cache.lengths, [B, 1]), reshape(count(T), [1, T])) // (B,T)
  const query = reshape(positions, [B, 1, T, 1])
  const key = reshape(count(C), [1, 1, 1, C])
  const isNew = equal(reshape(count(C), [1, 1, C, 1]), reshape(positions, [B, 1, 1, T])) // (B,1,C,T)
  const oneHot = cast(isNew, 'f32')
  const kept = sub(1, sum(oneHot, [-1])) // (B,1,C,1)
  return {
    ...rotaryTables(config, C),
    positions: cast(positions, 'i64'),
    store: (fresh: Node, cached?: Node): Node => {
      if (!cached) return fresh
      return T === 1 ? where(isNew, fresh, cached) : add(mul(cached, kept), matmul(oneHot, fresh))
    },
    maskOf: (window: number | null): Node => {
      const past = lessEqual(key, query) // (B,1,T,C)
      return where(window === null ? past : and(past, less(sub(query, key), window)), 0, MASKED)
    },
  }
}
