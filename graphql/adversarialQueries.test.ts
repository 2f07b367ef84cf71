import { expect, test } from 'vitest'
import { Governor, Holder, Proposal } from '#schema/onchain/governance.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { LIMITS } from './plugins/limits.ts'
import { testApi } from './test/api.ts'

test('the cost of a repeated query follows the variable that sets the size', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  const query = `query ($f: Int, $l: Int) { models(first: $f, last: $l) { nodes { versions(first: $f, last: $l) { nodes { id } } } } }`
  const cost = async (variables: object) => {
    const { extensions, errors } = await ask(query, variables)
    return errors?.[0]?.extensions.code ?? extensions?.cost?.requested
  }
  expect(await cost({ f: 1 })).toBe(4)
  expect(await cost({ l: 1 })).toBe(4)
  expect(await cost({ l: 100 })).toBe(1 + 100 * (1 + 1 + 100))
  expect(await cost({ l: 1000 })).toBe('TOO_COMPLEX')
})

test('lists without cursors cost as much as their largest possible size', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 5)
  const cost = async (query: string) => {
    const { extensions, errors } = await ask(query)
    return errors?.[0]?.extensions.code ?? extensions?.cost?.requested
  }
  expect(await cost('{ holders(first: 10) { nodes { powerHistory(first: 50) { block } } } }')).toBe(
    1 + 10 * (1 + 20 + 50),
  )
  expect(await cost('{ governors(first: 1) { nodes { voters(first: 700) { account } } } }')).toBe(1 + 1 + 100 + 700)
  expect(
    await cost('{ governors(first: 1) { nodes { delegations(delegates: 300, edges: 500) { delegated } } } }'),
  ).toBe(1 + 1 + 100 + 1 + 300 + 500)
  statements()
  for (const query of [
    '{ holders(first: 1000) { nodes { powerHistory(first: 1000) { block } } } }',
    '{ governors(first: 400) { nodes { voters(first: 1000) { account } } } }',
    '{ governors(first: 100) { nodes { delegations(edges: 1000) { delegated } } } }',
    '{ modelVersions(first: 1000) { nodes { descendants(depth: 64) { id } } } }',
    '{ modelVersions(first: 1000) { nodes { ancestors(depth: 64) { id } } } }',
    '{ lineage(versionId: 1) { nodes { entity { ... on Model { versions(first: 1000) { nodes { id } } } } } } }',
    '{ contributors(first: 1000) { nodes { reasons { role } } } }',
  ])
    expect(await cost(query)).toBe('TOO_COMPLEX')
  expect(await cost('{ holders { nodes { powerHistory(first: 1001) { block } } } }')).toBe('PAGE_TOO_LARGE')
  expect(statements()).toEqual([])
  expect(await cost('{ lineage(versionId: 1) { nodes { key label } edges { from to amount } } }')).toBe(
    'UNKNOWN_MODEL_VERSION',
  )
  expect(await cost(`{ lineage(of: "Account:${account(1)}", first: 10) { nodes { key } edges { from } } }`)).toBe(
    1 + 200 + 21 + 21,
  )
  expect(LIMITS.cost).toBe(50_000)
})

test('fields below a fragment on one type count in full, for depth and for cost', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 5)
  statements()
  const ids = Array.from({ length: 100 }, (_, i) => Buffer.from(`Model:${i}`).toString('base64url'))
  const refused = async (query: string) => (await ask(query, query.includes('$ids') ? { ids } : {})).errors?.[0]
  const wide = 'versions(first: 100) { nodes { evaluations(first: 100) { nodes { id } } } }'
  const deep = (levels: number): string => (levels ? `versions { nodes { model { ${deep(levels - 1)} } } }` : 'id')
  for (const query of [
    `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Model { ${wide} } } }`,
    `query ($ids: [ID!]!) { nodes(ids: $ids) { ...f } } fragment f on Model { ${wide} }`,
    `{ lineage(versionId: 1) { nodes { entity { ... on Node { ... on Model { ${wide} } } } } } }`,
  ])
    expect(await refused(query)).toMatchObject({ message: expect.stringMatching(/may return \d+ objects/) })
  for (const query of [
    `{ node(id: "${ids[0]}") { ... on Model { ${deep(6)} } } }`,
    `{ node(id: "${ids[0]}") { ...f } } fragment f on Model { ${deep(6)} }`,
  ])
    expect(await refused(query)).toMatchObject({ message: expect.stringMatching(/20 levels deep/) })
  expect(statements()).toEqual([])
})

