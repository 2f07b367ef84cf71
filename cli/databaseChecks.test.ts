import { expect, onTestFinished, test } from 'vitest'
import { profileOf } from '#indexer/governors/profile.ts'
import { Rows } from '#indexer/store/rows.ts'
import { QUORUM_CHANGED } from '#rules/storedProposal.ts'
import { openDatabase } from '#schema/database.ts'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { Governor } from '#schema/onchain/governance.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import { databaseChecks } from './databaseChecks.ts'

test('a contract that is set aside, and a Governor whose quorum changed without an event, are named, with what that means', async () => {
  const url = await freshDatabaseUrl()
  const db = await openDatabase(url)
  onTestFinished(() => db.close())
  const checks = databaseChecks(url, undefined, { minesByItself: false, relay: undefined, relayerKey: undefined })
  const run = async (name: string) => must(checks.find(([of]) => of === name))[1]()
  await run('database')
  const governor = profileOf({ address: `0x${'a1'.repeat(20)}` })
  const rows = new Rows()
  await rows.run(db, [{ block: 1, run: () => rows.put(Governor, governor) }])
  await rows.flush(db)
  expect(await run('contracts')).toBe('')
  await db.query('update governor set quorum_unknown = $1', [QUORUM_CHANGED])
  await expect(run('contracts')).rejects.toThrow(
    `States of proposals of ${governor.id} that depend on the quorum are null`,
  )
  const aside = { id: `0x${'b2'.repeat(20)}`, contract: 'GOpen', logIndex: 3, reason: 'A sum has more than 256 bits.' }
  await rows.run(db, [{ block: 2, run: () => rows.put(SetAsideContract, aside) }])
  await rows.flush(db)
  await expect(run('contracts')).rejects.toThrow(
    `Nothing of ${aside.id} is indexed since block 2: ${aside.reason} States`,
  )
})
