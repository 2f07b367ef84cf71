import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Sql } from '#schema/database.ts'
import { type EntityClass, type KeptValues, type TableDefinition, tableOf, type Versioned } from '#schema/define.ts'
import { addToTotals, type RowCounts } from '#schema/totals.ts'
import {
  type Changes,
  loadPresent,
  noChanges,
  type RowValues,
  type RowVersion,
  rowCounts,
  textOf,
  writeChanges,
} from './versions.ts'

/** The rows that the handlers of a batch read and write, in memory until the batch is flushed.
 *
 *  Handlers are synchronous. A handler that reads a row which is not in memory is aborted, and its writes are discarded. The rest of
 *  the batch then runs speculatively on a scratch layer, only to find out which other rows it reads; all missing rows are loaded with
 *  one statement per table, and the handler runs again. So a batch costs a few statements, however many rows it touches,
 *  and no handler declares in advance what it reads. What a handler asks of a contract is loaded in the same way. */

/** The values of an entity, without its block range and what another table keeps for it. */
export type Values<T> = Omit<T, keyof Versioned | KeptValues<T>>

interface Entry {
  version: RowVersion
  /** Whether the version is in the database. */
  stored: boolean
}

/** The row exists, but was evicted from memory: it is in the database only. */
const EVICTED = Symbol('evicted row')

/** By id; null: the row does not exist at present. */
type Layer = Map<string, Entry | null>
type Memory = Map<string, Entry | null | typeof EVICTED>

class TableState {
  readonly memory: Memory = new Map()
  /** By property, the values of which memory has every row, or at least knows that it exists. */
  readonly groups = new Map<string, Set<string | null>>()
  changes = noChanges()
  /** Rows that were written without reading the version before, and the block of the first such write. */
  readonly blindWrites = new Map<string, number>()
  /** Entries that the changes opened. */
  opened: Entry[] = []
  /** The opened entries of the batches before, oldest first. */
  readonly openedBefore: Entry[][] = []
  /** Ids and groups that a handler read and memory does not have. */
  readonly missing = { ids: new Set<string>(), groups: new Map<string, Set<string | null>>() }
  scratch: Layer | undefined
  /** Writes of the handler that runs. */
  readonly step: Layer = new Map()
  readonly appended: RowValues[] = []
  /** Whether the handler that runs wrote to this table. */
  touched = false

  constructor(
    readonly definition: TableDefinition,
    private readonly kept: number,
    speculating: boolean,
  ) {
    if (speculating) this.scratch = new Map()
  }

  lookUp(id: string): Entry | null | undefined | typeof EVICTED {
    let entry: ReturnType<Memory['get']> = this.touched ? this.step.get(id) : undefined
    if (entry === undefined && this.scratch?.size) entry = this.scratch.get(id)
    return entry === undefined ? this.memory.get(id) : entry
  }

  /** Hands over the changes. When memory has too many rows, it evicts those that the batch before the last one wrote: they are stored,
   *  since batches are written in order. */
  take(): Changes {
    const { changes, opened, openedBefore, memory } = this
    for (const entry of opened) entry.stored = true
    openedBefore.push(opened)
    const stored = openedBefore.length > 2 ? openedBefore.shift() : undefined
    for (const entry of stored ?? []) {
      const { id } = entry.version
      if (memory.size > this.kept && memory.get(id) === entry) memory.set(id, EVICTED)
    }
    this.changes = noChanges()
    this.opened = []
    return changes
  }
}

/** Thrown to abort a handler until the rows that it reads are loaded. */
const MISSING = Symbol('missing rows')

/** Closes the present versions of rows that were written without reading them. */
async function closeBlindWrites(sql: Sql, { definition, blindWrites, changes }: TableState) {
  if (!blindWrites.size) return
  for (const { id, fromBlock } of await loadPresent(sql, definition, 'id', [...blindWrites.keys()]))
    changes.closed.push({ id, fromBlock, toBlock: blindWrites.get(id) as number }) // only such ids were loaded
  blindWrites.clear()
}

/** The changes of a batch, by table. */
export type BatchChanges = { table: TableDefinition; changes: Changes }[]

