import 'reflect-metadata'
import { GraphQLDateTimeISO, GraphQLJSON } from 'graphql-scalars'
import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import { Column, type ColumnOptions, Index, PrimaryColumn, Entity as Table } from 'typeorm'
import { describedEnum } from './describedEnums.ts'
import { BigIntScalar, ClockScalar } from './scalars.ts'

/** One decorated class defines the table, the GraphQL type and the TypeScript type of an entity. This file has the decorators and keeps
 *  their definitions (`tableOf`), from which SQL and GraphQL are derived. */

// biome-ignore lint/suspicious/noExplicitAny: an entity class has any shape
export type EntityClass<T = any> = new () => T

export type ColumnKind =
  | 'id'
  | 'text'
  | 'hash'
  | 'address'
  | 'wei'
  | 'int'
  | 'block'
  | 'clock'
  | 'float'
  | 'flag'
  | 'time'
  | 'json'
  | 'texts'
  | 'choice'

export interface ColumnDefinition {
  property: string
  column: string
  kind: ColumnKind
  nullable: boolean
  description: string
  /** The closed set of a `choice`. */
  values?: readonly string[]
  /** For an id: it is a whole number, and sorts as a number. */
  numeric?: boolean
  /** Whether an index gives the order of its values, which therefore are short. */
  indexed?: boolean
  ref?: Reference
  /** The table that keeps the value for all versions of the row, where this one does not. */
  keptIn?: TableDefinition
}

/** A relation: the field `property` refers to a row of `target`; `inverse` is the name of the list on the other side. */
export interface Reference {
  target: () => EntityClass
  property: string
  inverse?: string
}

export interface TableDefinition {
  entity: EntityClass
  name: string
  table: string
  description: string
  /** Whether rows are versions over `[fromBlock, toBlock)`. Only the indexer writes such tables. */
  versioned: boolean
  /** Whether its rows follow from those of other tables, so that the state root need not cover them. */
  derived: boolean
  /** The first column. */
  id: ColumnDefinition
  /** Its own columns, and those that another table keeps for it. */
  columns: ColumnDefinition[]
}

const columnsOf = new Map<object, ColumnDefinition[]>()
const tables = new Map<EntityClass, TableDefinition>()

export const snakeCase = (name: string) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '')

const SQL: Record<Exclude<ColumnKind, 'id'>, ColumnOptions> = {
  text: { type: 'text' },
  hash: { type: 'text' },
  address: { type: 'text' },
  wei: { type: 'numeric', precision: 78, scale: 0 },
  int: { type: 'integer' },
  block: { type: 'bigint' },
  clock: { type: 'bigint' },
  float: { type: 'double precision' },
  flag: { type: 'boolean' },
  time: { type: 'timestamptz' },
  json: { type: 'jsonb' },
  texts: { type: 'text', array: true },
  choice: { type: 'text' },
}

const GRAPHQL: Record<Exclude<ColumnKind, 'choice'>, () => unknown> = {
  id: () => ID,
  text: () => String,
  hash: () => String,
  address: () => String,
  wei: () => BigIntScalar,
  int: () => Int,
  block: () => Int,
  clock: () => ClockScalar,
  float: () => Float,
  flag: () => Boolean,
  time: () => GraphQLDateTimeISO,
  json: () => GraphQLJSON,
  texts: () => [String],
}

interface Options {
  nullable?: boolean
  unique?: boolean
  index?: boolean
  /** The database's default: rows that an older release writes have it. */
  default?: number | boolean
  /** Kept out of the API (secrets, internals). */
  hidden?: boolean
}

function column(
  kind: ColumnKind,
  description: string,
  options: Options = {},
  extra: Partial<ColumnDefinition> = {},
  type?: () => unknown,
) {
  return (target: object, key: string | symbol) => {
    const property = String(key)
    const nullable = options.nullable ?? false
    const definition: ColumnDefinition = {
      property,
      column: snakeCase(property),
      kind,
      nullable,
      description,
      indexed: Boolean(options.index || options.unique),
      ...extra,
    }
    columnsOf.set(target.constructor, [...(columnsOf.get(target.constructor) ?? []), definition])
    if (kind === 'id') PrimaryColumn({ type: 'text', name: definition.column })(target, key)
    else
      Column({ ...SQL[kind], name: definition.column, nullable, unique: options.unique, default: options.default })(
        target,
        key,
      )
    if (options.index) Index()(target, key)
    if (!options.hidden) {
      const graphql = type ?? GRAPHQL[kind as Exclude<ColumnKind, 'choice'>]
      Field(graphql as () => typeof String, { nullable, description })(target, key)
    }
  }
}

