import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, databaseTime } from '#schema/database.ts'
import { type Drift, Reconciliation } from '#schema/offchain/reconciliation.ts'
import { Governor } from '#schema/onchain/governance.ts'
import { row, rowsOf, saveRows } from '#schema/rows.ts'
import { headerAt } from '../chain/blockRange.ts'
import { InconsistentChain } from '../errors.ts'
import type { Logger } from '../options.ts'
import { RecordedChain, StateUnavailable } from '../rpc/errors.ts'
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

export type ReconciledGovernor = Reconciliation & {
  /** Why no value was compared, where none was. */
  nothingCompared?: string
  /** Functions whose answers are of another type than theirs, each with its contract. */
  undecodable: readonly string[]
  /** How many values of each kind differ. */
  driftByKind: Readonly<Record<string, number>>
}

/** Compares every followed Governor, with its token, and stores the findings.
 *  @throws StateUnavailable when the node does not have the state of the final block, RecordedChain when the chain is a replay,
 *  MethodUnsupported when the node does not support `eth_call`. */
export async function reconcile(db: Database, rpc: Rpc, sample: SampleOptions): Promise<ReconciledGovernor[]> {
  const { rows } = await db.query('select least(block, final_block) as block from cursor')
  const block: number | undefined = rows[0]?.block
  if (block === undefined) return []
  const header = await headerAt(rpc, block)
  if (!header) throw new InconsistentChain(`The node has no block ${block}, which is final in the index`)
  const { hash, timestamp: time } = header
  const seeded = { ...sample, seed: sample.seed ?? hash }
  const undecodable = new Set<string>()
  const readers = governanceReader(rpc, block, (contract, name) => undecodable.add(`${name}() of ${contract}`))
  const done: ReconciledGovernor[] = []
  for (const governor of await rowsOf(db, Governor, 'true', [], { block, orderBy: 'id' })) {
    undecodable.clear()
    const values = [
      ...(await tokenValues(db, readers, governor, seeded, { block, time })),
      ...(await proposalValues(db, readers, governor, seeded, { block, time })),
    ]
    const { compared, findings } = await compare(values)
    const found: Reconciliation = {
      id: `${governor.id}-${block}-${seeded.seed}`,
      governorId: governor.id,
      block,
      hash,
      seed: seeded.seed,
      compared,
      notCompared: values.length - compared,
      drift: findings.length,
      findings: findings.slice(0, MAX_FINDINGS),
      at: await databaseTime(db),
    }
    await saveRows(db, [row(Reconciliation, found)])
    const nothingCompared = compared ? undefined : values.length ? NO_FUNCTIONS : NO_ROWS
    done.push({ ...found, nothingCompared, undecodable: [...undecodable], driftByKind: countByKind(findings) })
  }
  return done
}

function countByKind(findings: readonly Drift[]) {
  const counts: Record<string, number> = {}
  for (const { what } of findings) counts[what] = (counts[what] ?? 0) + 1
  return counts
}

const NO_ROWS = 'the index has no holders and no proposals of it yet'
const NO_FUNCTIONS = 'its contracts have none of the functions that would be compared'

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

/** Compares periodically until `signal` aborts; what keeps it from comparing is logged, and the next period tries again. A replay of recorded
 *  events has no contracts to compare with. */
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
      for (const one of await reconcile(db, rpc, { size: SAMPLE_SIZE })) logComparison(log, one)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof RecordedChain)
        return log.info({}, 'The index is not compared with the contracts: a replay of recorded events has none')
      const problem = error instanceof Error ? error.message : String(error) // the index goes on without comparisons
      if (error instanceof StateUnavailable)
        log.info({ problem }, 'The index is compared with the contracts later, at a newer final block')
      else log.warn({ problem }, 'The index could not be compared with the contracts')
    }
  }
}

function logComparison(
  log: Logger,
  {
    governorId,
    block,
    compared,
    notCompared,
    drift,
    driftByKind,
    findings,
    nothingCompared,
    undecodable,
  }: ReconciledGovernor,
) {
  const details = { governor: governorId, block, compared, notCompared, drift }
  if (undecodable.length)
    log.warn({ ...details, undecodable }, 'Contracts answer something else than their functions return')
  if (drift) log.warn({ ...details, driftByKind, findings }, 'The index differs from the contracts')
  else if (compared) log.info(details, 'The index agrees with the contracts')
  else log.info({ governor: governorId, block, reason: nothingCompared }, 'Nothing was compared with the contracts')
}
