import { Governor, GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import { ApiError } from '../../errors.ts'
import { tableFor } from '../../publicTables.ts'
import { DEFAULT_FIRST, requireSize } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'

/** SQL fragments for the governance metrics: `p` is a proposal and `g` its Governor, both as of the statement's point in the chain. */

/** The last second that a GraphQL time can show (31 December 9999). */
const LAST_SECOND = 253_402_300_799

/** The block at whose end a proposal's voting power is counted: the snapshot, or the statement's block while the snapshot is in the future. */
export const snapshotBlock = (statement: Statement) =>
  `least(${statement.bind(statement.asOf.block, 'bigint')}, case g.clock when 'BlockNumber' then p.vote_start else coalesce((
     select b.number from block b where b.timestamp <= to_timestamp(least(p.vote_start, ${LAST_SECOND}))
     order by b.timestamp desc, b.number desc limit 1), 0) end)`

/** The value of the Governor's clock. */
export function clockNow(statement: Statement): string {
  const seconds = Math.floor((statement.asOf.time?.getTime() ?? 0) / 1000)
  return `(case g.clock when 'BlockNumber' then ${statement.bind(statement.asOf.clock ?? statement.asOf.block, 'bigint')} else ${statement.bind(seconds, 'bigint')} end)`
}

/** Proposals with their Governors. */
export const proposalsAt = (statement: Statement) =>
  `proposal p join governor g on g.id = p.governor_id and ${statement.visibleAt(tableFor(Governor), 'g')} and ${statement.visibleAt(tableFor(Proposal), 'p')}`

/** A setting's value at the end of `block`, as a number; null when there is none. */
export const settingAt = (contract: string, name: string, block: string) =>
  `(select s.value::numeric from governor_setting s where s.contract = ${contract} and s.name = '${name}'
     and s.from_block <= ${block} and (s.to_block is null or s.to_block > ${block}))`

/** A setting's value as of the statement's point in the chain. */
export const settingNow = (statement: Statement, contract: string, name: string) =>
  `(select s.value::numeric from governor_setting s where s.contract = ${contract} and s.name = '${name}'
     and ${statement.visibleAt(tableFor(GovernorSetting), 's')})`

/** `part` of `whole` in parts per million, rounded down and limited to GraphQL's largest Int; null unless `whole` is positive. `div` is exact,
 *  while `/` rounds. */
export const ppm = (part: string, whole: string) =>
  `(case when ${whole} > 0 then least(div(${part} * 1000000::numeric, ${whole}::numeric), 2147483647) end)::integer`

/** The number of rows of a list without cursors. @throws ApiError when it is negative or exceeds the largest page. */
export function requestedSize(name: string, given: number | null | undefined): number {
  const size = given ?? DEFAULT_FIRST
  if (size < 0) throw new ApiError('BAD_INPUT', `${name} must not be negative.`)
  requireSize(name, size)
  return size
}
