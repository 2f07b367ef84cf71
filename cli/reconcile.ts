import type { Config } from '#config'
import { type ReconciledGovernor, reconcile } from '#indexer/governors/reconcile.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { configuredChain } from './configuredChain.ts'
import { type GovernorOptions, namesGovernors } from './governors.ts'
import { configFor, type IndexTarget, indexTargets } from './indexCommand.ts'
import { withDatabase } from './withDatabase.ts'

export interface ReconcileOptions extends GovernorOptions {
  samples: number
  seed?: string
}

/** `modelcommons reconcile`: compares the index with the contracts at the last final block; without any configuration, the index of the system
 *  that `modelcommons up` runs in MODELCOMMONS_HOME. Exits with 1 when they differ, or when one of several chains could not be
 *  compared, which keeps none of the others from it. */
export async function runReconcile(options: ReconcileOptions): Promise<void> {
  const config = configFor(options)
  if (!config.databaseUrl && !config.rpcUrls && !namesGovernors(options)) return reconcileEmbedded(config, options)
  const targets = await indexTargets({ startBlock: 0, ...options }, config)
  for (const target of targets)
    await compareIndex(target, options).catch((error: Error) => {
      if (targets.length === 1) throw error
      console.error(`Chain ${target.deployment.chainId} could not be compared: ${error.message}`)
      process.exitCode = 1
    })
}

async function compareIndex({ databaseUrl, rpcUrl, deployment }: IndexTarget, options: ReconcileOptions) {
  const db = await openDatabase(databaseUrl)
  try {
    await compare(db, rpcUrl, deployment.chainId, options)
  } finally {
    await db.close()
  }
}

async function reconcileEmbedded(config: Config, options: ReconcileOptions): Promise<void> {
  const { rpcUrl, deployment } = await configuredChain(config)
  await withDatabase(config, (db) => compare(db, rpcUrl, deployment.chainId, options))
}

async function compare(db: Database, rpcUrl: string, chainId: number, { samples: size, seed }: ReconcileOptions) {
  const stop = new AbortController()
  try {
    const found = await reconcile(db, openRpc(rpcUrl, { signal: stop.signal }), { size, seed })
    if (!found.length) console.log(`Chain ${chainId}: nothing is indexed yet.`)
    for (const one of found) print(one)
  } finally {
    stop.abort()
  }
}

function print({
  governorId,
  block,
  compared,
  notCompared,
  drift,
  driftByKind,
  findings,
  nothingCompared,
  undecodable,
}: ReconciledGovernor) {
  for (const one of undecodable) console.log(`${one} answers something else than the function returns`)
  if (!compared) return console.log(`${governorId} at block ${block}: nothing was compared, because ${nothingCompared}`)
  const kinds = Object.entries(driftByKind).map(([kind, count]) => `${count} ${kind}`)
  console.log(
    `${governorId} at block ${block}: ${drift} of ${compared} values differ${drift ? ` (${kinds.join(', ')})` : ''}${notCompared ? `, ${notCompared} could not be compared` : ''}`,
  )
  for (const { what, subject, indexed, chain } of findings)
    console.log(`  ${what} of ${subject}: ${indexed} in the index, ${chain} on chain`)
  if (drift) process.exitCode = 1
}
