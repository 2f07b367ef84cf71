import type { BlockHeader } from '../rpc/answers.ts'

/** How long after it was stored a block is asked about again; each next time twice as long after the one before. */
const FIRST_WAIT_MS = 1_000

/** Stored blocks that are not final, without logs although their bloom allows for some: they are asked about until they are explained, or final. Where the
 *  node gives no receipts, a bloom that matches by chance stays unexplained. */
export class UnexplainedBlocks {
  private readonly blocks = new Map<string, { header: BlockHeader; due: number; waitMs: number }>()

  get size() {
    return this.blocks.size
  }

  add(headers: readonly BlockHeader[]) {
    const waitMs = FIRST_WAIT_MS
    for (const header of headers) this.blocks.set(header.hash, { header, due: performance.now() + waitMs, waitMs })
  }

  /** Forgets blocks that are final, or not stored any more. */
  keepBetween(finalBlock: number, last: number) {
    for (const [hash, { header }] of this.blocks)
      if (header.number <= finalBlock || header.number > last) this.blocks.delete(hash)
  }

  /** The blocks to ask about now. */
  due(): BlockHeader[] {
    const now = performance.now()
    const due = [...this.blocks.values()].filter((one) => one.due <= now)
    for (const one of due) {
      one.waitMs *= 2
      one.due = now + one.waitMs
    }
    return due.map(({ header }) => header)
  }

  /** Forgets those of the blocks that are explained. */
  settle(asked: readonly BlockHeader[], unexplained: readonly BlockHeader[]) {
    const open = new Set(unexplained.map(({ hash }) => hash))
    for (const { hash } of asked) if (!open.has(hash)) this.blocks.delete(hash)
  }
}
