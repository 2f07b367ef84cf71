import type { ColumnDefinition, ColumnKind, TableDefinition } from '#schema/define.ts'
import { valueSql } from '#schema/rows.ts'
import type { AsOf } from './asOf.ts'
import { ownRows, type Viewer } from './ownRows.ts'

/** The PostgreSQL type of a bound value, by column kind. */
export const SQL_TYPE: Record<ColumnKind, string> = {
  id: 'text',
  text: 'text',
  hash: 'text',
  address: 'text',
  choice: 'text',
  wei: 'numeric',
  int: 'integer',
  block: 'bigint',
  clock: 'bigint',
  float: 'double precision',
  flag: 'boolean',
  time: 'timestamptz',
  json: 'jsonb',
  texts: 'text[]',
}

/** Builds one SQL statement. All values from a client are bound; names come only from the entity classes. */
export class Statement {
  readonly values: unknown[] = []
  private aliases = 0
  private readonly bound = new Map<number, string>()

  /** `viewer`: whose confidential rows it may read; by default nobody's. */
  constructor(
    readonly asOf: AsOf,
    private readonly viewer: Viewer = null,
  ) {}

  /** Binds `value` and returns its placeholder. */
  bind(value: unknown, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }

  alias(): string {
    return `t${this.aliases++}`
  }

  /** The SQL condition for the row versions of `table` that the viewer may read and that are visible as of this statement's block. */
  visibleAt(table: TableDefinition, alias: string): string {
    const own = this.viewer === 'all' ? undefined : ownRows(table)
    const version = this.versionAt(table, alias)
    return own ? `${own(alias, this.bind(this.viewer, 'text'))} and ${version}` : version
  }

  private versionAt(table: TableDefinition, alias: string): string {
    if (!table.versioned) return 'true'
    const at = this.block()
    if (at === null) return `${alias}.to_block is null`
    return `(${alias}.from_block <= ${at} and (${alias}.to_block is null or ${alias}.to_block > ${at}))`
  }

  /** The version of the total `id` (SQL) as of this statement's block. A total never ends, so it is the last that has begun: the history of an id that
   *  changes in every block is not read. */
  totalAt({ table }: TableDefinition, id: string): string {
    const at = this.block()
    const begun = at === null ? '' : `and from_block <= ${at}`
    return `(select * from "${table}" where id = ${id} ${begun} order by from_block desc limit 1)`
  }

  private block(): string | null {
    const { block } = this.asOf
    if (block === null) return null
    const at = this.bound.get(block) ?? this.bind(block, 'bigint')
    this.bound.set(block, at)
    return at
  }
}

export const listColumns = (alias: string, columns: readonly ColumnDefinition[]) =>
  columns.map((column) => `${valueSql(alias, column)} as "${column.property}"`).join(', ')
