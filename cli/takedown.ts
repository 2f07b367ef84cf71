import { readConfig } from '#config'
import { liftTakedown, takeDown } from '#graphql/commands/removalControl.ts'
import { DataWithdrawal, Takedown } from '#schema/offchain/removals.ts'
import { rowsOf } from '#schema/rows.ts'
import { openArtifacts } from './openArtifacts.ts'
import { withDatabase } from './withDatabase.ts'

/** Written with each takedown of this command: whoever has the database needs no key. */
const ACTOR = 'the operator’s command line'

/** Takes a sample down, or lifts its takedown. */
export async function takedown(contentHash: string, { reason, lift }: { reason: string; lift?: boolean }) {
  const config = readConfig(process.env, { requireDeployment: false })
  const given = { contentHash, reason, actor: ACTOR }
  await withDatabase(config, async (db) => {
    if (lift) await liftTakedown(db, given)
    else await takeDown({ db, artifacts: await openArtifacts(config) }, given)
  })
  console.log(
    lift
      ? `${contentHash}  lifted: it is served again, and may be in the next dataset.`
      : `${contentHash}  taken down: it is served no more, and no dataset to come has it. Rewards do not change.`,
  )
}

/** Prints all removals, the latest last. */
export async function listRemovals({ json = false }: { json?: boolean }): Promise<void> {
  const config = readConfig(process.env, { requireDeployment: false })
  const { takedowns, withdrawals } = await withDatabase(config, async (db) => ({
    takedowns: await rowsOf(db, Takedown, 'true', [], { orderBy: 'at, id' }),
    withdrawals: await rowsOf(db, DataWithdrawal, 'true', [], { orderBy: 'at, id::numeric' }),
  }))
  if (json) {
    console.log(JSON.stringify({ takedowns, withdrawals }))
    return
  }
  for (const { id, actor, reason, at, liftedAt, liftReason } of takedowns)
    console.log(
      `${at.toISOString()}  ${id}  by ${actor}: ${reason}${liftedAt ? `  (lifted ${liftedAt.toISOString()}: ${liftReason})` : ''}`,
    )
  for (const { id, contributor, reason, at } of withdrawals)
    console.log(`${at.toISOString()}  contribution ${id}  withdrawn by ${contributor}: ${reason}`)
  if (takedowns.length + withdrawals.length === 0) console.log('No sample was taken down or withdrawn.')
}
