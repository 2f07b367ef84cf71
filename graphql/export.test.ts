import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { ApiKey } from '#schema/offchain/access.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Model } from '#schema/onchain/models.ts'
import { account, blockHash, insert, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { hashKey } from './access.ts'
import { type TestApi, testApi } from './test/api.ts'

const get = async (api: TestApi, format: string, query: string, more: Record<string, string> = {}, headers = {}) => {
  const response = await fetch(`${api.url}/export.${format}?${new URLSearchParams({ query, ...more })}`, { headers })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const codeOf = ({ text }: { text: string }) => JSON.parse(text).errors[0].extensions.code

/** Parses CSV only by the grammar of RFC 4180. */
function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let at = 0
  while (at < text.length) {
    const row: string[] = []
    for (;;) {
      let cell = ''
      if (text[at] === '"') {
        for (at++; !(text[at] === '"' && text[at + 1] !== '"'); at++) {
          if (text[at] === '"') at++
          cell += text[at]
        }
        at++
      } else for (; at < text.length && text[at] !== ',' && text[at] !== '\r'; at++) cell += text[at]
      row.push(cell)
      if (text[at] !== ',') break
      at++
    }
    if (text.slice(at, at + 2) !== '\r\n') throw new Error(`no line end at ${at}`)
    at += 2
    rows.push(row)
  }
  return rows
}

test('a whole list is exported over many batches, with the filter, order and asOf of the query, each row once', async () => {
  const api = await testApi()
  await insertChain(api.db, 30, { final: 20 })
  await insertAll(api.db, Datanet, [
    { id: '1', licence: 'CC0', fromBlock: 2 },
    { id: '2', licence: 'MIT', fromBlock: 2 },
  ])
  const rows = Array.from({ length: 3456 }, (_, i) => ({
    id: String(i + 1),
    datanetId: String((i % 2) + 1),
    stake: BigInt(i) * 10n ** 18n,
    fromBlock: (i % 20) + 1,
  }))
  await insertAll(api.db, Contribution, rows)
  await insertAll(
    api.db,
    VersionInfluence,
    rows.slice(0, 50).map(({ id }) => ({ id: `1-${id}`, versionId: '1', contributionId: id, weight: Number(id) })),
  )
  const query = `{ contributions(where: { datanet: { licence: { eq: "MIT" } } }, orderBy: [{ field: stake, direction: desc }], asOf: { block: 10 }) {
    nodes { id stake datanet { licence } influences(first: 2) { nodes { weight } } } } }`
  const wanted = rows.filter((row) => row.datanetId === '2' && row.fromBlock <= 10).reverse()
  const lines = await get(api, 'jsonl', query)
  expect(lines.status).toBe(200)
  expect(lines.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
  const told = lines.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(told.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id))
  expect(told[0]).toMatchObject({ stake: must(wanted[0]).stake.toString(), datanet: { licence: 'MIT' } })
  expect(told.at(-1)).toEqual({
    id: '2',
    stake: '1000000000000000000',
    datanet: { licence: 'MIT' },
    influences: { nodes: [{ weight: 2 }] },
  })
  expect(lines.headers.get('modelcommons-block')).toBe('10')
  expect(lines.headers.get('modelcommons-block-hash')).toBe(blockHash(10))
  expect(lines.headers.get('modelcommons-final')).toBe('true')

  const table = await get(api, 'csv', query)
  expect(table.headers.get('content-disposition')).toBe('attachment; filename="contributions.csv"')
  const [head, ...cells] = readCsv(table.text)
  expect(head).toEqual(['id', 'stake', 'datanet.licence', 'influences'])
  expect(cells.map(([id]) => id)).toEqual(wanted.map(({ id }) => id))
  expect(cells.at(-1)).toEqual(['2', '1000000000000000000', 'MIT', '{"nodes":[{"weight":2}]}'])

  const all = await get(api, 'csv', '{ contributions { nodes { id } } }')
  expect(readCsv(all.text)).toHaveLength(1 + rows.length)
  expect(all.headers.get('modelcommons-final')).toBe('false')
  const some = await get(api, 'csv', 'query ($n: Int) { contributions(first: $n) { edges { node { id } } } }', {
    variables: '{"n":1001}',
  })
  expect(
    readCsv(some.text)
      .slice(1)
      .map(([id]) => id),
  ).toEqual(rows.slice(0, 1001).map(({ id }) => id))
  const below = await get(api, 'csv', '{ datanet(id: 1) { contributions(first: 1500) { nodes { id } } } }')
  expect(
    readCsv(below.text)
      .slice(1)
      .map(([id]) => id),
  ).toEqual(
    rows
      .filter(({ datanetId }) => datanetId === '1')
      .slice(0, 1500)
      .map(({ id }) => id),
  )
  expect(readCsv((await get(api, 'csv', '{ datanet(id: 9) { contributions { nodes { id } } } }')).text)).toEqual([
    ['id'],
  ])
  expect((await get(api, 'jsonl', '{ contributions(first: 0) { nodes { id } } }')).text).toBe('')
})

test('an export reads one snapshot, without rows that are written while it runs', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  await insertAll(
    api.db,
    Contribution,
    Array.from({ length: 2500 }, (_, i) => ({ id: String(i + 1), reason: 'x'.repeat(2000) })),
  )
  const response = await fetch(
    `${api.url}/export.jsonl?${new URLSearchParams({ query: '{ contributions { nodes { id reason } } }' })}`,
  )
  const reader = must(response.body).pipeThrough(new TextDecoderStream()).getReader()
  let text = must((await reader.read()).value)
  await api.db.query(`delete from contribution where id::int % 2 = 0`)
  await api.db.query(`update contribution set reason = 'changed'`)
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(rows).toHaveLength(2500)
  expect(rows.every(({ reason }) => reason.length === 2000)).toBe(true)
})

