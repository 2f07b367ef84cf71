import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#schema/database.ts'
import { isRetriable } from '#schema/errors.ts'
import { type Drift, Reconciliation } from '#schema/offchain/reconciliation.ts'
import { Governor } from '#schema/onchain/governance.ts'
import { row, rowsOf, saveRows } from '#schema/rows.ts'
import { headerCall, readHeader } from '../chain/blockRange.ts'
import { InconsistentChain } from '../errors.ts'
import type { Logger } from '../options.ts'
import { openRpc } from '../rpc/open.ts'
import type { Rpc } from '../rpc/rpc.ts'
import {
  governanceReader,
  type IndexedValue,
  proposalValues,
  type SampleOptions,
  tokenValues,
} from './indexedValues.ts'

/** Compares a seeded sample of the index with what the contracts answer, both at the last final block. */

const MAX_FINDINGS = 100
const PARALLEL_CALLS = 10

/** Compares every followed Governor, with its token, and stores the findings.
 *  @throws RpcError when the node no longer has the state of the final block. */
export async function reconcile(db: Database, rpc: Rpc, sample: SampleOptions): Promise<Reconciliation[]> {
  const { rows } = await db.query('select least(block, final_block) as block from cursor')
  const block: number | undefined = rows[0]?.block
  if (block === undefined) return []
  const { method, params } = headerCall(block)
  const header = readHeader(await rpc.request(method, params))
  if (!header) throw new InconsistentChain(`The node has no block ${block}, which is final in the index`)
  const { hash, timestamp: time } = header
  const seeded = { ...sample, seed: sample.seed ?? hash }
  const read = governanceReader(rpc, block)
  const done: Reconciliation[] = []
  for (const governor of await rowsOf(db, Governor, 'true', [], { block, orderBy: 'id' })) {
    const values = [
      ...(await tokenValues(db, read, governor, seeded, { block, time })),
      ...(await proposalValues(db, read, governor, seeded, { block, time })),
    ]
    const { compared, findings } = await compare(values)
    const found: Reconciliation = {
      id: `${governor.id}-${block}-${seeded.seed}`,
      governorId: governor.id,
      block,
      hash,
      seed: seeded.seed,
      compared,
      drift: findings.length,
      findings: findings.slice(0, MAX_FINDINGS),
      at: new Date(),
    }
    await saveRows(db, [row(Reconciliation, found)])
    done.push(found)
  }
  return done
}

async function compare(values: readonly IndexedValue[]) {
  const findings: Drift[] = []
  let compared = 0
  for (let from = 0; from < values.length; from += PARALLEL_CALLS) {
    const some = values.slice(from, from + PARALLEL_CALLS)
    const answers = await Promise.all(some.map(async (value) => ({ ...value, answer: await value.onChain() })))
    for (const { what, subject, indexed, answer } of answers) {
      if (answer === undefined) continue
      compared++
      const [left, right] = [String(indexed).toLowerCase(), String(answer).toLowerCase()]
      if (left !== right) findings.push({ what, subject, indexed: left, chain: right })
    }
  }
  return { compared, findings }
}

const FIRST_MS = 15_000
const SAMPLE_SIZE = 20

/** Compares periodically until `signal` aborts; when the node or the database is unavailable, the next period tries again. */
export async function startReconciler(options: {
  db: Database
  rpcUrl: string
  everyMs: number
  log: Logger
  signal: AbortSignal
}): Promise<void> {
  const { db, rpcUrl, everyMs, log, signal } = options
  const rpc = openRpc(rpcUrl, { signal })
  for (let wait = Math.min(everyMs, FIRST_MS); ; wait = everyMs) {
    await sleep(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      for (const { governorId, block, compared, drift, findings } of await reconcile(db, rpc, { size: SAMPLE_SIZE })) {
        const details = { governor: governorId, block, compared, drift }
        if (drift) log.warn({ ...details, findings }, 'The index differs from the contracts')
        else log.info(details, 'The index agrees with the contracts')
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isRetriable(error)) throw error
      log.warn({ problem: (error as Error).message }, 'The index could not be compared with the contracts')
    }
  }
}
