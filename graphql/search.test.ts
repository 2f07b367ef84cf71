import { expect, test } from 'vitest'
import { canonicalSample, contentHash } from '#rules/sample.ts'
import { DataWithdrawal, Takedown } from '#schema/offchain/removals.ts'
import { SearchText } from '#schema/offchain/searchText.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { Model } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { searchSql } from './resolvers/searchSql.ts'
import { type Ask, testApi } from './test/api.ts'

const QUERY = `query ($text: String!, $kinds: [SearchKind!], $first: Int, $after: String, $asOf: AsOfInput) {
  search(text: $text, kinds: $kinds, first: $first, after: $after, asOf: $asOf) {
    nodes { kind id label excerpt score entity { __typename } } pageInfo { hasNextPage endCursor } } }`

const asking =
  (ask: Ask) =>
  async (text: string, rest: object = {}) => {
    const { data, errors } = await ask(QUERY, { text, ...rest })
    if (errors) return errors[0]?.extensions.code
    return data.search.nodes.map(({ kind, id }: { kind: string; id: string }) => `${kind} ${id}`).join(', ')
  }

const hash = (n: number) => `0x${n.toString(16).padStart(4, '0')}${'0'.repeat(60)}`

test('models, proposals, accounts and samples are found by words, ids and the beginnings of hashes and addresses', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const someone = `0xabcdef${'1'.repeat(34)}`
  await insertAll(db, Proposal, [
    {
      id: '77',
      onChainId: '77',
      description: '# Zebra triage\nSorts tickets/incidents (for example.org).',
      toBlock: 9,
    },
    {
      id: '77',
      onChainId: '77',
      description: '# Zebra triage\nSorts tickets/incidents (for example.org).',
      forVotes: 5n,
      fromBlock: 9,
    },
    { id: '78', onChainId: '78', description: 'Élan vital für Ångström', fromBlock: 20 },
  ])
  await insertAll(db, Model, [
    { id: '1', specHash: hash(1), proposer: someone },
    { id: '2', specHash: hash(2) },
    { id: '77', specHash: hash(3) },
  ])
  await insertAll(db, SearchText, [
    { id: hash(1), kind: 'specification', text: 'Triage\nSorts tickets.' },
    { id: hash(0xabcd), kind: 'sample', text: 'What is a zebra?\nA zebra zebra animal with stripes.' },
  ])
  await insertAll(db, Contribution, [
    { id: '5', contentHash: hash(0xabcd), status: 'Accepted', contributor: account(9) },
    { id: '6', contentHash: hash(0xabce), status: 'Submitted' },
  ])
  await insert(db, Vote, { id: '77-a', proposalId: '77', voter: someone })
  const found = asking(ask)
  expect(await found('triage')).toBe('model 1, proposal 77')
  expect(await found('TICK sort')).toBe('model 1, proposal 77')
  expect(await found('tickets', { kinds: ['proposal'] })).toBe('proposal 77')
  expect(await found('incidents')).toBe('proposal 77')
  expect(await found('org')).toBe('proposal 77')
  expect(await found('ångst élan')).toBe('proposal 78')
  expect(await found('élan', { asOf: { block: 19 } })).toBe('')
  expect(await found('zebra stripes')).toBe('sample 5')
  expect(await found('zebra missing')).toBe('')
  expect(await found('77')).toBe('model 77, proposal 77')
  expect(await found('0xABCD')).toBe(`account ${someone}, sample 5`)
  expect(await found('0xabc')).toBe('')
  expect(await found(someone)).toBe(`account ${someone}`)
  expect(await found(hash(0xabce))).toBe('sample 6')
  const { data, extensions } = await ask(QUERY, { text: 'zebra' })
  expect(data.search.nodes.find(({ kind }: { kind: string }) => kind === 'sample')).toMatchObject({
    ...{ label: account(9), entity: { __typename: 'Contribution' } },
    excerpt: expect.stringContaining('zebra animal'),
  })
  expect(extensions?.cost?.requested).toBeGreaterThan(200)
})

