import { reconcile } from '#indexer/governors/reconcile.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { openDatabase } from '#schema/database.ts'
import type { GovernorOptions } from './governors.ts'
import { configFor, indexTargets } from './indexCommand.ts'

/** `modelcommons reconcile`: compares the index with the contracts at the last final block. Exits with 1 when they differ. */
export async function runReconcile(options: GovernorOptions & { samples: number; seed?: string }): Promise<void> {
  const { samples: size, seed } = options
  for (const { databaseUrl, rpcUrl, deployment } of await indexTargets(options, configFor(options))) {
    const db = await openDatabase(databaseUrl)
    const stop = new AbortController()
    try {
      const found = await reconcile(db, openRpc(rpcUrl, { signal: stop.signal }), { size, seed })
      if (!found.length) console.log(`Chain ${deployment.chainId}: nothing is indexed yet.`)
      for (const { governorId, block, compared, drift, findings } of found) {
        console.log(`${governorId} at block ${block}: ${drift} of ${compared} values differ`)
        for (const { what, subject, indexed, chain } of findings)
          console.log(`  ${what} of ${subject}: ${indexed} in the index, ${chain} on chain`)
        if (drift) process.exitCode = 1
      }
    } finally {
      stop.abort()
      await db.close()
    }
  }
}
