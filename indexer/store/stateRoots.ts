import type { Sql } from '#schema/database.ts'
import { StateRoot } from '#schema/onchain/chain.ts'
import { BlockChanges, nextRoot, originRoot } from '#schema/stateRoot.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import type { ContractAddresses } from './cursor.ts'
import type { Rows } from './rows.ts'
import { textOf } from './versions.ts'

/** What the first state root of an index is derived from. */
export interface IndexIdentity {
  chainId: number
  contracts: ContractAddresses
}

/** Adds a state root to `rows` for each block that the handlers of a batch changed. The root is a row like any other: rolled back
 *  with the rest, and available as of any block. `headers` must hold every block that may have changed. */
export async function writeStateRoots(
  sql: Sql,
  rows: Rows,
  { chainId, contracts }: IndexIdentity,
  headers: readonly BlockHeader[],
) {
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
  const changesIn = (block: number) => {
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
    for (const { id, fromBlock, toBlock } of changes.closed) changesIn(toBlock).ended(table, id, fromBlock)
    for (const version of changes.opened) {
      const { id, fromBlock, toBlock } = version
      if (toBlock === fromBlock) continue // replaced within its block
      changesIn(fromBlock).opened(table, textOf(definition, version))
      if (toBlock !== null) changesIn(toBlock).ended(table, id, fromBlock)
    }
  }
  return byBlock
}
