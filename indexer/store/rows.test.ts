import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '#schema/database.ts'
import { tableOf } from '#schema/define.ts'
import { Holder, Proposal, ProposalContent } from '#schema/onchain/governance.ts'
import { freshDatabase } from '#test/database.ts'
import { Rows, type Values } from './rows.ts'
import { rollbackRows } from './versions.ts'

type Row = Values<Holder>

/** What a step may do, both to the rows under test and to the oracle. */
interface Desk {
  get(id: string): Readonly<Row> | undefined
  put(row: Row): void
  remove(id: string): void
  delegatedTo(delegate: string | null): Readonly<Row>[]
}

const deskOf = (rows: Rows): Desk => ({
  get: (id) => rows.get(Holder, id),
  put: (row) => rows.put(Holder, row),
  remove: (id) => rows.remove(Holder, id),
  delegatedTo: (delegate) => rows.find(Holder, 'delegate', delegate),
})

/** The oracle: all present rows in one map, copied at the end of each block. */
class Naive implements Desk {
  readonly history = new Map<number, Map<string, Row>>()
  private present = new Map<string, Row>()
  get = (id: string) => this.present.get(id)
  put = (row: Row) => void this.present.set(row.id, row)
  remove = (id: string) => void this.present.delete(id)
  delegatedTo = (delegate: string | null) =>
    [...this.present.values()].filter((row) => row.delegate === delegate).sort((a, b) => (a.id < b.id ? -1 : 1))

  endBlock(block: number) {
    this.history.set(block, new Map(this.present))
  }

  rollback(block: number) {
    this.present = new Map(this.history.get(block) ?? [])
    for (const later of this.history.keys()) if (later > block) this.history.delete(later)
  }
}

const IDS = ['a', 'b', 'c', 'd']
const id = fc.constantFrom(...IDS)
const blank = (name: string): Row => ({
  id: name,
  token: '0xt',
  account: name,
  locked: null,
  balance: 0n,
  delegate: null,
  votes: 0n,
})

const action = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), id, amount: fc.bigInt(0n, 9n) }),
  fc.record({ kind: fc.constant('move' as const), id, to: id }),
  fc.record({ kind: fc.constant('delegate' as const), id, to: fc.option(id) }),
  fc.record({ kind: fc.constant('remove' as const), id }),
  fc.record({ kind: fc.constant('reward' as const), to: fc.option(id) }),
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

function act(desk: Desk, one: Action) {
  if (one.kind === 'set') desk.put({ ...(desk.get(one.id) ?? blank(one.id)), balance: one.amount })
  else if (one.kind === 'remove') desk.remove(one.id)
  else if (one.kind === 'delegate') desk.put({ ...(desk.get(one.id) ?? blank(one.id)), delegate: one.to })
  else if (one.kind === 'reward')
    for (const row of desk.delegatedTo(one.to)) desk.put({ ...row, votes: row.votes + 1n })
  else {
    const from = desk.get(one.id)
    if (!from || from.balance === 0n) return
    desk.put({ ...from, balance: 0n })
    const to = desk.get(one.to) ?? blank(one.to)
    desk.put({ ...to, balance: to.balance + from.balance })
  }
}

const block = fc.array(action, { maxLength: 5 })
const stage = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ blocks: fc.array(block, { minLength: 1, maxLength: 4 }), forget: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ back: fc.nat(6) }) },
)

async function compare(db: Database, naive: Naive) {
  const { rows } = await db.query('select * from holder order by id, from_block')
  for (const [number, expected] of naive.history) {
    const standing = rows.filter((row) => row.from_block <= number && (row.to_block === null || row.to_block > number))
    const plain = standing.map(({ from_block, to_block, ...row }) => row)
    expect(plain).toEqual([...expected.values()].sort((a, b) => (a.id < b.id ? -1 : 1)))
  }
  for (const row of rows) if (row.to_block !== null) expect(row.to_block).toBeGreaterThan(row.from_block)
}

test('rows equal a naive copy of the present, at every block, through batches and rollbacks of any kind', async () => {
  const db = await freshDatabase()
  await fc.assert(
    fc.asyncProperty(fc.array(stage, { minLength: 1, maxLength: 8 }), fc.nat(3), async (stages, kept) => {
      await db.query('truncate holder, total')
      const naive = new Naive()
      const rows = new Rows(kept)
      let head = 0
      for (const one of stages) {
        if ('back' in one) {
          head = Math.max(0, head - one.back)
          await rollbackRows(db, head)
          rows.forget()
          naive.rollback(head)
        } else {
          const steps = one.blocks.flatMap((actions) => {
            const number = ++head
            for (const each of actions) act(naive, each)
            naive.endBlock(number)
            return actions.map((each) => ({ block: number, run: () => act(deskOf(rows), each) }))
          })
          await db.transaction(async (sql) => {
            await rows.run(sql, steps)
            await rows.flush(sql)
          })
          if (one.forget) rows.forget()
        }
        await compare(db, naive)
      }
    }),
    { numRuns: 60, seed: 20261120 },
  )
})

const holder = (name: string, balance: bigint): Row => ({ ...blank(name), balance })