/** Writes the changes of a batch with a few statements per table, and what they change in the totals. */
export async function writeBatch(sql: Sql, batch: BatchChanges): Promise<void> {
  const blocks: [first: number, last: number] = [Number.MAX_SAFE_INTEGER, 0]
  const changed = new Map<TableDefinition, RowCounts>()
  for (const { table, changes } of batch) {
    await writeChanges(sql, table, changes)
    if (!changes.opened.length && !changes.closed.length) continue
    const counts = rowCounts(changes)
    for (const block of counts.keys()) {
      if (block < blocks[0]) blocks[0] = block
      if (block > blocks[1]) blocks[1] = block
    }
    changed.set(table, counts)
  }
  await addToTotals(sql, changed, blocks)
}

const isAbsent = (entry: unknown) => entry === undefined || entry === EVICTED
const same = (left: unknown, right: unknown) => left === right || (left == null && right == null)
/** Rows of a table that stay in memory; of further rows only the existence is known. */
const MAX_ROWS = 4_000
const MAX_ENTRIES = 200_000
/** How long steps run before they yield to the event loop, which sends the batch before to the database meanwhile. */
const YIELD_EVERY_MS = 2
const STEPS_PER_CLOCK_READ = 16
/** When this many speculative steps have found this few missing rows, all need the same ones, and the rest of the batch is skipped. */
const SPECULATIVE_STEPS = 200
const FEW_ROWS = 8
const PARALLEL_QUESTIONS = 10

export class Rows {
  private readonly tables = new Map<EntityClass, TableState>()
  /** The tables that the handler which runs wrote to. */
  private touched: TableState[] = []
  private block = 0
  private speculating = false
  /** What handlers asked from elsewhere, by key, while steps run; and what is still to be loaded. */
  private readonly answers = new Map<string, unknown>()
  private readonly questions = new Map<string, () => Promise<unknown>>()

  /** @param kept rows of each table that stay in memory. */
  constructor(private readonly kept = MAX_ROWS) {}

  /** The present row, or undefined. Never change it in place: `put` a new one.
   *  `group` is one that the row would belong to: where memory has the whole group, a row that it does not have does not exist. */
  get<T extends Versioned>(
    entity: EntityClass<T>,
    id: string,
    group?: { property: keyof T & string; value: string },
  ): Readonly<Values<T>> | undefined {
    const table = this.table(entity)
    const entry = table.lookUp(id)
    if (entry === undefined || entry === EVICTED) {
      if (entry === undefined && group && table.groups.get(group.property)?.has(group.value)) {
        table.memory.set(id, null)
        return undefined
      }
      table.missing.ids.add(id)
      throw MISSING
    }
    return entry?.version.row as Values<T> | undefined
  }

  /** Loads rows that the handler will read: saves rounds of loading where it reads several. */
  preload<T extends Versioned>(entity: EntityClass<T>, ids: readonly string[]) {
    const table = this.table(entity)
    const absent = ids.filter((id) => isAbsent(table.lookUp(id)))
    for (const id of absent) table.missing.ids.add(id)
    if (absent.length) throw MISSING
  }

  /** The answers to questions by their keys, in order: what is not in the database is loaded like missing rows. They last until the steps have
   *  run, so a key names all that its answer depends on. */
  ask<T>(questions: readonly { key: string; load: () => Promise<T> }[]): T[] {
    const open = questions.filter(({ key }) => !this.answers.has(key))
    for (const { key, load } of open) this.questions.set(key, load)
    if (open.length) throw MISSING
    return questions.map(({ key }) => this.answers.get(key) as T)
  }

  /** Loads all rows whose `property` has `value`; from then on memory knows the whole group. */
  loadGroup<T extends Versioned>(entity: EntityClass<T>, property: keyof T & string, value: string | null) {
    const table = this.table(entity)
    if (table.groups.get(property)?.has(value)) return table
    const wanted = table.missing.groups.get(property) ?? new Set()
    table.missing.groups.set(property, wanted.add(value))
    throw MISSING
  }