test('CSV keeps every text unchanged, distinguishes null from an empty text, and disarms formulas on request', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const texts = [
    'plain',
    'a,b',
    'say "x"',
    'two\nlines',
    'two\r\nlines',
    ' spaced ',
    '',
    '=1+1',
    '-5',
    '+1.5e3',
    '@sum',
    '\tx',
    '🙂',
    '"',
  ]
  await insertAll(api.db, Model, [
    ...texts.map((specUri, i) => ({ id: String(i + 1), specUri, bond: -7n })),
    { id: '99', specUri: 'last' },
  ])
  const query = '{ all: models { nodes { uri: specUri liveVersion { id } bond proposedAt } } }'
  const [head, ...rows] = readCsv((await get(api, 'csv', query)).text)
  expect(head).toEqual(['uri', 'liveVersion.id', 'bond', 'proposedAt'])
  expect(rows.map(([uri]) => uri)).toEqual([...texts, 'last'])
  expect(rows[0]).toEqual(['plain', '', '-7', '2026-01-01T00:00:00.000Z'])
  expect((await get(api, 'csv', query)).text).toContain('\r\n"",,-7,')
  const safe = readCsv((await get(api, 'csv', query, { spreadsheet: 'true' })).text).slice(1)
  expect(safe.map(([uri]) => uri)).toEqual([...texts, 'last'].map((text) => (/^[=@\t]/.test(text) ? `'${text}` : text)))
  expect(safe[0]?.[2]).toBe('-7')
})

test('a request that is not a valid export, or costs too much, is refused before a row is sent', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const refusal = async (query: string, more = {}) => {
    const answer = await get(api, 'csv', query, more)
    expect(answer.status).toBe(400)
    return codeOf(answer)
  }
  expect(await refusal('{ models { nodes { id } } votes { nodes { id } } }')).toBe('BAD_EXPORT')
  expect(await refusal('{ model(id: 1) { id } }')).toBe('BAD_EXPORT')
  expect(await refusal('{ overview { fees } }')).toBe('BAD_EXPORT')
  expect(await refusal('{ models { totalCount } }')).toBe('BAD_EXPORT')
  expect(await refusal('{ models(last: 5) { nodes { id } } }')).toBe('BAD_EXPORT')
  expect(await refusal('mutation { cancelJob(id: 1, idempotencyKey: "k") { id } }')).toBe('BAD_EXPORT')
  expect(await refusal('{ models(first: -1) { nodes { id } } }')).toBe('BAD_PAGE')
  expect(await refusal('{ models(after: "x") { nodes { id } } }')).toBe('BAD_CURSOR')
  expect(await refusal('{ models { nodes { nothing } } }')).toBe('BAD_REQUEST')
  expect(await refusal('{ models { ')).toBe('BAD_REQUEST')
  expect(await refusal('{ models { nodes { id } } }', { variables: '{' })).toBe('BAD_REQUEST')
  expect(
    await refusal(
      '{ models { nodes { versions(first: 1000) { nodes { influences(first: 1000) { nodes { id } } } } } } }',
    ),
  ).toBe('TOO_COMPLEX')
  expect(await refusal('{ models(asOf: { block: 77 }) { nodes { id } } }')).toBe('UNKNOWN_BLOCK')
  expect(await refusal('{ models(where: { specUri: { eq: null } }) { nodes { id } } }')).toBe('BAD_INPUT')
})

