import { setImmediate as turn } from 'node:timers/promises'
import type { Sql } from '#schema/database.ts'
import { type EntityClass, type TableDefinition, tableOf, type Versioned } from '#schema/define.ts'
import {
  type Changes,
  loadPresent,
  noChanges,
  type RowValues,
  type RowVersion,
  textOf,
  writeChanges,
} from './versions.ts'

/** The rows that the handlers of a batch read and write, in memory until the batch is flushed.
 *
 *  Handlers are synchronous. A handler that asks for a row which is not in memory is abandoned without a trace; the rest of
 *  the batch is then tried on a scratch layer only to learn what else it will ask for, everything missing is loaded with
 *  one statement a table, and the handler runs again. So a batch costs a few statements, however many rows it touches,
 *  and no handler says in advance what it needs. */

/** What is stored of an entity: its values without its block range. */
export type Values<T> = Omit<T, keyof Versioned>

interface Entry {
  version: RowVersion
  /** Whether the version stands in the database. */
  stored: boolean
}

/** There is such a row; it stands in the database alone. */
const FORGOTTEN = Symbol('forgotten row')

/** By id; null: there is no such row at present. */
type Layer = Map<string, Entry | null>
type Memory = Map<string, Entry | null | typeof FORGOTTEN>

class TableState {
  readonly memory: Memory = new Map()
  /** By property, the values whose rows memory knows all of, if only that they exist. */
  readonly groups = new Map<string, Set<string | null>>()
  changes = noChanges()
  /** Rows that were written without a look at what stood, and the block of the first such write. */
  readonly unseen = new Map<string, number>()
  /** Entries that the changes opened. */
  fresh: Entry[] = []
  /** The entries of the batches before, oldest first. */
  readonly written: Entry[][] = []
  /** Ids, and groups, that a handler asked for in vain. */
  readonly missing = { ids: new Set<string>(), groups: new Map<string, Set<string | null>>() }
  scratch: Layer | undefined
  /** Writes of the handler that is running. */
  readonly step: Layer = new Map()
  readonly appended: RowValues[] = []
  /** Whether the handler that is running wrote to it. */
  touched = false

  constructor(
    readonly definition: TableDefinition,
    private readonly kept: number,
    foreseeing: boolean,
  ) {
    if (foreseeing) this.scratch = new Map()
  }

  look(id: string): Entry | null | undefined | typeof FORGOTTEN {
    let entry: ReturnType<Memory['get']> = this.touched ? this.step.get(id) : undefined
    if (entry === undefined && this.scratch?.size) entry = this.scratch.get(id)
    return entry === undefined ? this.memory.get(id) : entry
  }

  /** Hands over the changes. Of many rows, those that the batch before the last one wrote are forgotten: they are stored, since no
   *  batch is written before the one before it is. */
  take(): Changes {
    const { changes, fresh, written, memory } = this
    for (const entry of fresh) entry.stored = true
    written.push(fresh)
    if (written.length > 2)
      for (const entry of written.shift()!) {
        const { id } = entry.version
        if (memory.size > this.kept && memory.get(id) === entry) memory.set(id, FORGOTTEN)
      }
    this.changes = noChanges()
    this.fresh = []
    return changes
  }
}

/** Thrown to abandon a handler until what it asked for is loaded. */
const MISSING = Symbol('missing rows')

/** Closes what stands of the rows that were written unseen. */
async function closeUnseen(sql: Sql, { definition, unseen, changes }: TableState) {
  if (!unseen.size) return
  for (const { id, fromBlock } of await loadPresent(sql, definition, 'id', [...unseen.keys()]))
    changes.closed.push({ id, fromBlock, toBlock: unseen.get(id)! })
  unseen.clear()
}

/** What a batch does to every table. */
export type BatchChanges = { table: TableDefinition; changes: Changes }[]

/** Writes what a batch does, a handful of statements a table. */
export async function writeBatch(sql: Sql, batch: BatchChanges): Promise<void> {
  for (const { table, changes } of batch) await writeChanges(sql, table, changes)
}

const isAbsent = (entry: unknown) => entry === undefined || entry === FORGOTTEN
const same = (left: unknown, right: unknown) => left === right || (left == null && right == null)
/** Rows of a table that stay in memory; of more, only that they exist. */
const ROWS_KEPT = 4_000
const ENTRIES_KEPT = 200_000
/** How long steps run until others have their turn: the batch before is on its way to the database meanwhile. */
const TURN_MS = 2
const STEPS_A_LOOK = 16
/** When so many steps have asked for so few rows, all wait for the same ones: trying the rest would tell nothing more. */
const FORESEEN = 200
const FEW = 8

export class Rows {
  private readonly tables = new Map<EntityClass, TableState>()
  /** The tables that the handler that is running wrote to. */
  private touched: TableState[] = []
  private block = 0
  private foreseeing = false

  /** @param kept rows of each table that stay in memory. */
  constructor(private readonly kept = ROWS_KEPT) {}

