import {
  add,
  and,
  cast,
  constant,
  equal,
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

/** Keys and values of earlier tokens, one (B,G,C,K) node of each per layer: G shared heads, capacity C, width K. */
export interface KeyValueCache {
  keys: readonly Node[]
  values: readonly Node[]
  /** (B) i32: how many tokens of each row the cache holds; the new ones are written there. */
  lengths: Node
  /** Whether the runner's fused operators may be used; see `Runner.fused`. */
  fused?: boolean
}

/** Attention of one layer, from the projected tokens (BT,HK), (BT,GK), (BT,GK) on. */
export type Attention = (q: Node, k: Node, v: Node, layer: number) => AttentionResult

export interface AttentionResult {
  /** (BT,HK) */
  output: Node
  /** The keys and values of this call, (B,G,T,K). */
  fresh: { key: Node; value: Node }
  /** The cache with them; without a cache, they alone. */
  key: Node
  value: Node
}

/** Several texts packed in one row: (B,T) i32 place within its text, and number of its text. */
export interface Packing {
  positions: Node
  segments: Node
}

/** Attention spelt out in operations that have gradients and run everywhere. */
export function composedAttention(
  config: ModelConfig,
  inputs: { ids: Node; packing?: Packing; cache?: KeyValueCache },
): Attention {
  const { num_attention_heads: H, num_key_value_heads: G, head_dim: K } = config
  const [B, T] = inputs.ids.shape as [number, number]
  const { cache } = inputs
  const context = attentionContext(config, inputs)
  const rotated = (x: Node): Node => rotate(reshape(x, [B, T, x.shape[1]!]), context)
  const heads = (x: Node, count: number): Node => transpose(reshape(x, [B, T, count, K]), [0, 2, 1, 3]) // (B,N,T,K)
  return (q, k, v, layer) => {
    const query = heads(rotated(q), H) // (B,H,T,K)
    const fresh = { key: heads(rotated(k), G), value: heads(v, G) } // (B,G,T,K)
    const key = context.store(fresh.key, cache?.keys[layer]) // (B,G,S,K)
    const value = context.store(fresh.value, cache?.values[layer])
    return { output: attend(query, key, value, context, layer), fresh, key, value }
  }
}

/** Scaled dot-product attention; the H/G heads of a group share keys: (B,H,T,K), (B,G,S,K) -> (BT,HK). */
function attend(q: Node, k: Node, v: Node, context: AttentionContext, layer: number): Node {
  const [B, H, T, K] = q.shape as [number, number, number, number]
  const [, G, S] = k.shape as [number, number, number, number]
  const grouped = reshape(q, [B, G, (H / G) * T, K])
  const scores = reshape(matmul(grouped, k, { transposeB: true, scale: 1 / Math.sqrt(K) }), [B, H, T, S])
  const attention = softmax(add(scores, attentionMask(context, layer)))
  const mixed = matmul(reshape(attention, [B, G, (H / G) * T, S]), v) // (B,G,HT/G,K)
  return reshape(transpose(reshape(mixed, [B, H, T, K]), [0, 2, 1, 3]), [B * T, H * K])
}

/** What every layer's attention shares: the angles of the tokens, who may see whom, and where new keys go. */
interface AttentionContext extends Rotation {
  /** Puts new keys or values (B,G,T,K) into the cache (B,G,C,K), or hands them on where there is none. */
  store(fresh: Node, cached?: Node): Node
  /** Adds to scores (B,H,T,S): 0 where a token may look, else a number that softmax turns into exactly 0. */
  maskOf(window: number | null): Node
  windows: ModelConfig['sliding_window']
  masks: Map<number | null, Node>
}

/** Far below any score, yet finite: a row of -Infinity alone would become NaN. */
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

  const inOrder = BigInt64Array.from({ length: B * T }, (_, index) => BigInt(index % T))
  return {
    ...shared,
    ...rotaryTables(config, T),
    positions: packing ? cast(packing.positions, 'i64') : constant(inOrder, [B, T]),
    store: (fresh) => fresh,
    maskOf: (window) => {
      const mask = causalMask(T, window)
      if (!packing) return mask
      const { segments } = packing
      const together = equal(reshape(segments, [B, 1, T, 1]), reshape(segments, [B, 1, 1, T]))
      return where(together, mask, MASKED)
    },
  }
}

/** (1,1,T,T): row t sees columns from t - window + 1 to t. */
function causalMask(length: number, window: number | null): Node {
  const data = new Float32Array(length * length)
  for (let t = 0; t < length; t++)
    for (let s = 0; s < length; s++) if (s > t || (window !== null && s <= t - window)) data[t * length + s] = MASKED
  return constant(data, [1, 1, length, length])
}

/** Rows stand at different lengths, so positions, mask and writing places are all computed from them. */
function cachedContext(config: ModelConfig, B: number, T: number, cache: KeyValueCache) {
  const C = cache.keys[0]!.shape[2]!
  const count = (length: number): Node =>
    constant(
      Int32Array.from({ length }, (_, index) => index),
      [length],
    )
  const positions = add(reshape(cache.lengths, [B, 1]), reshape(count(T), [1, T])) // (B,T)
  const query = reshape(positions, [B, 1, T, 1])
  const key = reshape(count(C), [1, 1, 1, C])
  const place = equal(reshape(count(C), [1, 1, C, 1]), reshape(positions, [B, 1, 1, T])) // (B,1,C,T)
  const oneHot = cast(place, 'f32')
  const kept = sub(1, sum(oneHot, [-1])) // (B,1,C,1)
  return {
    ...rotaryTables(config, C),
    positions: cast(positions, 'i64'),
    store: (fresh: Node, cached?: Node): Node =>
      T === 1 ? where(place, fresh, cached!) : add(mul(cached!, kept), matmul(oneHot, fresh)),
    maskOf: (window: number | null): Node => {
      const past = lessEqual(key, query) // (B,1,T,C)
      return where(window === null ? past : and(past, less(sub(query, key), window)), 0, MASKED)
    },
  }
}
