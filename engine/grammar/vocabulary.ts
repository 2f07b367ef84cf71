import type { Tokenizer } from '#engine/text/tokenizer.ts'

interface Branch {
  readonly children: Map<number, Branch>
  readonly tokens: number[]
}

/**
 * The tokens of a model as a tree of bytes, laid out in the order of a walk: node i reads `byte[i]` at depth `depth[i]`,
 * spells the tokens `tokens[i]`, and its subtree ends before `end[i]`. Added and special tokens are not part of it.
 */
export class Vocabulary {
  readonly byte: Uint8Array
  readonly depth: Uint16Array
  readonly end: Int32Array
  readonly tokens: readonly (readonly number[])[]
  readonly deepest: number
  private readonly root: Branch = { children: new Map(), tokens: [] }
  private readonly spelling = new Map<number, Uint8Array>()

  /** @param size Rows of the model's embedding, of which the tokenizer may use fewer. */
  constructor(
    tokenizer: Pick<Tokenizer, 'vocabSize' | 'tokenBytes' | 'isAdded' | 'has'>,
    readonly size = tokenizer.vocabSize,
  ) {
    let nodes = 0
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      if (!tokenizer.has(id) || tokenizer.isAdded(id)) continue
      const bytes = tokenizer.tokenBytes(id)
      if (bytes.length === 0) continue
      this.spelling.set(id, bytes)
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
    const lay = (branch: Branch, depth: number): void => {
      for (const [each, child] of branch.children) {
        const at = tokens.push(child.tokens) - 1
        this.byte[at] = each
        this.depth[at] = depth
        lay(child, depth + 1)
        this.end[at] = tokens.length
      }
    }
    lay(this.root, 0)
    this.tokens = tokens
    this.deepest = this.depth.reduce((most, depth) => Math.max(most, depth + 1), 0)
  }

  /** What a token spells; undefined for one that spells nothing. */
  bytesOf(token: number): Uint8Array | undefined {
    return this.spelling.get(token)
  }

  /** Whether some token spells just this byte. */
  hasByte(byte: number): boolean {
    return (this.root.children.get(byte)?.tokens.length ?? 0) > 0
  }

  /** Lengths of the tokens that `bytes` begins with. */
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
