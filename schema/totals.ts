import type { Sql } from './database.ts'
import { type TableDefinition, tableOf } from './define.ts'
import { versionedTables } from './entities.ts'
import { FIGURES, figureId, type OverviewFigure } from './figures.ts'
import { Contribution } from './onchain/datanets.ts'
import { Judgement } from './onchain/feedback.ts'
import { ContributorTotal, Total, ValidatorTotal } from './onchain/totals.ts'

/** Totals as of every block. Each is a row like any other: versions over block ranges, which a rollback removes and `asOf` reads. A batch
 *  adds what its row versions change: what a version counts from the block that opened it, and no longer from the block that ended it. So the
 *  totals are exact at every block, whatever the batches were, and the same statement computes all of them from the first block. */

/** How totals follow from the rows of a table. */
interface Tally {
  into: TableDefinition
  of: TableDefinition
  /** SQL: the id of the total to which a row counts. */
  by: string
  /** SQL: what a row adds, by column. */
  adds: Record<string, string>
  where?: string
  /** The id of a total that is the number of all rows: what changes it is known without reading them. */
  counts?: string
}

const flag = (condition: string) => `(${condition})::integer`

const ofContributors: Tally = {
  into: tableOf(ContributorTotal),
  of: tableOf(Contribution),
  by: 'contributor',
  adds: {
    contributions: '1',
    accepted: flag(`status = 'Accepted'`),
    rejected: flag(`status = 'Rejected'`),
    excluded: flag('excluded'),
    scored: flag('quality is not null'),
    quality: 'coalesce(quality, 0)',
    uniqueness: 'coalesce(uniqueness, 0)',
    staked: 'stake',
    slashed: 'slashed',
  },
}

const ofValidators: Tally = {
  into: tableOf(ValidatorTotal),
  of: tableOf(Judgement),
  by: 'validator',
  adds: {
    judgements: '1',
    revealed: flag('choice is not null'),
    settled: flag('score is not null'),
    reward: 'reward',
    penalty: 'penalty',
  },
}

/** What is kept in `Total`: the number of rows of each table, and the other figures of the chain. */
const figures = new Map<string, OverviewFigure>()
for (const { entity, derived } of versionedTables)
  if (!derived || entity === ContributorTotal) figures.set(figureId('', { of: entity }), { of: entity })
for (const [name, figure] of Object.entries(FIGURES))
  if (tableOf(figure.of).versioned) figures.set(figureId(name, figure), figure)

const ofFigures = [...figures].map(
  ([id, { of, where, sum = '1' }]): Tally => ({
    ...{ into: tableOf(Total), of: tableOf(of), by: `'${id}'`, adds: { value: sum }, where },
    counts: where === undefined && sum === '1' ? id : undefined,
  }),
)

/** What goes into one table is one statement. Contributors are counted by their totals, so these come before. */
const STAGES: readonly (readonly Tally[])[] = [[ofContributors], [ofValidators], ofFigures]

/** Blocks, both ends included. */
type Blocks = readonly [first: number, last: number]

/** By block, how many versions of a table's rows begin there less how many end. */
export type RowCounts = ReadonlyMap<number, number>

/** Adds what the versions of rows of `changed` tables change that begin or end in `blocks`, of which, as of all later ones, nothing is counted yet. */
export async function addToTotals(
  sql: Sql,
  changed: ReadonlyMap<TableDefinition, RowCounts>,
  blocks: Blocks,
): Promise<void> {
  const known = new Set(changed.keys())
  for (const stage of STAGES) {
    const due = stage.filter(({ of }) => known.has(of))
    await add(sql, due, blocks, changed)
    for (const { into } of due) known.add(into)
  }
}

/** Counts all rows of what no total is kept of: in an index of an earlier release. */
export async function backfillTotals(sql: Sql): Promise<void> {
  for (const stage of STAGES) {
    const missing: Tally[] = []
    for (const one of stage) {
      const kept = one.into.entity === Total ? `id = ${one.by}` : 'true'
      const { rows } = await sql.query(`select exists (select from "${one.into.table}" where ${kept}) as found`)
      if (!rows[0].found) missing.push(one)
    }
    await add(sql, missing, [0, Number.MAX_SAFE_INTEGER])
  }
}

