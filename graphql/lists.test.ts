import { expect, test } from 'vitest'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { account, blockTime, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { naming, publicTables } from './publicTables.ts'
import { apiSchema } from './schema.ts'
import { testApi } from './test/api.ts'

/** Every list of the API: paging both ways, orders, filters, counts and exports agree. */

const ROWS = 5

/** The nth of a few values of a column; some are null where they may be, some are equal. */
function filled(column: ColumnDefinition, nth: number): unknown {
  if (column.kind === 'id') return `${column.numeric ? nth * 3 + 1 : `id ${nth}`}`
  if (column.nullable && nth % 3 === 0) return null
  switch (column.kind) {
    case 'wei':
      return 2n ** 200n + BigInt(nth % 4)
    case 'int':
    case 'float':
      return (nth % 4) - 1
    case 'block':
    case 'clock':
      return nth
    case 'flag':
      return nth % 2 === 0
    case 'time':
      return blockTime(nth)
    case 'json':
      return { nth }
    case 'texts':
      return ['🙂', String(nth)]
    case 'choice':
      return must(column.values)[nth % must(column.values).length]
    case 'address':
      return account(nth)
    default:
      return `${column.property} ${nth}, "quoted"`
  }
}

/** The fields of a list's order: those that the schema offers. */
const fieldsOf = (table: TableDefinition) =>
  (apiSchema().getType(`${table.name}Field`) as unknown as { getValues(): { name: string }[] })
    .getValues()
    .map(({ name }) => name)

interface Page {
  totalCount: number
  edges: { node: { id: string } }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}
const PAGE =
  '{ totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }'
const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id)

test('every list is paged both ways in every order, filtered, counted and exported in the same way', async () => {
  const { db, ask, url } = await testApi()
  await insertChain(db, 30)
  for (const table of ['ledger_transfer', 'ledger_balance']) await db.query(`alter table ${table} disable trigger user`) // this test is not about balanced postings
  const data = async (query: string) => {
    const answer = await ask(query)
    expect({ query: query.slice(0, 200), errors: answer.errors }).toEqual({
      query: query.slice(0, 200),
      errors: undefined,
    })
    return answer.data
  }
  for (const table of publicTables) {
    if (table.name === 'Block' || table.name === 'Cursor') continue // these tables define the present
    const list = naming(table).many
    const rows = Array.from({ length: ROWS }, (_, nth) => {
      const own = table.columns.filter(({ property }) => !['fromBlock', 'toBlock'].includes(property))
      const values = Object.fromEntries(own.map((column) => [column.property, filled(column, nth)]))
      return { ...values, id: String(values.id), ...(table.versioned && { fromBlock: 5 + nth }) }
    })
    await insertAll(db, table.entity, rows)

    const orders = fieldsOf(table).map((field, n) => `[{ field: ${field}, direction: ${n % 2 ? 'desc' : 'asc'} }]`)
    const pages = (args: (n: number) => string): Promise<Record<string, Page>> =>
      data(`{ ${orders.map((orderBy, n) => `f${n}: ${list}(orderBy: ${orderBy} ${args(n)}) ${PAGE}`).join(' ')} }`)
    const whole = await pages(() => '')
    const first = await pages(() => 'first: 3')
    const next = await pages((n) => `first: 3, after: ${JSON.stringify(must(first[`f${n}`]).pageInfo.endCursor)}`)
    const last = await pages(() => 'last: 3')
    const before = await pages((n) => `last: 3, before: ${JSON.stringify(must(last[`f${n}`]).pageInfo.startCursor)}`)
    for (const [n, order] of orders.entries()) {
      const of = (some: Record<string, Page>) => must(some[`f${n}`])
      const all = idsOf(of(whole))
      expect({ list, order, all: new Set(all).size, count: of(whole).totalCount }).toEqual({
        list,
        order,
        all: ROWS,
        count: ROWS,
      })
      expect([...idsOf(of(first)), ...idsOf(of(next))]).toEqual(all)
      expect([...idsOf(of(before)), ...idsOf(of(last))]).toEqual(all)
      const more = [of(first).pageInfo.hasNextPage, of(next).pageInfo.hasNextPage]
      expect([...more, of(last).pageInfo.hasPreviousPage, of(before).pageInfo.hasPreviousPage]).toEqual([
        true,
        false,
        true,
        false,
      ])
    }

    const [one, other] = [rows[2], rows[4]].map((row) => JSON.stringify(must(row).id))
    const either = `{ or: [{ id: { eq: ${one} } }, { and: [{ id: { in: [${other}] } }, { not: { id: { eq: ${one} } } }] }] }`
    expect((await data(`{ ${list}(where: ${either}) { totalCount } }`))[list].totalCount).toBe(2)
    if (table.versioned) expect((await data(`{ ${list}(asOf: { block: 6 }) { totalCount } }`))[list].totalCount).toBe(2)

    // An export has every column as the query does, with the same filter and order.
    const told = `{ ${list}(where: { not: ${either} }, orderBy: ${orders[1]}) { nodes { ${fieldsOf(table).join(' ')} } } }`
    const { nodes } = (await data(told))[list]
    const exported = async (format: string) => {
      const response = await fetch(`${url}/export.${format}?${new URLSearchParams({ query: told })}`)
      expect(response.status).toBe(200)
      return response.text()
    }
    const lines = (await exported('jsonl')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(nodes)
    expect((await exported('csv')).split('\r\n')).toHaveLength(nodes.length + 2)
  }
})
