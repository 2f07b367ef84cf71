import type { ColumnDefinition, EntityClass, TableDefinition } from '#schema/define.ts'
import { tables } from '#schema/entities.ts'
import { ApiKey, EndpointCallers, KeyCall, SignInSecret, SignInSession } from '#schema/offchain/access.ts'
import { JournalledText, TextRetention } from '#schema/offchain/attribution.ts'
import { GoldItem, GoldKey } from '#schema/offchain/gold.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { Earning } from '#schema/offchain/ledger.ts'
import { RelayedAct } from '#schema/offchain/relay.ts'
import { SearchText } from '#schema/offchain/searchText.ts'
import { IndexerLease } from '#schema/onchain/chain.ts'
import { ProposalContent } from '#schema/onchain/governance.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { ContributorTotal, Total, ValidatorTotal } from '#schema/onchain/totals.ts'

/** The entities that the API shows, their names and their relations, all derived from the entity classes. */

/** Entities that the API does not show: access keys and gold are secret, who may call an endpoint is told to its host, a lease names hosts, a relayed act
 *  its key; texts are found by `search` only where everybody may read them; totals and contents are fields of what they are about. */
const PRIVATE: EntityClass[] = [
  ApiKey,
  KeyCall,
  EndpointCallers,
  SignInSession,
  SignInSecret,
  GoldItem,
  GoldKey,
  IndexerLease,
  RelayedAct,
  SearchText,
  ProposalContent,
  ContributorTotal,
  ValidatorTotal,
  Total,
  Earning,
  JournalledText,
  TextRetention,
]

export const publicTables: TableDefinition[] = tables.filter((table) => !PRIVATE.includes(table.entity))

/** A relation as a field: to one row (the column is in this table) or to many (the column is in the target table). */
export interface Relation {
  field: string
  many: boolean
  target: TableDefinition
  /** The column that holds the id: in this table for a relation to one, in the target for a relation to many. */
  column: ColumnDefinition
}

const byEntity = new Map(publicTables.map((table) => [table.entity, table]))
const byName = new Map(publicTables.map((table) => [table.name, table]))

export const tableNamed = (name: string): TableDefinition | undefined => byName.get(name)

export function tableFor(entity: EntityClass): TableDefinition {
  const table = byEntity.get(entity)
  if (!table) throw new Error(`${entity.name} is not a public entity`)
  return table
}

const relations = new Map<TableDefinition, Relation[]>()

/** The relations of `table`: its own references, then the inverse lists of other tables' references to it. */
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

/** Query names of entities whose own name would mislead. */
const QUERY_NAMES = new Map<EntityClass, { one: string; many: string }>([[JobRun, { one: 'job', many: 'jobs' }]])
/** Names of the key argument, where one is clearer than `id`. */
const KEY_NAMES = new Map<EntityClass, string>([[RewardMap, 'epoch']])

/** The names of the two queries, such as `model` and `models`, and of the argument that selects one row. */
export function naming(table: TableDefinition): { one: string; many: string; key: string } {
  const one = table.name.charAt(0).toLowerCase() + table.name.slice(1)
  return { one, many: plural(one), ...QUERY_NAMES.get(table.entity), key: KEY_NAMES.get(table.entity) ?? 'id' }
}

const plural = (word: string) =>
  /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : /(s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`
