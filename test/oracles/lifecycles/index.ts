import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EpochSources } from '#epochs/epochSources.ts'
import { resolveDeployment } from '#indexer/deployment.ts'
import { eventSteps } from '#indexer/handlers/steps.ts'
import { advance, createCursor, type Position } from '#indexer/store/cursor.ts'
import { Rows, writeBatch } from '#indexer/store/rows.ts'
import { type ArtifactStore, localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { tables } from '#schema/entities.ts'
import { blockHash, blockTime, TEST_CHAIN_ID } from '#test/factory.ts'
import { type LifecycleCall, storeCalls } from './calls.ts'
import { ADDRESSES, type LifecycleEvent, rawLogs } from './events.ts'
import { ledgerFaults } from './ledger.ts'

/** An index of a lifecycle's chain that the real handlers fill, in a real PostgreSQL, and a folder of artifacts. */
export interface LifecycleIndex {
  sources: EpochSources
  artifacts: ArtifactStore
  folder: string
  /** Where the ledger was not what the chain says. */
  faults: string[]
  /** Indexes the blocks up to `head`, of which these are all the events, stores what became known of calls, and posts the ledger. */
  index(events: readonly LifecycleEvent[], calls: readonly LifecycleCall[], head: number): Promise<void>
  close(): Promise<void>
}

const chainId = TEST_CHAIN_ID
const header = (number: number) => ({
  number,
  hash: blockHash(number),
  parentHash: blockHash(number - 1),
  timestamp: blockTime(number),
})

/** Starts with an empty index of a chain whose maps have pages of so many entries. Whatever `db` holds is deleted. */
export async function openLifecycleIndex(db: Database, pageEntries?: number): Promise<LifecycleIndex> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-lifecycle-'))
  const artifacts = localStore(join(folder, 'artifacts'))
  const { followed, governances, contracts } = resolveDeployment({ chainId, startBlock: 1, addresses: ADDRESSES })
  const rows = new Rows()
  const { rows: filled } = await db.query(FILLED)
  if (filled.length) await db.query(`truncate ${filled.map(({ name }) => name).join(', ')}`)
  const faults: string[] = []
  let position: Position = { block: 0, hash: blockHash(0), finalBlock: 0, headBlock: 0 }
  await createCursor(db, chainId, header(0), 0, contracts)
  return {
    sources: {
      sql: db,
      artifacts,
      deployment: { chainId, addresses: ADDRESSES, pageEntries },
      blockHash: async (block) => blockHash(block),
    },
    artifacts,
    folder,
    faults,
    async index(events, calls, head) {
      if (head === position.block) return
      const logs = rawLogs(events).map((log) => ({
        ...log,
        blockHash: blockHash(log.block),
        transactionHash: blockHash(log.block, ' transaction'),
      }))
      const headers = [...new Set([...logs.map(({ block }) => block), head])].map(header)
      const range = { from: position.block + 1, to: head, headers, logs }
      await rows.run(db, eventSteps(range, followed, governances, rows))
      const after = { block: head, hash: blockHash(head), finalBlock: head, headBlock: head }
      await db.transaction((sql) =>
        advance(sql, { chainId }, position, after, headers, () => writeBatch(sql, rows.take())),
      )
      await storeCalls(db, calls)
      faults.push(
        ...(await ledgerFaults(
          { db, artifacts, deployment: { chainId, addresses: ADDRESSES, pageEntries } },
          range.from,
        )),
      )
      position = after
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

const FILLED = tables
  .map(({ table }) => `select '"${table}"' as name where exists (select 1 from "${table}")`)
  .join(' union all ')