  /** The row as it stands now, or undefined. Never change it in place: `put` a new one.
   *  `group` names one that the row would be of: where that is in memory as a whole, what is not there does not exist. */
  get<T extends Versioned>(
    entity: EntityClass<T>,
    id: string,
    group?: { property: keyof T & string; value: string },
  ): Readonly<Values<T>> | undefined {
    const table = this.table(entity)
    const entry = table.look(id)
    if (entry === undefined || entry === FORGOTTEN) {
      if (entry === undefined && group && table.groups.get(group.property)?.has(group.value)) {
        table.memory.set(id, null)
        return undefined
      }
      table.missing.ids.add(id)
      throw MISSING
    }
    return entry?.version.row as Values<T> | undefined
  }

  /** Says at once which rows of an entity will be asked for: saves a round of loading where a handler needs several. */
  need<T extends Versioned>(entity: EntityClass<T>, ids: readonly string[]) {
    const table = this.table(entity)
    const absent = ids.filter((id) => isAbsent(table.look(id)))
    for (const id of absent) table.missing.ids.add(id)
    if (absent.length) throw MISSING
  }

  /** Has the whole group of rows whose `property` has `value` in memory from now on. */
  whole<T extends Versioned>(entity: EntityClass<T>, property: keyof T & string, value: string | null) {
    const table = this.table(entity)
    if (table.groups.get(property)?.has(value)) return table
    const wanted = table.missing.groups.get(property) ?? new Set()
    table.missing.groups.set(property, wanted.add(value))
    throw MISSING
  }

