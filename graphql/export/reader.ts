import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition } from '#schema/define.ts'
import type { AsOf } from '../query/asOf.ts'
import type { Viewer } from '../query/ownRows.ts'
import { type LoadedRow, type PageRequest, type PageResult, pageSql } from '../query/page.ts'
import { Reader } from '../query/reader.ts'
import type { Statement } from '../query/statement.ts'

/** Reads one list to its end in batches through a PostgreSQL cursor: sorted once, from one snapshot, never whole in memory. Fields below
 *  its rows are read as in any query. */
export class ExportReader extends Reader {
  /** The point in the chain as of which the rows are read; set by the first batch. */
  rowsAsOf: AsOf | undefined
  /** Whether every row has been read. */
  done = false
  /** Whether the next page that is requested is the list itself; every later page is below its rows. */
  private expectsList = false
  private cursorOpen = false

  constructor(
    sql: Sql,
    chainId: number,
    viewer: Viewer,
    private readonly limit: number | undefined,
  ) {
    super(sql, chainId, viewer)
  }

  /** Starts the next batch and forgets what was loaded for the last one. */
  begin(): void {
    this.expectsList = true
    this.forget()
  }

  override page(request: PageRequest, asOf: AsOf): Promise<PageResult> {
    if (!this.expectsList) return super.page(request, asOf)
    return this.batch(request, asOf, () => pageSql(this.unpaged(request), asOf, this.viewer))
  }

  override pageBelow(
    fieldKey: string,
    request: PageRequest,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<PageResult> {
    if (!this.expectsList) return super.pageBelow(fieldKey, request, asOf, by, parent)
    return this.batch(request, asOf, () => pageSql(this.unpaged(request), asOf, this.viewer, by, [parent]))
  }

  private unpaged(request: PageRequest): PageRequest {
    return { ...request, size: this.limit === undefined ? Number.POSITIVE_INFINITY : this.limit - 1 }
  }

  private async batch(
    request: PageRequest,
    asOf: AsOf,
    statement: () => Statement & { text: string },
  ): Promise<PageResult> {
    this.expectsList = false
    if (!this.cursorOpen) {
      const { text, values } = statement()
      await this.sql.query(`declare export_rows no scroll cursor for ${text}`, values)
      this.cursorOpen = true
      this.rowsAsOf = asOf
    }
    const { rows } = await this.sql.query<LoadedRow>(`fetch forward ${request.size} from export_rows`)
    this.done = rows.length < request.size
    return { rows: this.tagged(rows, request.table, asOf), more: !this.done, request }
  }
}
