import type { Sql } from '#schema/database.ts'
import type { TimeGap } from '../chain/blockAtTime.ts'
import type { Source } from '../chain/source.ts'
import { InconsistentChain } from '../errors.ts'
import type { BlockHeader } from '../rpc/answers.ts'

/** A sync keeps the headers of blocks with events only, and between two of them times and block numbers are interpolated. So that no state depends on that, the
 *  headers around each clock value at which the state of a proposal changes are asked for and kept, too: between two kept headers, all states are
 *  the same whatever the time in between. */

/** The last second that a PostgreSQL time can be compared with here (31 December 9999). */
const LAST_SECOND = 253_402_300_799

/** The times at which states change without an event that lie between two kept headers which are not neighbours. A proposal expires at
 *  `eta` + grace period, so the second before belongs to the blocks before. */
const TIME_GAPS = `with times as (
    select distinct least(at, ${LAST_SECOND}) as at from proposal p join governor g on g.id = p.governor_id and g.to_block is null
    cross join lateral (values
      (case when g.clock = 'Timestamp' then p.vote_start end), (case when g.clock = 'Timestamp' then p.vote_end end),
      (extract(epoch from p.eta)::bigint + g.grace_period - 1)) turning(at)
    where p.to_block is null and at is not null)
  select at::float8 as at, b.number as "fromNumber", b.timestamp as "fromTime", a.number as "toNumber", a.timestamp as "toTime" from times
  cross join lateral (select number, timestamp from block where timestamp <= to_timestamp(at) order by timestamp desc, number desc limit 1) b
  cross join lateral (select number, timestamp from block where timestamp > to_timestamp(at) order by timestamp, number limit 1) a
  where a.number > b.number + 1`

/** The blocks at which states change at Governors whose clock counts blocks, and those after them, that are final and not kept. */
const MISSING_BLOCKS = `select distinct n as number from proposal p join governor g on g.id = p.governor_id and g.to_block is null
  cross join lateral (values (p.vote_start), (p.vote_start + 1), (p.vote_end), (p.vote_end + 1)) turning(n)
  where p.to_block is null and g.clock = 'BlockNumber' and n <= $1 and n > (select min(number) from block)
    and not exists (select from block where number = n)`

/** The headers that are needed so that no state depends on interpolation. All are of final blocks: of the others, every header is kept. */
export async function missingHeaders(sql: Sql, source: Source, finalBlock: number): Promise<BlockHeader[]> {
  const { rows } = await sql.query(TIME_GAPS)
  const gaps = rows.map(
    ({ at, fromNumber, fromTime, toNumber, toTime }): TimeGap => ({
      at,
      before: { number: fromNumber, timestamp: fromTime },
      after: { number: toNumber, timestamp: toTime },
    }),
  )
  const { rows: blocks } = await sql.query<{ number: number }>(MISSING_BLOCKS, [finalBlock])
  const numbers = blocks.map(({ number }) => number)
  const found = (await source.around(gaps)).flatMap((headers) => headers ?? [])
  for (const [index, header] of (await source.keptHeaders(numbers)).entries()) {
    if (!header) throw new InconsistentChain(`The node has no block ${numbers[index]}, though it is final`)
    found.push(header)
  }
  return [...new Map(found.map((header) => [header.number, header])).values()]
}
