import { LRUCache } from 'lru-cache'
import type { Weights } from '#engine/formats/weights.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { HostCache } from './hostCache.ts'
import type { GenerationRequest } from './request.ts'
import type { Sequence } from './sequence.ts'

/** A text that was read: the keys and values of its tokens, without the room for more. */
export interface ReadText {
  tokens: readonly number[]
  scope: string
  /** Weak: an adapter that nobody uses any more is not kept for its texts. */
  adapter: WeakRef<Weights> | undefined
  cache: HostCache
}

/** A text that a prompt begins like, and for how many tokens. */
export interface KnownPrefix {
  text: ReadText
  length: number
}

/** Shorter beginnings are read again, as are those that are shorter than the rest: to read the rest by itself would take longer. */
const MIN_PREFIX_TOKENS = 32

/**
 * Keys and values of finished texts, so that a prompt that begins like one of them (the next turn of a chat, one more question about a document) is
 * read from where it differs (Zheng et al., "SGLang", 2024: prefix sharing). A text serves only its own scope and adapter. The least recently used
 * ones give way when all take more than `maxBytes`.
 */
export class PrefixCache {
  private readonly texts: LRUCache<number, ReadText>
  private kept = 0

  constructor(
    private readonly config: ModelConfig,
    maxBytes: number,
  ) {
    this.texts = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ cache }) => cache.bytes })
  }

  /** The text with the longest common beginning with a request's prompt, and the length of that: at most `limit` tokens. */
  find({ prompt, adapter, cacheScope }: GenerationRequest, limit: number): KnownPrefix | undefined {
    let found: { key: number; length: number } | undefined
    for (const [key, text] of this.texts.entries()) {
      if (text.scope !== cacheScope || text.adapter?.deref() !== adapter) continue
      const length = commonLength(text.tokens, prompt, limit)
      if (length >= Math.max(MIN_PREFIX_TOKENS, limit / 2) && length > (found?.length ?? 0)) found = { key, length }
    }
    const text = found && this.texts.get(found.key)
    return text && found && { text, length: found.length }
  }

  /** Keeps what a sequence, of a request with a scope, has in a row of a cache, instead of the texts that it continues. */
  keep({ request, tokens, length }: Sequence, from: HostCache, row: number): void {
    const { cacheScope: scope, adapter } = request
    if (scope === undefined || length < MIN_PREFIX_TOKENS) return
    for (const [key, text] of this.texts.entries()) {
      if (text.scope !== scope || text.adapter?.deref() !== adapter) continue
      const common = commonLength(text.tokens, tokens, length)
      if (common === length) return
      if (common === text.tokens.length) this.texts.delete(key)
    }
    const cache = new HostCache(this.config, 1, length)
    cache.copyRow(0, from.tensors, row, length)
    this.texts.set(this.kept++, {
      tokens: tokens.slice(0, length),
      scope,
      adapter: adapter && new WeakRef(adapter),
      cache,
    })
  }
}

function commonLength(a: ArrayLike<number>, b: ArrayLike<number>, limit: number): number {
  const most = Math.min(a.length, b.length, limit)
  let length = 0
  while (length < most && a[length] === b[length]) length++
  return length
}
