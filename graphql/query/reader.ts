import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { type AggregateRequest, type AggregateRow, aggregateRow, aggregateSql } from './aggregate.ts'
import { type AsOf, currentHead, type Head, resolveAsOf } from './asOf.ts'
import type { AsOfInput } from './asOfInput.ts'
import { figureSql } from './figure.ts'
import type { Viewer } from './ownRows.ts'
import { type LoadedRow, type PageRequest, type PageResult, pageOf, pageSql, ROW_AS_OF, ROW_TABLE } from './page.ts'
import { prepared } from './prepared.ts'
import { fieldKeyOf } from './selection.ts'
import { listColumns, Statement } from './statement.ts'

/** Loads the values of one field for many rows in one statement. */
// biome-ignore lint/suspicious/noExplicitAny: each field of a query loads values of another type
type Loader = DataLoader<string, any>

/** Reads rows for one request. All rows are read as of one block unless the query has `asOf` arguments, and each field of the query is one
 *  statement, however many rows it has. */
export class Reader {
  private readonly loaders = new Map<string, Loader>()
  private headOnce: Promise<Head | null> | undefined
  private readonly resolved = new Map<string, Promise<AsOf>>()

  constructor(
    readonly sql: Sql,
    readonly chainId: number,
    /** Whose confidential rows it may read. */
    protected readonly viewer: Viewer = null,
  ) {}

  head(): Promise<Head | null> {
    this.headOnce ??= currentHead(this.sql, this.chainId)
    return this.headOnce
  }

  /** Whether the head block of this request is still part of the indexed chain. Then all its rows are from one fork. */
  async isHeadCanonical(): Promise<boolean> {
    const head = await this.headOnce?.catch(() => null)
    if (!head || head.block <= head.finalBlock) return true
    const now = await currentHead(this.sql, this.chainId)
    if (now?.hash === head.hash) return true
    const { rows } = await this.sql.query(prepared('select 1 from block where hash = $1', [head.hash]))
    return rows.length > 0
  }

  /** The point in the chain that `input` names; without it the newest indexed block, the same for the whole request. */
  asOf(input?: AsOfInput | null): Promise<AsOf> {
    const key = input ? JSON.stringify([input.block, input.hash, input.time]) : ''
    const known = this.resolved.get(key)
    if (known) return known
    const asOf = this.head().then((head) =>
      input ? resolveAsOf(this.sql, head, input) : (head ?? { block: null, hash: null, time: null }),
    )
    this.resolved.set(key, asOf)
    return asOf
  }

  /** Clears the loaders; the resolved `asOf` stay. */
  protected forget(): void {
    this.loaders.clear()
  }

  /** The points in the chain as of which this request has read. */
  async usedAsOf(): Promise<AsOf[]> {
    const settled = await Promise.allSettled(this.resolved.values())
    return settled.flatMap((asOf) => (asOf.status === 'fulfilled' ? [asOf.value] : []))
  }

  /** A loader for the field `fieldKey`; `load` gets all keys at once. */
  batched<T>(
    fieldKey: string,
    load: (keys: readonly string[]) => Promise<Map<string, T>>,
  ): DataLoader<string, T | undefined> {
    const known = this.loaders.get(fieldKey)
    if (known) return known
    const loader = new DataLoader<string, T | undefined>(async (keys) => {
      const found = await load(keys)
      return keys.map((key) => found.get(key))
    })
    this.loaders.set(fieldKey, loader)
    return loader
  }

  /** The value of the field of `info` for one row, as of `asOf`: `load` gets the keys of all rows of a list at once. */
  forField<T>(
    info: GraphQLResolveInfo,
    asOf: AsOf,
    key: string,
    load: (keys: readonly string[], statement: Statement) => Promise<Map<string, T>>,
  ): Promise<T | undefined> {
    const fieldKey = `${fieldKeyOf(info)}@${asOf.block}`
    return this.batched<T>(fieldKey, (keys) => load(keys, new Statement(asOf))).load(key)
  }

