import { setTimeout as sleep } from 'node:timers/promises'
import { rowsOf } from '#schema/current.ts'
import type { Database } from '#schema/database.ts'
import { isRetriable } from '#schema/errors.ts'
import { type Drift, Reconciliation } from '#schema/offchain/reconciliation.ts'
import { Governor } from '#schema/onchain/governance.ts'
import { row, saveRows } from '#schema/rows.ts'
import { openRpc } from '../follow/begin.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { type Comparison, Contracts, ofProposals, ofToken, type Sample } from './comparisons.ts'

/** Compares a seeded sample of the index with what the contracts themselves answer, both at the last final block. */

const MOST_FINDINGS = 100
const CALLS_AT_ONCE = 10

/** Compares every followed Governor, with its token, and stores what was found.
 *  @throws RpcError when the node no longer has the state of the final block. */
export async function reconcile(db: Database, rpc: Rpc, sample: Sample): Promise<Reconciliation[]> {
  const { rows } = await db.query('select least(block, final_block) as block from cursor')
  const block: number | undefined = rows[0]?.block
  if (block === undefined) return []
  const header = (await rpc.request('eth_getBlockByNumber', [`0x${block.toString(16)}`, false])) as {
    hash: string
    timestamp: string
  }
  const at = { block, time: new Date(Number(header.timestamp) * 1000) }
  const seed = sample.seed ?? header.hash
  const done: Reconciliation[] = []
  for (const governor of await rowsOf(db, Governor, 'true', [], { block, orderBy: 'id' })) {
    const contracts = new Contracts(rpc, block)
    const comparisons = [
      ...(await ofToken(db, contracts, governor, { ...sample, seed }, at)),
      ...(await ofProposals(db, contracts, governor, { ...sample, seed }, at)),
    ]
    const { compared, findings } = await differing(comparisons)
    const found: Reconciliation = {
      id: `${governor.id}-${block}-${seed}`,
      governorId: governor.id,
      block,
      hash: header.hash,
      seed,
      compared,
      drift: findings.length,
      findings: findings.slice(0, MOST_FINDINGS),
      at: new Date(),
    }
    await saveRows(db, [row(Reconciliation, found)])
    done.push(found)
  }
  return done
}

async function differing(comparisons: readonly Comparison[]) {
  const findings: Drift[] = []
  let compared = 0
  for (let from = 0; from < comparisons.length; from += CALLS_AT_ONCE) {
    const some = comparisons.slice(from, from + CALLS_AT_ONCE)
    const answers = await Promise.all(some.map(({ chain }) => chain()))
    some.forEach(({ what, subject, indexed }, i) => {
      if (answers[i] === undefined) return
      compared++
      const [left, right] = [String(indexed).toLowerCase(), String(answers[i]).toLowerCase()]
      if (left !== right) findings.push({ what, subject, indexed: left, chain: right })
    })
  }
  return { compared, findings }
}

const FIRST_MS = 15_000
const SAMPLE_SIZE = 20

export interface ReconcilerLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Compares every so often until `signal` aborts; a node or a database that is away is asked again the next time. */
export async function startReconciler(options: {
  db: Database
  rpcUrl: string
  everyMs: number
  log: ReconcilerLog
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
        else log.info(details, 'The index says what the contracts say')
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isRetriable(error)) throw error
      log.warn({ problem: (error as Error).message }, 'The index could not be compared with the contracts')
    }
  }
}
