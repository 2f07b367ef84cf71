import type { Sql } from '#schema/database.ts'
import { StateRoot } from '#schema/onchain/chain.ts'
import { digestOf, endedLine, nextRoot, openedLine, originRoot } from '#schema/stateRoot.ts'
import type { Place } from './begin.ts'
import type { Rows } from './rows.ts'
import type { Header } from './stretch.ts'
import { textOf } from './versions.ts'

/** What the state root needs to know of a deployment. */
export type Sealed = Pick<Place, 'chainId' | 'contracts'>

/** Puts each block that the handlers of a batch changed in `rows` under its state root. The root is a row like any other: rolled back
 *  with the rest, and asked for as of any block. `headers` hold every block that may have changed. */
export async function seal(sql: Sql, rows: Rows, { chainId, contracts }: Sealed, headers: readonly Header[]) {
  const hashes = new Map(headers.map(({ number, hash }) => [number, hash]))
  const id = String(chainId)
  const steps = [...linesByBlock(rows)]
    .sort(([a], [b]) => a - b)
    .map(([block, lines]) => ({
      block,
      run() {
        const before = rows.get(StateRoot, id)?.root ?? originRoot(chainId, contracts)
        const blockHash = hashes.get(block)
        if (!blockHash) throw new Error(`Block ${block} changed rows, but its header was not fetched`)
        const digest = digestOf(lines)
        const root = nextRoot(before, block, blockHash, digest)
        rows.put(StateRoot, { id, root, digest, blockHash, changes: lines.length })
      },
    }))
  await rows.run(sql, steps)
}

function linesByBlock(rows: Rows): Map<number, string[]> {
  const byBlock = new Map<number, string[]>()
  const add = (block: number, line: string) => {
    const lines = byBlock.get(block)
    if (lines) lines.push(line)
    else byBlock.set(block, [line])
  }
  for (const { definition, changes } of rows.changed()) {
    if (changes.dropped.length) throw new Error(`${definition.name}: a block was written twice without a rollback`)
    for (const { id, fromBlock, toBlock } of changes.closed) add(toBlock, endedLine(definition, id, fromBlock))
    for (const version of changes.opened) {
      const { id, fromBlock, toBlock } = version
      if (toBlock === fromBlock) continue // replaced within its block
      add(fromBlock, openedLine(definition, textOf(definition, version)))
      if (toBlock !== null) add(toBlock, endedLine(definition, id, fromBlock))
    }
  }
  return byBlock
}