/** @param counts of the tables of which it is known: their rows are not read to count them. */
async function add(
  sql: Sql,
  tallies: readonly Tally[],
  blocks: Blocks,
  counts: ReadonlyMap<TableDefinition, RowCounts> = new Map(),
): Promise<void> {
  const [first] = tallies
  if (!first) return
  const known: { key: string; at: number; count: number }[] = []
  const changes: string[] = []
  for (const tally of tallies) {
    const { counts: key } = tally
    const byBlock = key === undefined ? undefined : counts.get(tally.of)
    if (key === undefined || !byBlock) changes.push(...changesOf(tally))
    else for (const [at, count] of byBlock) if (count) known.push({ key, at, count })
  }
  const values: unknown[] = changes.length ? [...blocks] : []
  if (known.length) {
    const place = (column: unknown[]) => `$${values.push(column)}`
    const [keys, places, numbers] = [
      known.map(({ key }) => key),
      known.map(({ at }) => at),
      known.map(({ count }) => count),
    ]
    changes.push(
      `select key, at, value from unnest(${place(keys)}::text[], ${place(places)}::int8[], ${place(numbers)}::int8[]) as u(key, at, value)`,
    )
  }
  if (!changes.length) return
  const totals = {
    table: first.into.table,
    key: 'id',
    from: 'from_block',
    to: 'to_block',
    columns: Object.keys(first.adds),
  }
  await sql.query(runningTotals(totals, changes.join(' union all ')), values)
}

/** What the versions change that begin, and those that end, in the blocks from `$1` to `$2`. With both ends, PostgreSQL expects few rows and
 *  reads an index, also of a table that it has not analysed yet. */
const changesOf = ({ of, by, adds, where = 'true' }: Tally): string[] =>
  [
    { at: 'from_block', sign: '' },
    { at: 'to_block', sign: '-' },
  ].map(({ at, sign }) => {
    const sums = Object.entries(adds).map(([column, sql]) => `${sign}sum(${sql}) as ${column}`)
    return `select ${by} as key, ${at} as at, ${sums.join(', ')} from "${of.table}" where ${at} between $1 and $2 and (${where}) group by 1, 2`
  })

/** Sums that a table keeps as versions over ranges of positions, such as blocks. */
interface RunningTotals {
  table: string
  /** The column of what is summed up apart. */
  key: string
  from: string
  to: string
  columns: readonly string[]
  /** SQL of further columns, over `key` and `at`. */
  also?: Record<string, string>
}

/** The statement that adds `changes` to running totals: SQL that selects `key`, the position `at`, and what each column changes by there. All
 *  positions come after those of the totals so far. */
export function runningTotals({ table, key, from, to, columns, also = {} }: RunningTotals, changes: string): string {
  const sums = columns.map((column) => `sum(${column}) as ${column}`)
  const totals = columns.map((column) => `coalesce(t.${column}, 0) + sum(s.${column}) over so_far`)
  return `with changes as (${changes}),
    steps as (
      select key, at, ${sums.join(', ')} from changes group by key, at
      having ${columns.map((column) => `sum(${column}) <> 0`).join(' or ')}),
    ended as (
      update "${table}" t set ${to} = next.at from (select key, min(at) as at from steps group by key) next
      where t.${key} = next.key and t.${to} is null returning 1)
    insert into "${table}" (${[key, from, to, ...columns, ...Object.keys(also)].join(', ')})
    select ${['s.key', 's.at', 'lead(s.at) over so_far', ...totals, ...Object.values(also)].join(', ')}
    from steps s left join "${table}" t on t.${key} = s.key and t.${to} is null
    where (select count(*) from ended) >= 0 -- so that versions end before others begin
    window so_far as (partition by s.key order by s.at)`
}