  /** All present rows whose `property` has `value`, sorted by id. */
  find<T extends Versioned>(entity: EntityClass<T>, property: keyof T & string, value: string | null) {
    const table = this.whole(entity, property, value)
    const found = new Map<string, RowValues>()
    const { memory, scratch, step, missing } = table
    let forgotten = false
    for (const layer of [memory, scratch ?? (new Map() as Layer), step])
      for (const [id, entry] of layer)
        if (entry === FORGOTTEN) forgotten = missing.ids.add(id).size > 0
        else if (entry && same(entry.version.row![property], value)) found.set(id, entry.version.row!)
        else found.delete(id)
    if (forgotten) throw MISSING
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row as Readonly<Values<T>>)
  }

  /** Writes a row as of the block in hand: closes the version that stood and opens this one; a second change within one
   *  block replaces the first. A row that nobody has looked at is written unseen, without loading what stood. */
  put<T extends Versioned>(entity: EntityClass<T>, row: Values<T>) {
    const { id } = row as unknown as { id: string }
    const version = { id, row: row as RowValues, text: undefined, fromBlock: this.block, toBlock: null }
    this.touch(entity).step.set(id, { version, stored: false })
  }

  /** Writes a row that cannot exist yet and that no handler reads again (an event, under the event's own id): saves looking. */
  append<T extends Versioned>(entity: EntityClass<T>, row: Values<T>) {
    this.touch(entity).appended.push(row as RowValues)
  }

  /** Changes some values of a row that must exist. @throws Error naming the row when it does not. */
  change<T extends Versioned>(
    entity: EntityClass<T>,
    id: string,
    values: Partial<Values<T>> | ((row: Readonly<Values<T>>) => Partial<Values<T>>),
  ) {
    const row = this.must(entity, id)
    this.put(entity, { ...row, ...(typeof values === 'function' ? values(row) : values) })
  }

  /** The row as it stands now. @throws Error naming the row when there is none. */
  must<T extends Versioned>(entity: EntityClass<T>, id: string): Readonly<Values<T>> {
    const row = this.get(entity, id)
    if (!row) throw new Error(`${entity.name} ${id} is not known at block ${this.block}`)
    return row
  }

  /** Ends a row as of the block in hand. */
  remove<T extends Versioned>(entity: EntityClass<T>, id: string) {
    if (this.get(entity, id)) this.touch(entity).step.set(id, null)
  }

  /** Runs `steps` in order, each at its block, loading through `sql` what they ask for.
   *  A step either runs whole or leaves no trace. @throws whatever a step throws. */
  async run(sql: Sql, steps: readonly { block: number; run: () => void }[]) {
    let next = 0
    let since = performance.now()
    while (next < steps.length) {
      while (next < steps.length && this.attempt(steps[next]!)) {
        next++
        if (next % STEPS_A_LOOK || performance.now() - since < TURN_MS) continue
        await turn()
        since = performance.now()
      }
      if (next === steps.length) break
      this.foresee(steps.slice(next))
      await this.load(sql)
    }
    for (const table of this.tables.values()) await closeUnseen(sql, table)
  }

  /** Hands over every change since the last time, to be written; rows stay in memory for the next batch, which may be prepared
   *  while these are written. Call `forget` if they are not. */
  take(): BatchChanges {
    const taken: BatchChanges = []
    for (const table of this.tables.values()) taken.push({ table: table.definition, changes: table.take() })
    return taken
  }

  /** Writes every change since the last time. */
  async flush(sql: Sql): Promise<void> {
    await writeBatch(sql, this.take())
    if (this.full) this.forget()
  }

  /** Whether so much is in memory that it should be forgotten as soon as all is written. */
  get full(): boolean {
    let entries = 0
    for (const table of this.tables.values()) entries += table.memory.size
    return entries > ENTRIES_KEPT
  }

  /** What the next flush writes, table by table. */
  *changed(): Generator<{ definition: TableDefinition; changes: Readonly<Changes> }> {
    for (const { definition, changes } of this.tables.values()) yield { definition, changes }
  }

  /** Empties the memory: after a rollback or a failed transaction, or to bound its size. */
  forget() {
    this.tables.clear()
  }

  private table(entity: EntityClass): TableState {
    let state = this.tables.get(entity)
    if (!state) {
      const definition = tableOf(entity)
      if (!definition.versioned) throw new Error(`${entity.name} is not versioned: the indexer does not write it`)
      state = new TableState(definition, this.kept, this.foreseeing)
      this.tables.set(entity, state)
    }
    return state
  }

  private touch(entity: EntityClass): TableState {
    const table = this.table(entity)
    if (!table.touched) {
      table.touched = true
      this.touched.push(table)
    }
    return table
  }

  /** Runs one step; false when it was abandoned for want of rows. */
  private attempt(step: { block: number; run: () => void }): boolean {
    this.block = step.block
    try {
      step.run()
    } catch (error) {
      this.leave((table) => {
        table.step.clear()
        table.appended.length = 0
      })
      if (error === MISSING) return false
      throw error
    }
    this.leave((table) => this.commit(table))
    return true
  }

  /** Ends a step: does with each table that it wrote to what its end asks for. */
  private leave(end: (table: TableState) => void) {
    for (const table of this.touched) {
      end(table)
      table.touched = false
    }
    this.touched.length = 0
  }

  private commit(table: TableState) {
    for (const [id, entry] of table.step) {
      if (table.scratch) table.scratch.set(id, entry)
      else this.record(table, id, entry)
    }
    if (!table.scratch) for (const row of table.appended) table.changes.opened.push(this.appendix(table, row))
    table.step.clear()
    table.appended.length = 0
  }

  /** An appended row is written out at once: its values are not kept. */
  private appendix(table: TableState, row: RowValues): RowVersion {
    const version: RowVersion = { id: row.id as string, row, text: undefined, fromBlock: this.block, toBlock: null }
    textOf(table.definition, version)
    version.row = undefined
    return version
  }

  private record(table: TableState, id: string, next: Entry | null) {
    const known = table.memory.get(id)
    const before = known === FORGOTTEN ? undefined : known
    table.memory.set(id, next)
    if (before === undefined) table.unseen.set(id, this.block)
    if (before && before.version.fromBlock === this.block) {
      if (before.stored) table.changes.dropped.push({ id, fromBlock: this.block })
      else before.version.toBlock = this.block // an empty range, left out by the flush
    } else if (before) {
      // what is stored may just be on its way there: it is not touched
      if (before.stored) table.changes.closed.push({ id, fromBlock: before.version.fromBlock, toBlock: this.block })
      else before.version.toBlock = this.block
    }
    if (!next) return
    table.changes.opened.push(next.version)
    table.fresh.push(next)
  }

  /** Tries the steps on a scratch layer, only to learn which rows they ask for. */
  private foresee(steps: readonly { block: number; run: () => void }[]) {
    this.foreseeing = true
    for (const table of this.tables.values()) table.scratch = new Map()
    for (const [index, step] of steps.entries()) {
      if (index === FORESEEN && this.asked() <= FEW) break
      try {
        this.attempt(step)
      } catch {
        // A step may fail here for want of what an abandoned one would have written; when it runs in earnest it has all.
      }
    }
    for (const table of this.tables.values()) table.scratch = undefined
    this.foreseeing = false
  }

  /** How many rows, and groups of rows, have been asked for in vain. */
  private asked(): number {
    let count = 0
    for (const { missing } of this.tables.values()) {
      count += missing.ids.size
      for (const wanted of missing.groups.values()) count += wanted.size
    }
    return count
  }

  private async load(sql: Sql) {
    for (const table of this.tables.values()) {
      const { ids, groups } = table.missing
      const remember = (version: RowVersion) => {
        if (isAbsent(table.memory.get(version.id))) table.memory.set(version.id, { version, stored: true })
      }
      if (ids.size) {
        for (const version of await loadPresent(sql, table.definition, 'id', [...ids])) remember(version)
        for (const id of ids) if (isAbsent(table.memory.get(id))) table.memory.set(id, null)
      }
      for (const [property, wanted] of groups) {
        for (const version of await loadPresent(sql, table.definition, property, [...wanted])) remember(version)
        const known = table.groups.get(property) ?? new Set()
        table.groups.set(property, known)
        for (const value of wanted) known.add(value)
      }
      ids.clear()
      groups.clear()
    }
  }
}
