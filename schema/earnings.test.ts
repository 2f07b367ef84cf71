import fc from 'fast-check'
import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { insertAll } from '#test/factory.ts'
import { addEarnings } from './earnings.ts'
import { RewardLine } from './offchain/ledger.ts'

const EPOCHS = [1, 2, 3, 4, 5]
const settled = fc.record({
  epoch: fc.constantFrom(...EPOCHS),
  lines: fc.array(fc.record({ account: fc.constantFrom('a', 'b', 'c'), amount: fc.bigInt(-2n, 2n ** 100n) })),
})

test('accounts have earned up to each epoch what its lines and those before say, in whatever order and how often epochs are settled', async () => {
  const db = await freshDatabase()
  await fc.assert(
    fc.asyncProperty(fc.array(settled, { maxLength: 10 }), async (all) => {
      await db.query('truncate reward_line, earning')
      for (const { epoch, lines } of all) {
        await db.query('delete from reward_line where map_id = $1', [epoch])
        const mapId = String(epoch)
        await insertAll(
          db,
          RewardLine,
          lines.map((line, n) => ({ ...line, id: `${mapId}-${n}`, mapId })),
        )
        await addEarnings(db, epoch)
      }
      const { rows } = await db.query(
        `select n, account, earned from generate_series(1, 5) n join earning e on from_epoch <= n and (to_epoch is null or to_epoch > n)
         where earned <> 0 order by n, account`,
      )
      const expected = await db.query(
        `select n, account, sum(amount) as earned from generate_series(1, 5) n join reward_line on map_id::integer <= n
         group by n, account having sum(amount) <> 0 order by n, account`,
      )
      expect(rows).toEqual(expected.rows)
    }),
    { numRuns: 20 },
  )
})
