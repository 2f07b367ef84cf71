// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Tokenizer } from '#engine/text/tokenizer.ts'

interface Branch {
  readonly children: Map<number, Branch>
  readonly tokens: number[]
}

/**
 * The tokens of a model as a prefix tree of bytes in depth-first order: node i reads `byte[i]` at depth `depth[i]`, completes
 * the tokens `tokens[i]`, and its subtree ends before `end[i]`. It does not contain added and special tokens.
 */
export class Vocabulary {
  readonly byte: Uint8Array
  readonly depth: Uint16Array
  readonly end: Int32Array
  readonly tokens: readonly (readonly number[])[]
  readonly maxDepth: number
  private readonly root: Branch = { children: new Map(), tokens: [] }
  private readonly bytes = new Map<number, Uint8Array>()

  /** @param size Number of rows of the model's embedding; the tokenizer may use fewer. */
  constructor(
    tokenizer: Pick<Tokenizer, 'vocabSize' | 'tokenBytes' | 'isAdded' | 'has'>,
    readonly size = tokenizer.vocabSize,
  ) {
    let nodes = 0
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      if (!tokenizer.has(id) || tokenizer.isAdded(id)) continue
      const bytes = tokenizer.tokenBytes(id)
      if (bytes.length === 0) continue
      this.bytes.set(id, bytes)
      let at = this.root
      for (const each of bytes) {
        let child = at.children.get(each)
        if (!child) {
          at.children.set(each, (child = { children: new Map(), tokens: [] }))
          nodes++
        }
        at = child
      }
      at.tokens.push(id)
    }
    this.byte = new Uint8Array(nodes)
    this.depth = new Uint16Array(nodes)
    this.end = new Int32Array(nodes)
    const tokens: (readonly number[])[] = []
    const add = (branch: Branch, depth: number): void => {
      for (const [each, child] of branch.children) {
        const at = tokens.push(child.tokens) - 1
        this.byte[at] = each
        this.depth[at] = depth
        add(child, depth + 1)
        this.end[at] = tokens.length
      }
    }
    add(this.root, 0)
    this.tokens = tokens
    this.maxDepth = this.depth.reduce((most, depth) => Math.max(most, depth + 1), 0)
  }

  /** The bytes of a token; undefined for a token without bytes. */
  bytesOf(token: number): Uint8Array | undefined {
    return this.bytes.get(token)
  }

  /** Whether a token consists of exactly this byte. */
  hasByte(byte: number): boolean {
    return (this.root.children.get(byte)?.tokens.length ?? 0) > 0
  }

  /** Lengths of the tokens that are prefixes of `bytes`. */
  *prefixes(bytes: Iterable<number>): Iterable<number> {
    let at: Branch | undefined = this.root
    let length = 0
    for (const byte of bytes) {
      at = at.children.get(byte)
      if (!at) return
      length++
      if (at.tokens.length > 0) yield length
    }
  }
}
