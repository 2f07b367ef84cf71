import { join } from 'node:path'
import { expect, test } from 'vitest'
import { journalKeys } from '#cli/journalKeys.ts'
import { until } from '#indexer/test/follow.ts'
import type { Database } from '#schema/database.ts'
import { enqueue, findJob } from '#schema/enqueue.ts'
import { openQueues } from '#schema/queue.ts'
import { databaseWith, freshDatabase } from '#test/database.ts'
import type { ChainClient } from '#workers/chain.ts'
import { ChainUnavailableError } from '#workers/chainErrors.ts'
import { answeringSystem, asking, FEE } from './answeringSystem.ts'
import { runProgram } from './testSystem.ts'

/** Amendment 7b: whatever copy of the database is restored, no call is answered and no receipt is charged twice. */

const books = async (db: Database) => ({
  receipts: (await db.query('select prompt, answer, fee, epoch from receipt order by prompt')).rows,
  open: Number((await db.query('select count(*) as open from credit_hold where open')).rows[0].open),
  used: (await db.query('select used from signed_voucher')).rows[0]?.used as bigint,
})

test('after a restore every answer is back, is given again for its key, and is charged once', async () => {
  const { home, answered, serving, program, grant, redeemed } = await answeringSystem()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  let late: unknown
  await serving(db, async ({ answer }) => {
    await grant(db)
    expect(await answer('before')).toBe('before 1')
  })
  const queues = await openQueues({ databaseUrl: db.url })
  await asking(db, queues).request('queued') // no worker: it is queued in the backup
  await queues.close()
  await program('backup', db, '--out', out)
  await serving(db, async ({ answer, settle }) => {
    expect(await answer('queued')).toMatch(/^queued \d$/)
    await settle(1)
    late = await answer('late')
  })
  expect(await redeemed()).toBe(2n * FEE)
  const [truth, given] = [await books(db), [...answered]]

  expect(await program('restore', restored, out)).toContain('2 answers of after the backup are back from the journal.')
  await serving(restored, async ({ answer, settle }) => {
    expect(await answer('late')).toBe(late)
    expect(await answer('queued')).toBe(truth.receipts.find(({ prompt }) => prompt === 'queued').answer)
    expect(answered).toEqual(given) // the model was not asked again
    await expect(settle(1)).resolves.toMatchObject({ epoch: 1, receipts: 2 })
    await settle(2)
    expect(await answer('new')).toMatch(/^new /)
  })
  expect(await redeemed()).toBe(3n * FEE)
  const after = await books(restored)
  expect(after.receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'before 1',
    'late 2',
    'new null',
    'queued 1',
  ])
  expect(after).toMatchObject({ open: 0, used: 4n * FEE })

  // Restored again, by a tool that knows nothing of the journal: the worker finds it.
  const other = await databaseWith(0)
  await program('restore', other, out, '--no-journal')
  expect((await books(other)).receipts).toHaveLength(1)
  await serving(other, async ({ answer, settle }) => {
    expect(await answer('late')).toBe(late)
    await settle(3)
  })
  expect(await redeemed()).toBe(4n * FEE)
  expect((await books(other)).receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'before 1',
    'late 2',
    'new 3',
    'queued 1',
  ])
})