  /** The row with this id as of `asOf`, or null. */
  async one(
    fieldKey: string,
    table: TableDefinition,
    asOf: AsOf,
    columns: readonly ColumnDefinition[],
    id: string,
  ): Promise<LoadedRow | null> {
    const loader = this.batched<LoadedRow>(`${fieldKey}#${table.name}@${asOf.block}`, async (ids) => {
      const statement = new Statement(asOf, this.viewer)
      const alias = statement.alias()
      const rows = await this.read(
        table,
        asOf,
        statement,
        `select ${listColumns(alias, columns)} from "${table.table}" ${alias}
         where ${alias}.id = any(${statement.bind(ids, 'text[]')}) and ${statement.visibleAt(table, alias)}`,
      )
      return new Map(rows.map((row) => [row.id, row]))
    })
    return (await loader.load(id)) ?? null
  }

  /** One page of a table. */
  async page(request: PageRequest, asOf: AsOf): Promise<PageResult> {
    const statement = pageSql(request, asOf, this.viewer)
    return pageOf(request, await this.read(request.table, asOf, statement, statement.text))
  }

  /** One page of the rows whose `by` is the parent's id. */
  async pageBelow(
    fieldKey: string,
    request: PageRequest,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<PageResult> {
    const loader = this.batched<LoadedRow[]>(`${fieldKey}@${asOf.block}`, async (parents) => {
      const statement = pageSql(request, asOf, this.viewer, by, parents)
      const rows = await this.read(request.table, asOf, statement, statement.text)
      return groupBy(rows, (row) => row.$parent as string)
    })
    return pageOf(request, (await loader.load(parent)) ?? [])
  }

  /** The aggregate of all rows that match, in one row, or the requested groups. The number of all rows of a table is kept. */
  async aggregate(request: AggregateRequest, asOf: AsOf): Promise<AggregateRow[]> {
    const { table, where, statistics, groups } = request
    if (!groups && statistics.length === 0 && Object.keys(where).length === 0) {
      const statement = new Statement(asOf, this.viewer)
      const text = `select ${figureSql(statement, table.name, { of: table.entity })} as count`
      const { rows } = await this.sql.query(prepared(text, statement.values))
      return [{ count: rows[0].count, values: {}, key: {}, time: null }]
    }
    const { text, values } = aggregateSql(request, asOf, this.viewer)
    const { rows } = await this.sql.query(prepared(text, values))
    return rows.map((row) => aggregateRow(request, row))
  }

  /** The same of the rows whose `by` is the parent's id. */
  async aggregateBelow(
    fieldKey: string,
    request: AggregateRequest,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<AggregateRow[]> {
    const loader = this.batched<AggregateRow[]>(`${fieldKey}@${asOf.block}`, async (parents) => {
      const { text, values } = aggregateSql(request, asOf, this.viewer, by, parents)
      const { rows } = await this.sql.query(prepared(text, values))
      const found = new Map<string, AggregateRow[]>()
      for (const [id, own] of groupBy(rows, ({ $parent }) => $parent as string))
        found.set(
          id,
          own.map((row) => aggregateRow(request, row)),
        )
      return found
    })
    return (await loader.load(parent)) ?? []
  }

  /** Runs a statement that selects rows of `table` as of `asOf`. */
  async read(table: TableDefinition, asOf: AsOf, statement: Statement, text: string): Promise<LoadedRow[]> {
    const { rows } = await this.sql.query(prepared(text, statement.values))
    return this.tagged(rows, table, asOf)
  }

  /** Attaches the table and the point in the chain to each row. */
  protected tagged(rows: LoadedRow[], table: TableDefinition, asOf: AsOf): LoadedRow[] {
    for (const row of rows) {
      row[ROW_AS_OF] = asOf
      row[ROW_TABLE] = table
    }
    return rows
  }
}

/** The items by their keys, in their order. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
