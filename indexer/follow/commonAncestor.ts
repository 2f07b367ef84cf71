import type { Sql } from '#schema/database.ts'
import type { BlockId } from '../chain/blockRange.ts'
import type { Source } from '../chain/source.ts'
import { InconsistentChain } from '../errors.ts'
import { storedBlocks } from '../store/cursor.ts'

const ANCESTORS_PER_QUERY = 64

interface Chain {
  db: Sql
  source: Pick<Source, 'headers'>
  startBlock: number
}

/** The newest stored block up to `last` that is still on the chain; before all of them, the one after which the contracts were deployed.
 *  @throws InconsistentChain when the node lacks a block of those. */
export async function commonAncestor({ db, source, startBlock }: Chain, last: number): Promise<BlockId> {
  for (let below = last + 1; ; ) {
    const stored = await storedBlocks(db, below, ANCESTORS_PER_QUERY)
    const oldest = stored.at(-1)
    if (!oldest) break
    const now = await source.headers(stored.map(({ number }) => number))
    const missing = stored.find((_, index) => !now[index])
    if (missing) throw new InconsistentChain(`The node lost block ${missing.number}, though it has later ones`)
    const found = stored.find(({ hash }, index) => now[index]?.hash === hash)
    if (found) return found
    below = oldest.number
  }
  const [base] = await source.headers([startBlock - 1])
  if (!base)
    throw new InconsistentChain(`The node has no block ${startBlock - 1}, after which the contracts were deployed`)
  return base
}