test('API keys protect confidential fields as in queries', async () => {
  const api = await testApi({ auth: 'keys' })
  await insertChain(api.db, 5)
  const job = `insert into job_run (id, kind, input, status, attempt, attempts, queue, progress, idempotency_key, requested_by, cancel_requested, created_at)
    values ('j', 'infer', '{"prompt":"secret"}', 'Queued', 0, 1, 'gpu', 0, 'k', $1, false, now())`
  await api.db.query(job, [account(7)])
  await insert(api.db, ApiKey, { id: hashKey('key-of-seven'), account: account(7), role: 'Consumer' })
  const query = '{ jobs { nodes { id input } } }'
  expect((await get(api, 'jsonl', query)).text).toBe('{"id":"j","input":null}\n')
  const own = await get(api, 'jsonl', query, {}, { authorization: 'Bearer key-of-seven' })
  expect(own.text).toBe('{"id":"j","input":{"prompt":"secret"}}\n')
  expect((await get(api, 'jsonl', query, {}, { authorization: 'Bearer nobody-knows' })).status).toBe(401)
})

test.each([
  ['open', 3],
  ['keys', 2],
] as const)(
  'with %s, so many exports of strangers run at once: %i; a client that disconnects frees its place, and one is kept for keys',
  async (auth, most) => {
    const api = await testApi({ auth })
    await insert(api.db, ApiKey, { id: hashKey('key-of-eight'), account: account(7), role: 'Consumer' })
    await insertChain(api.db, 5)
    await insertAll(
      api.db,
      Contribution,
      Array.from({ length: 4000 }, (_, i) => ({ id: String(i + 1), reason: 'x'.repeat(4000) })),
    )
    const { hostname, port } = new URL(api.url)
    const path = `/export.csv?${new URLSearchParams({ query: '{ contributions { nodes { id reason } } }' })}`
    const busy = async () =>
      (
        await api.db.query(
          `select count(*) as n from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
        )
      ).rows[0].n
    const clients = Array.from({ length: most }, () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
      socket.pause()
      return socket
    })
    await expect.poll(busy).toBe(most)
    const refused = await get(api, 'csv', '{ models { nodes { id } } }')
    expect(refused.status).toBe(503)
    expect(codeOf(refused)).toBe('TOO_MANY_EXPORTS')
    const keyed = await get(api, 'csv', '{ models { nodes { id } } }', {}, { authorization: 'Bearer key-of-eight' })
    expect(keyed.status).toBe(auth === 'keys' ? 200 : 503)
    for (const client of clients) client.destroy()
    await expect.poll(busy).toBe(0)
    expect((await get(api, 'csv', '{ models { nodes { id } } }')).status).toBe(200)
    expect(api.logged).toEqual([])
  },
)

test('a client that disconnects before the first row cancels the statement', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const lock = await api.db.pool.connect() // simulates a sort that takes long
  await lock.query('begin')
  await lock.query('lock table model in access exclusive mode')
  const waiting = async () =>
    (
      await api.db.query(
        `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
    ).rows[0].n
  const abort = new AbortController()
  const query = new URLSearchParams({ query: '{ models { nodes { id } } }' })
  const left = fetch(`${api.url}/export.csv?${query}`, { signal: abort.signal }).catch(() => 'left')
  await expect.poll(waiting).toBe(1)
  abort.abort()
  expect(await left).toBe('left')
  await expect.poll(waiting).toBe(0)
  await lock.query('rollback')
  lock.release()
  expect((await get(api, 'csv', '{ models { nodes { id } } }')).text).toBe('id\r\n')
  expect(api.logged).toEqual([])
})
