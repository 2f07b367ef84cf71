import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition } from '#schema/define.ts'
import type { AsOf } from '../query/asOf.ts'
import { type LoadedRow, type PageRequest, type PageResult, pageSql } from '../query/page.ts'
import { Reader } from '../query/reader.ts'
import type { Statement } from '../query/statement.ts'

/** Reads one list to its end, a batch at a time, through a cursor of PostgreSQL: sorted once, held in one snapshot, never in memory. What hangs
 *  below its rows is read as for any query. */
export class ExportReader extends Reader {
  /** The moment at which the rows hold, once the first are read. */
  at: AsOf | undefined
  /** Whether every row has been read. */
  done = false
  private next: 'the list' | 'below it' = 'below it'
  private open = false

  constructor(
    sql: Sql,
    chainId: number,
    private readonly limit: number | undefined,
  ) {
    super(sql, chainId)
  }

  /** Goes to the next batch; what was loaded for the last one is forgotten. */
  begin(): void {
    this.next = 'the list'
    this.forget()
  }

  override page(request: PageRequest, asOf: AsOf): Promise<PageResult> {
    if (this.next === 'below it') return super.page(request, asOf)
    return this.batch(request, asOf, () => pageSql(this.whole(request), asOf))
  }

  override pageBelow(
    site: string,
    request: PageRequest,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<PageResult> {
    if (this.next === 'below it') return super.pageBelow(site, request, asOf, by, parent)
    return this.batch(request, asOf, () => pageSql(this.whole(request), asOf, by, [parent]))
  }

  private whole(request: PageRequest): PageRequest {
    return { ...request, size: this.limit === undefined ? Number.POSITIVE_INFINITY : this.limit - 1 }
  }

  private async batch(
    request: PageRequest,
    asOf: AsOf,
    statement: () => Statement & { text: string },
  ): Promise<PageResult> {
    this.next = 'below it'
    if (!this.open) {
      const { text, values } = statement()
      await this.sql.query(`declare export_rows no scroll cursor for ${text}`, values)
      this.open = true
      this.at = asOf
    }
    const { rows } = await this.sql.query<LoadedRow>(`fetch forward ${request.size} from export_rows`)
    this.done = rows.length < request.size
    return { rows: this.tagged(rows, request.table, asOf), more: !this.done, request }
  }
}