  /** All present rows whose `property` has `value`, sorted by id. */
  find<T extends Versioned>(entity: EntityClass<T>, property: keyof T & string, value: string | null) {
    const table = this.loadGroup(entity, property, value)
    const found = new Map<string, RowValues>()
    const { memory, scratch, step, missing } = table
    let evicted = false
    for (const layer of [memory, scratch ?? (new Map() as Layer), step])
      for (const [id, entry] of layer)
        if (entry === EVICTED) evicted = missing.ids.add(id).size > 0
        else if (entry?.version.row && same(entry.version.row[property], value)) found.set(id, entry.version.row)
        else found.delete(id)
    if (evicted) throw MISSING
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row as Readonly<Values<T>>)
  }

  /** Writes a row as of the current block: closes the present version and opens this one; a second change within one
   *  block replaces the first. A row that is not in memory is written without loading its present version. */
  put<T extends Versioned>(entity: EntityClass<T>, row: Values<T>) {
    const { id } = row as unknown as { id: string }
    const version = { id, row: row as RowValues, text: undefined, fromBlock: this.block, toBlock: null }
    this.touch(entity).step.set(id, { version, stored: false })
  }

  /** Writes a row that cannot exist yet and that no handler reads again (an event, under the event's own id): saves a look-up. */
  append<T extends Versioned>(entity: EntityClass<T>, row: Values<T>) {
    this.touch(entity).appended.push(row as RowValues)
  }

  /** Changes some values of a row that must exist. @throws Error that names the row when it does not. */
  change<T extends Versioned>(
    entity: EntityClass<T>,
    id: string,
    values: Partial<Values<T>> | ((row: Readonly<Values<T>>) => Partial<Values<T>>),
  ) {
    const row = this.must(entity, id)
    this.put(entity, { ...row, ...(typeof values === 'function' ? values(row) : values) })
  }

  /** The present row. @throws Error that names the row when there is none. */
  must<T extends Versioned>(entity: EntityClass<T>, id: string): Readonly<Values<T>> {
    const row = this.get(entity, id)
    if (!row) throw new Error(`${entity.name} ${id} is not known at block ${this.block}`)
    return row
  }

  /** Ends a row as of the current block. */
  remove<T extends Versioned>(entity: EntityClass<T>, id: string) {
    if (this.get(entity, id)) this.touch(entity).step.set(id, null)
  }

  /** Runs `steps` in order, each at its block, and loads through `sql` the rows that they read.
   *  A step either completes or has no effect. @throws whatever a step throws. */
  async run(sql: Sql, steps: readonly { block: number; run: () => void }[]) {
    let next = 0
    let since = performance.now()
    while (next < steps.length) {
      for (let step = steps[next]; step && this.attempt(step); step = steps[next]) {
        next++
        if (next % STEPS_PER_CLOCK_READ || performance.now() - since < YIELD_EVERY_MS) continue
        await yieldToEventLoop()
        since = performance.now()
      }
      if (next === steps.length) break
      const needed = new Set(this.questions.keys())
      this.speculate(steps.slice(next))
      await this.load(sql, needed)
    }
    this.answers.clear()
    for (const table of this.tables.values()) await closeBlindWrites(sql, table)
  }

  /** Hands over every change since the last call, to be written. Rows stay in memory for the next batch, which may be prepared
   *  while these are written. Call `forget` if the write fails. */
  take(): BatchChanges {
    const taken: BatchChanges = []
    for (const table of this.tables.values()) taken.push({ table: table.definition, changes: table.take() })
    return taken
  }

  /** Writes every change since the last flush. */
  async flush(sql: Sql): Promise<void> {
    await writeBatch(sql, this.take())
    if (this.full) this.forget()
  }

  /** Whether memory is so large that `forget` should be called as soon as everything is written. */
  get full(): boolean {
    let entries = 0
    for (const table of this.tables.values()) entries += table.memory.size
    return entries > MAX_ENTRIES
  }

  /** The changes that the next flush writes, by table. */
  *changed(): Generator<{ definition: TableDefinition; changes: Readonly<Changes> }> {
    for (const { definition, changes } of this.tables.values()) yield { definition, changes }
  }

  /** Empties the memory: after a rollback or a failed transaction, or to limit its size. */
  forget() {
    this.tables.clear()
    this.answers.clear()
  }

  private table(entity: EntityClass): TableState {
    let state = this.tables.get(entity)
    if (!state) {
      const definition = tableOf(entity)
      if (!definition.versioned) throw new Error(`${entity.name} is not versioned: the indexer does not write it`)
      state = new TableState(definition, this.kept, this.speculating)
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

  /** Runs one step. @returns false when it was aborted because rows are missing. */
  private attempt(step: { block: number; run: () => void }): boolean {
    this.block = step.block
    try {
      step.run()
    } catch (error) {
      for (const table of this.touched) {
        table.step.clear()
        table.appended.length = 0
        table.touched = false
      }
      this.touched.length = 0
      if (error === MISSING) return false
      throw error
    }
    for (const table of this.touched) {
      this.commit(table)
      table.touched = false
    }
    this.touched.length = 0
    return true
  }

  private commit(table: TableState) {
    for (const [id, entry] of table.step) {
      if (table.scratch) table.scratch.set(id, entry)
      else this.record(table, id, entry)
    }
    if (!table.scratch) for (const row of table.appended) table.changes.opened.push(this.appendedVersion(table, row))
    if (table.step.size) table.step.clear()
    if (table.appended.length) table.appended.length = 0
  }

  /** The version of an appended row, serialised at once: its values need not stay in memory. */
  private appendedVersion(table: TableState, row: RowValues): RowVersion {
    const version: RowVersion = { id: row.id as string, row, text: undefined, fromBlock: this.block, toBlock: null }
    textOf(table.definition, version)
    version.row = undefined
    return version
  }

  private record(table: TableState, id: string, next: Entry | null) {
    const known = table.memory.get(id)
    const before = known === EVICTED ? undefined : known
    if (next && before && !before.stored && before.version.fromBlock === this.block) {
      before.version.row = next.version.row // twenty votes in one block are one version of their proposal
      before.version.text = undefined
      return
    }
    table.memory.set(id, next)
    if (before === undefined) table.blindWrites.set(id, this.block)
    if (before && before.version.fromBlock === this.block) {
      if (before.stored) table.changes.dropped.push({ id, fromBlock: this.block })
      else before.version.toBlock = this.block // an empty block range, which the flush skips
    } else if (before) {
      // A stored version may still be on its way to the database: it is not changed in memory.
      if (before.stored) table.changes.closed.push({ id, fromBlock: before.version.fromBlock, toBlock: this.block })
      else before.version.toBlock = this.block
    }
    if (!next) return
    table.changes.opened.push(next.version)
    table.opened.push(next)
  }

  /** Runs the steps on a scratch layer, only to find out which rows they read. */
  private speculate(steps: readonly { block: number; run: () => void }[]) {
    this.speculating = true
    for (const table of this.tables.values()) table.scratch = new Map()
    for (const [index, step] of steps.entries()) {
      if (index === SPECULATIVE_STEPS && this.missingCount() <= FEW_ROWS) break
      try {
        this.attempt(step)
      } catch {
        // A step may fail here because an aborted one did not write; in the real run it has everything.
      }
    }
    for (const table of this.tables.values()) table.scratch = undefined
    this.speculating = false
  }

  /** How many rows, groups of rows and answers are missing. */
  private missingCount(): number {
    let count = this.questions.size
    for (const { missing } of this.tables.values()) {
      count += missing.ids.size
      for (const wanted of missing.groups.values()) count += wanted.size
    }
    return count
  }

  /** @param needed the questions of the step that runs next. The others may be of speculative steps alone: where one has no answer, it is asked again
   *  once a step needs it. */
  private async load(sql: Sql, needed: ReadonlySet<string>) {
    const questions = [...this.questions]
    this.questions.clear()
    for (let from = 0; from < questions.length; from += PARALLEL_QUESTIONS)
      await Promise.all(
        questions.slice(from, from + PARALLEL_QUESTIONS).map(async ([key, load]) => {
          try {
            this.answers.set(key, await load())
          } catch (error) {
            if (needed.has(key)) throw error
          }
        }),
      )
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
