import DataLoader from 'dataloader'
import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { type AsOf, currentHead, type Head, resolveAsOf } from './asOf.ts'
import type { AsOfInput } from './asOfInput.ts'
import { type LoadedRow, type PageRequest, type PageResult, pageOf, pageSql, ROW_AS_OF, ROW_TABLE } from './page.ts'
import { prepared } from './prepared.ts'
import { listColumns, Statement } from './statement.ts'
import { condition, type Where } from './where.ts'

/** A loader of what hangs below many rows: one statement for all of them. */
// biome-ignore lint/suspicious/noExplicitAny: each site of a query loads its own shape
type Loader = DataLoader<string, any>

/** Reads for one request. Everything it answers holds at one moment unless the request names others, and what is asked for at
 *  one place of the query, for however many rows, is one statement. */
export class Reader {
  private readonly loaders = new Map<string, Loader>()
  private headOnce: Promise<Head | null> | undefined
  private readonly resolved = new Map<string, Promise<AsOf>>()

  constructor(
    readonly sql: Sql,
    readonly chainId: number,
  ) {}

  head(): Promise<Head | null> {
    this.headOnce ??= currentHead(this.sql, this.chainId)
    return this.headOnce
  }

  /** Whether the newest block that this request knew of is still on the indexed chain: what it read is then of one fork. */
  async isHeadCanonical(): Promise<boolean> {
    const head = await this.headOnce?.catch(() => null)
    if (!head || head.block! <= head.finalBlock) return true
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

  /** Forgets what was loaded by key, not the moment. */
  protected forget(): void {
    this.loaders.clear()
  }

  /** The moments at which this request's answers hold. */
  async usedAsOf(): Promise<AsOf[]> {
    const settled = await Promise.allSettled(this.resolved.values())
    return settled.flatMap((asOf) => (asOf.status === 'fulfilled' ? [asOf.value] : []))
  }

  /** Loads by key at one site of the query; `load` gets all keys at once. */
  batched<T>(
    site: string,
    load: (keys: readonly string[]) => Promise<Map<string, T>>,
  ): DataLoader<string, T | undefined> {
    const known = this.loaders.get(site)
    if (known) return known
    const loader = new DataLoader<string, T | undefined>(async (keys) => {
      const found = await load(keys)
      return keys.map((key) => found.get(key))
    })
    this.loaders.set(site, loader)
    return loader
  }

  /** The row with this id as it stood at the moment, or null. */
  async one(
    site: string,
    table: TableDefinition,
    asOf: AsOf,
    columns: readonly ColumnDefinition[],
    id: string,
  ): Promise<LoadedRow | null> {
    const loader = this.batched<LoadedRow>(`${site}#${table.name}@${asOf.block}`, async (ids) => {
      const statement = new Statement(asOf)
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
    const statement = pageSql(request, asOf)
    return pageOf(request, await this.read(request.table, asOf, statement, statement.text))
  }

  /** One page of the rows whose `by` is the parent's id. */
  async pageBelow(
    site: string,
    request: PageRequest,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<PageResult> {
    const loader = this.batched<LoadedRow[]>(`${site}@${asOf.block}`, async (parents) => {
      const statement = pageSql(request, asOf, by, parents)
      const rows = await this.read(request.table, asOf, statement, statement.text)
      return groupBy(rows, (row) => row.$parent as string)
    })
    return pageOf(request, (await loader.load(parent)) ?? [])
  }

  /** How many rows `where` lets through. */
  async count(table: TableDefinition, where: Where, asOf: AsOf): Promise<number> {
    const statement = new Statement(asOf)
    const alias = statement.alias()
    const text = `select count(*) as count from "${table.table}" ${alias} where ${statement.visibleAt(table, alias)} and ${condition(statement, table, alias, where)}`
    return (await this.sql.query(prepared(text, statement.values))).rows[0].count
  }

  /** How many of them belong to the parent. */
  async countBelow(
    site: string,
    table: TableDefinition,
    where: Where,
    asOf: AsOf,
    by: ColumnDefinition,
    parent: string,
  ): Promise<number> {
    const loader = this.batched<number>(`${site}#count@${asOf.block}`, async (parents) => {
      const statement = new Statement(asOf)
      const alias = statement.alias()
      const text = `select ${alias}."${by.column}" as parent, count(*) as count from "${table.table}" ${alias}
        where ${alias}."${by.column}" = any(${statement.bind(parents, 'text[]')}) and ${statement.visibleAt(table, alias)}
          and ${condition(statement, table, alias, where)} group by 1`
      const { rows } = await this.sql.query(prepared(text, statement.values))
      return new Map(rows.map((row) => [row.parent, row.count]))
    })
    return (await loader.load(parent)) ?? 0
  }

  /** Runs a statement whose rows are those of `table` as of `moment`. */
  async read(table: TableDefinition, asOf: AsOf, statement: Statement, text: string): Promise<LoadedRow[]> {
    const { rows } = await this.sql.query(prepared(text, statement.values))
    return this.tagged(rows, table, asOf)
  }

  /** Rows of `table` as they stood at `moment`. */
  protected tagged(rows: LoadedRow[], table: TableDefinition, asOf: AsOf): LoadedRow[] {
    for (const row of rows) {
      row[ROW_AS_OF] = asOf
      row[ROW_TABLE] = table
    }
    return rows
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
