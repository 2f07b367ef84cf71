import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '#schema/database.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Judgement } from '#schema/onchain/feedback.ts'
import { backfillTotals } from '#schema/totals.ts'
import { freshDatabase } from '#test/database.ts'
import { Rows, type Values } from './rows.ts'
import { rollbackRows } from './versions.ts'

const sample = fc.record({
  id: fc.constantFrom('1', '2', '3', '4', '5'),
  contributor: fc.constantFrom('0xa', '0xb', '0xc'),
  status: fc.constantFrom('Submitted' as const, 'Accepted' as const, 'Rejected' as const),
  score: fc.option(fc.nat(9)),
  amount: fc.bigInt(0n, 2n ** 200n),
})
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never

const stage = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.array(sample, { maxLength: 4 }), { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.nat(6) },
)

/** Writes one sample, and a judgement of it. The contributor of an id changes only after a rollback. */
function write(rows: Rows, { id, score, amount, ...given }: Sample) {
  const contributor = rows.get(Contribution, id)?.contributor ?? given.contributor
  rows.put(Contribution, {
    ...{
      id,
      ...given,
      contributor,
      datanetId: '1',
      contentHash: '0x',
      commitment: '0x',
      committedBlock: 1,
      reason: null,
    },
    ...{ quality: score, uniqueness: score, stake: amount, slashed: amount / 2n, forfeited: null },
    ...{ excluded: score === 0, submittedAt: new Date(0) },
  } satisfies Values<Contribution>)
  rows.put(Judgement, {
    ...{ id: `${id}-${contributor}`, taskId: id, validator: contributor, commitment: '0x', seatStake: 0n, stage: 0 },
    ...{ choice: score, ethics: null, logic: null, functional: null, confidence: null },
    ...{ score: given.status === 'Submitted' ? null : score, reward: amount, penalty: 1n },
  } satisfies Values<Judgement>)
}

const AT = 'from_block <= b and (to_block is null or to_block > b)'

/** Where a total differs from what the rows say, at any block up to `head`. */
const DIFFERENCES = [
  [
    `select 'contributor', b::text, id, (contributions, accepted, rejected, excluded, scored, quality, uniqueness, staked, slashed)::text
     from contributor_total where ${AT}`,
    `select 'contributor', b::text, contributor, (count(*), count(*) filter (where status = 'Accepted'), count(*) filter (where status = 'Rejected'),
       count(*) filter (where excluded), count(quality), coalesce(sum(quality), 0), coalesce(sum(uniqueness), 0), sum(stake), sum(slashed))::text
     from contribution where ${AT} group by contributor`,
  ],
  [
    `select 'validator', b::text, id, (judgements, revealed, settled, reward, penalty)::text from validator_total where ${AT}`,
    `select 'validator', b::text, validator, (count(*), count(choice), count(score), sum(reward), sum(penalty))::text
     from judgement where ${AT} group by validator`,
  ],
  [
    `select 'figure', b::text, id, value::text from total where ${AT} and value > 0`,
    `select 'figure', b::text, id, value::text from (
       select 'contribution' as id, count(*) as value from contribution where ${AT}
       union all select 'acceptedContributions', count(*) from contribution where status = 'Accepted' and ${AT}
       union all select 'judgement', count(*) from judgement where ${AT}
       union all select 'contributor_total', count(distinct contributor) from contribution where ${AT}) f where value > 0`,
  ],
]
  .flatMap(([kept, counted]) => [`(${kept} except ${counted})`, `(${counted} except ${kept})`])
  .map((text) => `select t.* from generate_series(0, $1::integer) b cross join lateral (${text}) t`)
  .join(' union all ')

const allTotals = async (db: Database) => {
  const tables = ['contributor_total', 'validator_total', 'total']
  const read = tables.map((table) => db.query(`select * from ${table} order by id, from_block`))
  return (await Promise.all(read)).map(({ rows }) => rows)
}

test('totals are what the rows give together, at every block, through batches and rollbacks; a backfill gives the same', async () => {
  const db = await freshDatabase()
  await fc.assert(
    fc.asyncProperty(fc.array(stage, { minLength: 1, maxLength: 8 }), fc.nat(3), async (stages, kept) => {
      await db.query('truncate contribution, judgement, contributor_total, validator_total, total')
      const rows = new Rows(kept)
      let head = 0
      for (const one of stages)
        if (typeof one === 'number') {
          head = Math.max(0, head - one)
          await rollbackRows(db, head)
          rows.forget()
        } else
          await db.transaction(async (sql) => {
            const steps = one.flatMap((samples) => {
              const block = ++head
              return samples.map((each) => ({ block, run: () => write(rows, each) }))
            })
            await rows.run(sql, steps)
            await rows.flush(sql)
          })
      expect((await db.query(DIFFERENCES, [head])).rows).toEqual([])
      const before = await allTotals(db)
      await db.query('truncate contributor_total, validator_total, total')
      await backfillTotals(db)
      expect(await allTotals(db)).toEqual(before)
    }),
    { numRuns: 25 },
  )
})