test('equal response keys below different types are different fields', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  await insert(db, Model, { id: '7' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '7' },
    { id: '2', modelId: '7', parentId: '1' },
  ])
  await insertAll(db, Evaluation, [
    { id: '1', versionId: '2', metric: 'a' },
    { id: '2', versionId: '2', metric: 'b' },
  ])
  const ids = ['Model:7', 'ModelVersion:1'].map((id) => Buffer.from(id).toString('base64url'))
  const { data, errors } = await ask(
    `query ($ids: [ID!]!) { nodes(ids: $ids) {
      ... on Model { list: versions(last: 1) { nodes { evaluations(first: 1) { totalCount nodes { id } } } } }
      ... on ModelVersion { list: children { nodes { evaluations(where: { metric: { eq: "b" } }) { totalCount nodes { id metric } } } } }
    } }`,
    { ids },
  )
  expect(errors).toBeUndefined()
  expect(data.nodes.map(({ list }: { list: object }) => list)).toEqual([
    { nodes: [{ evaluations: { totalCount: 2, nodes: [{ id: '1' }] } }] },
    { nodes: [{ evaluations: { totalCount: 1, nodes: [{ id: '2', metric: 'b' }] } }] },
  ])
})

test('a value in another spelling than the stored one, or a variable that is absent, never silently changes the query', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  const id = account(0xabcdef)
  const written = id.toUpperCase().replace('0X', '0x')
  await insert(db, Governor, { id })
  await insert(db, Holder, { id: `${id}-${id}`, account: id, token: id, votes: 2n ** 53n + 1n })
  await insertAll(db, Proposal, [
    { id: `${id}-1`, governorId: id, description: 'Ümläut 🙂 \u202e' },
    { id: '2', governorId: account(1) },
  ])
  const { data } = await ask(
    `query ($g: ID!, $p: ID!, $n: ID!) { governor(id: $g) { id } holder(id: "${written}-${written}") { votes }
      proposals(where: { governorId: { eq: $g } }) { totalCount } several: proposals(where: { id: { in: [$p] } }) { totalCount }
      node(id: $n) { __typename } unicode: proposals(where: { description: { contains: "ÜmläUT 🙂 \u202e" } }) { totalCount } }`,
    { g: written, p: `${written}-1`, n: Buffer.from(`Governor:${written}`).toString('base64url') },
  )
  expect(data).toEqual({
    governor: { id },
    holder: { votes: '9007199254740993' },
    proposals: { totalCount: 1 },
    several: { totalCount: 1 },
    node: { __typename: 'Governor' },
    unicode: { totalCount: 1 },
  })

  const refuse = async (query: string, variables?: object) => (await ask(query, variables)).errors?.[0]?.extensions.code
  for (const where of ['{ votes: { some: null } }', '{ votes: { none: null } }', '{ governor: null }'])
    expect(await refuse(`{ proposals(where: ${where}) { totalCount } }`)).toBe('BAD_INPUT')
  const votes = 'query ($v: BigInt) { holders(where: { votes: { eq: $v } }) { totalCount } }'
  expect((await ask(votes, { v: '9007199254740993' })).data.holders.totalCount).toBe(1)
  expect(await refuse(votes, { v: 2 ** 53 })).toBe('BAD_USER_INPUT') // JSON has lost its last digit, so the value is ambiguous
  expect(
    (await ask('{ holders(where: { votes: { eq: 9007199254740993 } }) { totalCount } }')).data.holders.totalCount,
  ).toBe(1)
  const cursor = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url')
  for (const keys of [
    ['x', '1'],
    ['-1.5', '1'],
    ['1', 7],
  ])
    expect(
      await refuse(
        `{ proposals(orderBy: [{ field: voteEnd }], after: "${cursor('Proposal:voteEnd+id+', ...keys)}") { totalCount } }`,
      ),
    ).toBe('BAD_CURSOR')
})