test('only what everybody may read is found: accepted samples that are not removed, of their own kind', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const canary = 'canary'
  const texts = Array.from({ length: 8 }, (_, i) => ({ id: hash(0x1000 + i), kind: 'sample', text: `${canary} ${i}` }))
  await insertAll(db, SearchText, texts)
  await insertAll(db, Contribution, [
    { id: '1', contentHash: hash(0x1000), status: 'Submitted' },
    { id: '2', contentHash: hash(0x1001), status: 'Rejected' },
    { id: '3', contentHash: hash(0x1002), status: 'Accepted' },
    { id: '4', contentHash: hash(0x1003), status: 'Accepted' },
    { id: '5', contentHash: hash(0x1004), status: 'Accepted' },
    { id: '6', contentHash: hash(0x1004), status: 'Rejected' },
  ])
  await insert(db, Takedown, { id: hash(0x1002) })
  await insert(db, DataWithdrawal, { id: '4', contributionId: '4', contentHash: hash(0x1003) })
  await insert(db, Model, { id: '1', specHash: hash(0x1005) })
  const found = asking(ask)
  expect(await found(canary)).toBe('sample 5')
  expect(await found('0x1002')).toBe('')
  expect(await found('4', { kinds: ['sample'] })).toBe('sample 5') // for its text
  expect(await found('0x1000')).toBe('sample 1')
  for (const text of ['0x100', '1', '0x1000', '0x1001', '0x1005', canary])
    expect(JSON.stringify((await ask(QUERY, { text })).data)).not.toMatch(/canary [^4"]/)
  await db.query(`update takedown set lifted_at = now()`)
  expect(await found(canary)).toBe('sample 3, sample 5')
})

test('what is uploaded as a sample or a specification is found once the chain has accepted or named it', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const upload = (content: string, kind: string) =>
    ask('mutation ($c: String!, $k: String!) { uploadArtifact(content: $c, kind: $k, idempotencyKey: "k") { id } }', {
      ...{ c: content, k: kind },
    })
  const sample = { prompt: 'How tall is a giraffe?', completion: 'Five metres.' }
  expect((await upload(canonicalSample(sample), 'sample')).data.uploadArtifact.id).toBe(contentHash(sample))
  await upload('{"prompt":"giraffe"}', 'sample')
  await upload('{"text":"giraffe"}', 'evidence')
  const specification = {
    ...{ name: 'Giraffe\0s', purpose: 'Measures giraffes.', baseModel: hash(1), rubric: hash(2), licence: 'MIT' },
    samples: { description: '', completionPattern: '', topic: [], maxPromptLength: 9 },
    integration: 'Any.',
  }
  const stored = await upload(JSON.stringify(specification), 'specification')
  await upload(JSON.stringify({ ...specification, items: [sample] }), 'specification')
  expect((await db.query('select count(*)::int as n from search_text')).rows[0].n).toBe(2)
  const found = asking(ask)
  expect(await found('giraffe')).toBe('')
  await insert(db, Contribution, { id: '8', contentHash: contentHash(sample), status: 'Accepted' })
  await insert(db, Model, { id: '9', specHash: stored.data.uploadArtifact.id })
  expect(await found('giraffe')).toBe('model 9, sample 8')
})

test('all pages together are all hits, the best first, in one order, also when others come meanwhile', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const ids = Array.from({ length: 57 }, (_, i) => String(i + 1))
  await insertAll(
    db,
    Proposal,
    ids.map((id) => ({ id, onChainId: id, description: 'word '.repeat(1 + (Number(id) % 4)) })),
  )
  const hits: { id: string; score: number }[] = []
  for (let after: string | null = null; ; ) {
    const { data }: Awaited<ReturnType<Ask>> = await ask(QUERY, { text: 'wor', first: 10, after })
    hits.push(...data.search.nodes)
    if (!data.search.pageInfo.hasNextPage) break
    after = data.search.pageInfo.endCursor
    await insert(db, Proposal, {
      id: `9${hits.length}`,
      onChainId: `9${hits.length}`,
      description: 'word word word word',
    })
  }
  const first = hits.filter(({ id }) => ids.includes(id))
  expect(first.map(({ id }) => id).sort()).toEqual([...ids].sort())
  expect(new Set(hits.map(({ id }) => id)).size).toBe(hits.length)
  expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a))
})

test('hostile texts and cursors find nothing or are refused, and no statement fails', async () => {
  const { db, ask, logged, statements } = await testApi()
  await insertChain(db, 5)
  await insert(db, Proposal, {
    id: '1',
    onChainId: '1',
    description: `normal ${'x '.repeat(300_000)}${'long'.repeat(9000)}`,
  })
  const found = asking(ask)
  const texts = [
    "'",
    "a' | 'b",
    '!!',
    ':*',
    '& | ! <-> ( )',
    '\\',
    "\\'",
    '%',
    '_',
    '\0',
    'a\0b',
    '\ud800',
    '𝒳𝒴',
    '‮‭',
    '',
  ]
  for (const text of [
    ...texts,
    '0x',
    `0x${'f'.repeat(64)}`,
    '9'.repeat(200),
    'e\u0301'.repeat(60),
    "'; drop table model --",
  ])
    expect(await found(text), JSON.stringify(text)).toBe('')
  expect(await found('normal')).toBe('proposal 1')
  statements()
  expect(await found('a'.repeat(1_000_000))).toBe('BAD_INPUT')
  expect(await found('a', { first: 101 })).toBe('PAGE_TOO_LARGE')
  expect(await found('a', { first: -1 })).toBe('BAD_INPUT')
  const cursor = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url')
  const of = 'Search:account,model,proposal,sample:a'
  for (const after of [
    ...['x', cursor(), cursor(of), cursor('Search:account:a', '1', 'model', '1'), cursor(of, '1e9', 'model', '1')],
    ...[
      cursor(of, '1', 'vote', '1'),
      cursor(of, '1', 'model', 'a\0'),
      cursor(of, '1', 'model', '1', '2'),
      cursor(of, 1),
    ],
  ])
    expect(await found('a', { after })).toBe('BAD_CURSOR')
  expect(statements().filter((text) => text.includes('search_text'))).toEqual([])
  expect(await found('a', { after: cursor(of, '9999999', 'model', '1') })).toBe('')
  expect(logged).toEqual([])
})

test('words are looked up in the indexes', async () => {
  const { db } = await testApi()
  const terms = { words: ['some'], number: undefined, hex: undefined }
  const asOf = { block: 9, hash: null, time: null }
  const statement = searchSql(asOf, { terms, kinds: ['proposal', 'sample', 'model'], size: 20, after: undefined })
  const plan = await db.transaction(async (sql) => {
    await sql.query('set local enable_seqscan = off')
    const { rows } = await sql.query(`explain ${statement?.text}`, statement?.values)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  })
  for (const index of ['proposal_content_search', 'search_text_words']) expect(plan).toContain(`on ${index}`)
})