test('a batch costs one loading statement for every level of dependence, not one per row', async () => {
  const db = await freshDatabase()
  let statements = 0
  const query = (text: never, values: never) => {
    statements++
    return db.query(text, values)
  }
  const counted = { query } as Pick<Database, 'query'>
  const rows = new Rows()
  const steps = Array.from({ length: 500 }, (_, index) => ({
    block: 1 + index,
    run() {
      const own = rows.get(Holder, `h${index}`)
      const friend = rows.get(Holder, `f${own?.balance ?? index}`)
      rows.put(Holder, holder(`h${index + 1}`, friend?.balance ?? BigInt(index)))
    },
  }))
  await rows.run(counted, steps)
  expect(statements).toBeLessThan(6)
})

test('a handler that throws stops the batch, and its writes are discarded', async () => {
  const db = await freshDatabase()
  const rows = new Rows()
  const fails = {
    block: 2,
    run() {
      rows.put(Holder, holder('a', 7n))
      throw new Error('no')
    },
  }
  const first = { block: 1, run: () => rows.put(Holder, holder('a', 1n)) }
  await expect(rows.run(db, [first, fails])).rejects.toThrow('no')
  await rows.flush(db)
  expect((await db.query('select balance, from_block, to_block from holder')).rows).toEqual([
    { balance: 1n, from_block: 1, to_block: null },
  ])
})

test('every kind of value is stored and read back, including arrays and nulls', async () => {
  const db = await freshDatabase()
  const proposal: Values<Proposal> = {
    id: '1',
    governorId: '0xg',
    onChainId: '1',
    proposer: '0xa',
    voteStart: 1_800_000_000,
    voteEnd: Number.MAX_SAFE_INTEGER,
    againstVotes: 2n ** 256n - 1n,
    forVotes: 0n,
    abstainVotes: -1n,
    quorum: null,
    superQuorum: null,
    canceled: false,
    executed: true,
    eta: null,
    operation: null,
    createdAt: new Date('2026-11-20T12:00:00.000Z'),
  }
  const content: Values<ProposalContent> = {
    id: '1',
    signatures: ['f()', ''],
    description: '"quoted", {braces}, \\back and ünïcode 🗳',
    descriptionHash: null,
    targets: ['0xb', 'with,comma', ''],
    values: ['0', '115792089237316195423570985008687907853269984665640564039457584007913129639935'],
    calldatas: [],
  }
  const long = { ...content, id: '2', description: 'ünïcode 🗳'.repeat(100_000) } // more than one message holds
  const all = [content, long, ...Array.from({ length: 2_000 }, (_, index) => ({ ...content, id: `3-${index}` }))]
  const writer = new Rows()
  const write = () => {
    writer.put(Proposal, proposal)
    for (const one of all) writer.put(ProposalContent, one)
  }
  await writer.run(db, [{ block: 5, run: write }])
  await writer.flush(db)
  const reader = new Rows()
  const found: unknown[] = []
  const read = () => {
    found.push(reader.must(Proposal, '1'))
    for (const { id } of all) found.push(reader.must(ProposalContent, id))
  }
  await reader.run(db, [{ block: 6, run: read }])
  expect(found.slice(-1 - all.length)).toEqual([proposal, ...all])
})

test('only versioned tables are written', async () => {
  const db = await freshDatabase()
  const { Block } = await import('#schema/onchain/chain.ts')
  expect(tableOf(Block).versioned).toBe(false)
  const rows = new Rows()
  const run = () => void rows.get(Block as never, '1') // Block is not versioned, which the types exclude
  await expect(rows.run(db, [{ block: 1, run }])).rejects.toThrow('Block is not versioned')
})

test('where a whole group is in memory, a row outside it is known not to exist without a query', async () => {
  const db = await freshDatabase()
  const first = new Rows()
  await first.run(db, [{ block: 1, run: () => first.put(Holder, { ...blank('a'), delegate: 'x' }) }])
  await first.flush(db)
  const rows = new Rows()
  await rows.run(db, [{ block: 2, run: () => void rows.loadGroup(Holder, 'delegate', 'x') }])
  const group = { property: 'delegate', value: 'x' } as const
  const away = { query: () => Promise.reject(new Error('queried')) } as unknown as Database
  const seen: unknown[] = []
  const step = (block: number, amount: bigint) => ({
    block,
    run() {
      for (const id of ['a', 'b']) {
        seen.push(rows.get(Holder, id, group)?.balance)
        rows.put(Holder, { ...blank(id), delegate: 'x', balance: amount })
      }
    },
  })
  await rows.run(away, [step(2, 1n), step(3, 2n)])
  expect(seen).toEqual([0n, undefined, 1n, 1n])
  await expect(rows.run(away, [{ block: 4, run: () => void rows.get(Holder, 'b2') }])).rejects.toThrow('queried')
  await rows.flush(db)
  const stored = await db.query('select id, balance, from_block, to_block from holder order by id, from_block')
  expect(stored.rows.map((row) => [row.id, row.balance, row.from_block, row.to_block])).toEqual([
    ['a', 0n, 1, 2],
    ['a', 1n, 2, 3],
    ['a', 2n, 3, null],
    ['b', 1n, 2, 3],
    ['b', 2n, 3, null],
  ])
})