/** `numeric`: the ids are whole numbers (1, 2, 10) and sort as numbers. */
export const Id = (description = 'Identifies the row.', { numeric = false } = {}) =>
  column('id', description, {}, { numeric })
export const Text = (description: string, options?: Options) => column('text', description, options)
export const Texts = (description: string, options?: Options) => column('texts', description, options)
/** 32 bytes as `0x…`. An artifact's hash is the keccak256 of its bytes. */
export const Hash = (description: string, options?: Options) => column('hash', description, options)
/** 20 bytes as lower-case `0x…`. */
export const Address = (description: string, options?: Options) => column('address', description, options)
export const Wei = (description: string, options?: Options) => column('wei', description, options)
export const Integer = (description: string, options?: Options) => column('int', description, options)
export const BlockNumber = (description: string, options?: Options) => column('block', description, options)
/** A value of a Governor's clock: seconds or a block number, as its token counts, up to 2⁵³ − 1. */
export const Clock = (description: string, options?: Options) => column('clock', description, options)
export const Real = (description: string, options?: Options) => column('float', description, options)
export const Flag = (description: string, options?: Options) => column('flag', description, options)
export const Time = (description: string, options?: Options) => column('time', description, options)
export const Json = (description: string, options?: Options) => column('json', description, options)

const enums = new Map<string, object>()

/** The GraphQL enum that a `Choice` has registered. */
export function enumNamed(name: string): object {
  const found = enums.get(name)
  if (!found) throw new Error(`No column has the enum ${name}.`)
  return found
}

/** A text column with a closed set of values, which is the GraphQL enum `name`. */
export function Choice(name: string, values: readonly string[], description: string, options?: Options) {
  let members = enums.get(name)
  if (!members) {
    members = describedEnum(name, Object.fromEntries(values.map((value) => [value, value])))
    enums.set(name, members)
  }
  const type = members
  return column('choice', description, options, { values }, () => type)
}

/** A relation. The column holds the id of the other row. In the API it is the field `property`, and on the other side the list `inverse`, which
 *  an index gives in the order of its ids (`indexLists`). */
export const Ref = (
  target: () => EntityClass,
  property: string,
  description: string,
  options: Options & { inverse?: string } = {},
) =>
  column(
    'text',
    description,
    { index: !options.inverse, ...options },
    { ref: { target, property, inverse: options.inverse } },
  )

/** Tells the compiler which values of an entity another one keeps. */
export interface Keeping<Keeper> {
  readonly keptIn?: Keeper
}
export type KeptValues<T> = T extends Keeping<infer Keeper> ? 'keptIn' | Exclude<keyof Keeper, 'id'> : never

/** A value that no version of a row changes: `keeper` has it under the row's id, once, however often the rest of the row changes. */
export const KeptIn = (keeper: EntityClass) => (target: object, key: string | symbol) => {
  const keptIn = tableOf(keeper)
  const kept = keptIn.columns.find(({ property }) => property === key)
  if (!kept) throw new Error(`${keptIn.name} has no property ${String(key)}`)
  columnsOf.set(target.constructor, [...(columnsOf.get(target.constructor) ?? []), { ...kept, keptIn }])
  const { kind, nullable, description } = kept
  if (kind !== 'choice') Field(GRAPHQL[kind] as () => typeof String, { nullable, description })(target, key)
}

/** The columns of the table itself. */
export const storedColumns = (table: TableDefinition): ColumnDefinition[] =>
  table.columns.filter(({ keptIn }) => keptIn === undefined)

