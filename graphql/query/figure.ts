import { tableOf } from '#schema/define.ts'
import { figureId, type OverviewFigure } from '#schema/figures.ts'
import { Total } from '#schema/onchain/totals.ts'
import type { Statement } from './statement.ts'

/** SQL of a figure as of the statement's block: the total that the indexer keeps. Where there is none, rows are counted: those of off-chain tables, and
 *  those from before the first total, which are few. */
export function figureSql(statement: Statement, name: string, figure: OverviewFigure): string {
  const { of, where = 'true', sum } = figure
  const table = tableOf(of)
  const value = sum ? `coalesce(sum("${sum}"), 0)` : 'count(*)'
  const counted = `(select ${value} from "${table.table}" t where ${statement.visibleAt(table, 't')} and (${where}))`
  const kept =
    table.versioned && `(select value from ${statement.totalAt(tableOf(Total), `'${figureId(name, figure)}'`)} total)`
  const told = kept ? `coalesce(${kept}, ${counted})` : counted
  return sum ? told : `${told}::integer`
}
