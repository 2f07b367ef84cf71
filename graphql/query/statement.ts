import type { ColumnDefinition, ColumnKind, TableDefinition } from '#schema/define.ts'
import type { AsOf } from './asOf.ts'

/** The PostgreSQL type that a value of each kind is bound as. */
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

/** One SQL statement in the making. Whatever a client sent becomes a bound value; names come from the entity classes alone. */
export class Statement {
  readonly values: unknown[] = []
  private aliases = 0
  private readonly bound = new Map<number, string>()

  constructor(readonly asOf: AsOf) {}

  /** Binds `value` and returns how the text refers to it. */
  bind(value: unknown, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }

  alias(): string {
    return `t${this.aliases++}`
  }

  /** Holds for the versions of `table`'s rows that stood at the moment. */
  visibleAt(table: TableDefinition, alias: string): string {
    if (!table.versioned) return 'true'
    const { block } = this.asOf
    if (block === null) return `${alias}.to_block is null`
    const at = this.bound.get(block) ?? this.bind(block, 'bigint')
    this.bound.set(block, at)
    return `(${alias}.from_block <= ${at} and (${alias}.to_block is null or ${alias}.to_block > ${at}))`
  }
}

export const columnOf = (alias: string, column: Pick<ColumnDefinition, 'column'>) => `${alias}."${column.column}"`

export const listColumns = (alias: string, columns: readonly ColumnDefinition[]) =>
  columns.map((column) => `${columnOf(alias, column)} as "${column.property}"`).join(', ')