/** The block range of a version of a row: valid in `[fromBlock, toBlock)`; a null `toBlock` is the present. */
@ObjectType()
export abstract class Versioned {
  @Field(() => Int, { description: 'The first block of this version of the row.' })
  fromBlock!: number

  @Field(() => Int, { nullable: true, description: 'The block that ended this version; null for the present version.' })
  toBlock!: number | null
}

const RANGE: ColumnDefinition[] = [
  {
    property: 'fromBlock',
    column: 'from_block',
    kind: 'block',
    nullable: false,
    description: 'First block of this version.',
  },
  {
    property: 'toBlock',
    column: 'to_block',
    kind: 'block',
    nullable: true,
    description: 'Block that ended this version.',
  },
]

function define(versioned: boolean, description: string, { appended = false, derived = false } = {}) {
  return (entity: unknown) => {
    const owner = entity as EntityClass
    const name = owner.name
    const table = snakeCase(name)
    const columns = [...(columnsOf.get(owner) ?? []), ...(versioned ? RANGE : [])]
    const [id] = columns
    if (id?.kind !== 'id') throw new Error(`${name}: the first column of an entity must be @Id()`)
    tables.set(owner, { entity: owner, name, table, description, versioned, derived, id, columns })
    if (versioned) {
      PrimaryColumn({ type: 'bigint', name: 'from_block' })(owner.prototype, 'fromBlock')
      Column({ type: 'bigint', name: 'to_block', nullable: true })(owner.prototype, 'toBlock')
      Index(`${table}_to`, ['toBlock'], { where: 'to_block IS NOT NULL' })(owner) // no cost for present rows
      Index(`${table}_from`)(owner.prototype, 'fromBlock')
      if (!appended) Index(`${table}_present`, ['id'], { unique: true, where: 'to_block IS NULL' })(owner)
    }
    indexLists(owner, table, id, columns)
    Table(table)(owner)
    ObjectType(name, { description })(owner)
  }
}

/** Indexes in the order of the ids: for all rows of a table with numeric ids, and for the lists below another row. */
function indexLists(
  entity: EntityClass,
  table: string,
  { numeric }: ColumnDefinition,
  columns: readonly ColumnDefinition[],
) {
  const lists = columns.filter(({ ref }) => ref?.inverse)
  if (numeric) Indexed(`${table}_order`, 'length(id), id')(entity)
  for (const { column, property } of lists)
    if (numeric) Indexed(`${table}_${column}_list`, `"${column}", length(id), id`)(entity)
    else Index(`${table}_${column}_list`, [property, 'id'])(entity)
}

/** The statements that create the indexes on expressions, by the name of the index. */
export const expressionIndexes = new Map<string, string>()

/** An index that TypeORM cannot express: `keys` and the condition `where` are SQL. `schemaDrift` reports it until a migration creates it. */
export const Indexed = (name: string, keys: string, where?: string) => indexed(name, `(${keys})`, where)
/** An index for full text search: `vector` is SQL for a `tsvector`. */
export const Searched = (name: string, vector: string, where?: string) => indexed(name, `USING gin (${vector})`, where)

const indexed = (name: string, keys: string, where?: string) => (entity: unknown) => {
  const table = snakeCase((entity as EntityClass).name)
  expressionIndexes.set(name, `CREATE INDEX "${name}" ON "${table}" ${keys}${where ? ` WHERE ${where}` : ''}`)
  Index(name, { synchronize: false })(entity as EntityClass)
}

/** A table that only the indexer writes. Its rows are versioned over block ranges and can be rebuilt from the first block. `appended`: each id is
 *  written once and a row never ends, so no index has to guarantee that only one version is present. `derived`: its rows follow from those
 *  of other tables. */
export const OnChain = (description: string, options: { appended?: boolean; derived?: boolean } = {}) =>
  define(true, description, options)
/** A table that the API and the workers write. */
export const OffChain = (description: string) => define(false, description)

/** The definition of the entity's table. @throws Error when the class is not an entity. */
export function tableOf(entity: EntityClass): TableDefinition {
  const found = tables.get(entity)
  if (!found) throw new Error(`${entity.name} is not an entity: decorate it with @OnChain or @OffChain`)
  return found
}
