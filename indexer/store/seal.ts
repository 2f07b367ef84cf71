import type { Sql } from '#schema/database.ts'
import { StateRoot } from '#schema/onchain/chain.ts'
import { BlockChanges, nextRoot, originRoot } from '#schema/stateRoot.ts'
import type { Header } from '../chain/stretch.ts'
import type { Place } from '../follow/begin.ts'
import type { Rows } from './rows.ts'
import { textOf } from './versions.ts'

/** What the state root needs to know of a deployment. */
export type Sealed = Pick<Place, 'chainId' | 'contracts'>

/** Puts each block that the handlers of a batch changed in `rows` under its state root. The root is a row like any other: rolled back
 *  with the rest, and asked for as of any block. `headers` hold every block that may have changed. */
export async function seal(sql: Sql, rows: Rows, { chainId, contracts }: Sealed, headers: readonly Header[]) {
  const hashes = new Map(headers.map(({ number, hash }) => [number, hash]))
  const id = String(chainId)
  const steps = [...changesByBlock(rows)]
    .sort(([a], [b]) => a - b)
    .map(([block, changed]) => ({
      block,
      run() {
        const before = rows.get(StateRoot, id)?.root ?? originRoot(chainId, contracts)
        const blockHash = hashes.get(block)
        if (!blockHash) throw new Error(`Block ${block} changed rows, but its header was not fetched`)
        const digest = changed.digest()
        const root = nextRoot(before, block, blockHash, digest)
        rows.put(StateRoot, { id, root, digest, blockHash, changes: changed.count })
      },
    }))
  await rows.run(sql, steps)
}

function changesByBlock(rows: Rows): Map<number, BlockChanges> {
  const byBlock = new Map<number, BlockChanges>()
  const at = (block: number) => {
    let changes = byBlock.get(block)
    if (!changes) {
      changes = new BlockChanges()
      byBlock.set(block, changes)
    }
    return changes
  }
  for (const { definition, changes } of rows.changed()) {
    const { name, table } = definition
    if (changes.dropped.length) throw new Error(`${name}: a block was written twice without a rollback`)
    for (const { id, fromBlock, toBlock } of changes.closed) at(toBlock).ended(table, id, fromBlock)
    for (const version of changes.opened) {
      const { id, fromBlock, toBlock } = version
      if (toBlock === fromBlock) continue // replaced within its block
      at(fromBlock).opened(table, textOf(definition, version))
      if (toBlock !== null) at(toBlock).ended(table, id, fromBlock)
    }
  }
  return byBlock
}
