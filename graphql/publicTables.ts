import type { ColumnDefinition, EntityClass, TableDefinition } from '#schema/define.ts'
import { tables } from '#schema/entities.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'

/** How the entities are called in the API, and how they are related: all derived from what the entity classes say. */

/** Entities without a place in the API: who holds keys is nobody's business. */
const PRIVATE: EntityClass[] = [ApiKey]

export const publicTables: TableDefinition[] = tables.filter((table) => !PRIVATE.includes(table.entity))

/** A relation as a field: to one (the column is ours) or to many (the column is theirs). */
export interface Relation {
  field: string
  many: boolean
  target: TableDefinition
  /** The column that holds the other's id: of the own table when to one, of the target when to many. */
  column: ColumnDefinition
}

const byEntity = new Map(publicTables.map((table) => [table.entity, table]))
const byName = new Map(publicTables.map((table) => [table.name, table]))

export const tableNamed = (name: string): TableDefinition | undefined => byName.get(name)

export function tableFor(entity: EntityClass): TableDefinition {
  const table = byEntity.get(entity)
  if (!table) throw new Error(`${entity.name} has no place in the API`)
  return table
}

const relations = new Map<TableDefinition, Relation[]>()

/** The relations of `table`: its own references, then the lists that others' references make here. */
export function relationsOf(table: TableDefinition): Relation[] {
  const known = relations.get(table)
  if (known) return known
  const found: Relation[] = []
  for (const column of table.columns)
    if (column.ref && byEntity.has(column.ref.target()))
      found.push({ field: column.ref.property, many: false, target: tableFor(column.ref.target()), column })
  for (const other of publicTables)
    for (const column of other.columns)
      if (column.ref?.inverse && column.ref.target() === table.entity)
        found.push({ field: column.ref.inverse, many: true, target: other, column })
  relations.set(table, found)
  return found
}

/** What an entity's queries are called where its own name would mislead. */
const CALLED = new Map<EntityClass, { one: string; many: string }>([[JobRun, { one: 'job', many: 'jobs' }]])
/** What the argument that names one row is called where it has a better name than `id`. */
const KEYS = new Map<EntityClass, string>([[RewardMap, 'epoch']])

/** `model` and `models`, and the argument that names one. */
export function naming(table: TableDefinition): { one: string; many: string; key: string } {
  const one = table.name[0]!.toLowerCase() + table.name.slice(1)
  return { one, many: plural(one), ...CALLED.get(table.entity), key: KEYS.get(table.entity) ?? 'id' }
}

const plural = (word: string) =>
  /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : /(s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`