test('a settlement that was cut in two by a restore goes on and charges once', async () => {
  const { home, serving, program, grant, redeemed } = await answeringSystem()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  await serving(db, async ({ answer }) => {
    await grant(db)
    await answer('one')
    await answer('two')
  })
  await program('backup', db, '--out', out)
  const unpublished = (chain: ChainClient): ChainClient => ({
    ...chain,
    transact: (key, ...rest) =>
      key.startsWith('publish')
        ? Promise.reject(new ChainUnavailableError('unreachable', 'The chain does not answer.'))
        : chain.transact(key, ...rest),
  })
  const requestOf = async (db: Database) => {
    const queues = await openQueues({ databaseUrl: db.url })
    const { id } = await enqueue({ db, queues }, 'settleEpoch', { epoch: 1 }, { key: 'settle', requestedBy: null })
    await queues.close()
    return id
  }
  const id = await requestOf(db)
  await serving(
    db,
    () => until('the job waits with its usage settled', async () => (await findJob(db, id)).status === 'Waiting'),
    { through: unpublished },
  )
  expect(await redeemed()).toBe(2n * FEE)

  await program('restore', restored, out)
  await requestOf(restored)
  await serving(restored, async ({ ended, answer }) => {
    await expect(ended(id)).resolves.toMatchObject({ epoch: 1, receipts: 2 })
    await answer('three')
  })
  expect(await redeemed()).toBe(2n * FEE)
  expect((await books(restored)).receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'one 1',
    'three null',
    'two 1',
  ])
  expect(Number((await restored.query('select count(*) as lines from reward_line')).rows[0].lines)).toBeGreaterThan(0)
})

test('a journal of another key is told, and can be given up', async () => {
  const { home, env, serving, program, grant } = await answeringSystem()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  await grant(db).catch(() => {})
  await program('backup', db, '--out', out)
  await serving(db, async ({ answer }) => {
    await answer('late')
  })
  const wrong = { ...env, DATABASE_URL: restored.url, JOURNAL_KEY: '11'.repeat(32) }
  expect(await runProgram('restore', wrong, [out])).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^The backup is restored, but not the answers of after it: JOURNAL_KEY: none of its keys has sealed this\..* --no-journal\.$/,
    ),
  })
  expect((await runProgram('restore', wrong, [out, '--force', '--no-journal'])).code).toBe(0)
  const rotated = {
    ...wrong,
    JOURNAL_KEY: `${'11'.repeat(32)},${(await journalKeys({ home, journalKeys: undefined }))[0].toString('hex')}`,
  }
  expect((await runProgram('restore', rotated, [out, '--force'])).output).toContain('1 answers of after')
})

test('redeemed, settled and restored in any order, each receipt is paid once', async () => {
  const { home, serving, program, grant, redeemed } = await answeringSystem()
  const db = await freshDatabase()
  const copy = (name: string) => program('backup', db, '--out', join(home, name))
  await serving(db, async ({ answer }) => {
    await grant(db)
    await answer('one')
  })
  await copy('answered')
  await serving(db, async ({ answer, redeem }) => {
    await redeem('first')
    await answer('two')
  })
  await copy('redeemed')
  await serving(db, async ({ settle, answer, redeem }) => {
    await settle(1)
    await answer('three')
    await redeem('second')
  })

  // Each copy goes on where the chain is, with a call and a settlement of its own.
  let paid = 3n * FEE
  for (const [name, others] of [
    ['redeemed', []],
    ['answered', ['--no-journal']],
    ['answered', []],
  ] as const) {
    const restored = await databaseWith(0)
    await program('restore', restored, join(home, name), ...others)
    await serving(restored, async ({ answer, redeem, settle }) => {
      await redeem(`after ${paid}`)
      expect(await redeemed()).toBe(paid)
      await answer(`after ${paid}`)
      await redeem(`again ${paid}`)
      for (let epoch = 1; ; epoch++)
        try {
          await settle(epoch, `settle ${epoch} after ${paid}`)
        } catch (error) {
          if (String(error).includes('NOTHING_TO_SETTLE')) break
          if (!String(error).includes('ALREADY_SETTLED')) throw error
        }
    })
    paid += FEE
    expect(await redeemed()).toBe(paid)
    const { rows } = await restored.query(
      `select epoch, funded, (select sum(fee) from receipt where receipt.epoch = map.epoch) as fees from reward_map map
       where to_block is null and status = 'Published' order by epoch`,
    )
    expect(rows.map(({ fees }) => fees)).toEqual(rows.map(({ funded }) => funded))
    expect(rows.reduce((sum, { funded }) => sum + funded, 0n)).toBe(paid)
    expect((await restored.query('select 1 from receipt where epoch is null')).rows).toEqual([])
  }
})
