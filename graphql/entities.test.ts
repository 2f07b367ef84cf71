import { expect, test } from 'vitest'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Vote } from '#schema/onchain/governance.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, blockHash, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

const ids = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1))

test('an entity is queried by id, with its references and its inverse lists', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insert(db, Model, { id: '7', bond: 5n * 10n ** 18n, proposer: account(3), liveVersionId: '2' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '7' },
    { id: '2', modelId: '7', parentId: '1', status: 'Promoted' },
  ])
  const { data, errors } = await ask(`{
    model(id: 7) {
      id bond proposer bondStatus proposedAt
      liveVersion { id status parent { id parent { id } children { nodes { id } } } }
      versions(where: { status: { eq: Promoted } }) { totalCount nodes { id model { bond } } }
    }
    nobody: model(id: "8") { id }
  }`)
  expect(errors).toBeUndefined()
  expect(data.model).toEqual({
    id: '7',
    bond: '5000000000000000000',
    proposer: account(3),
    bondStatus: 'Locked',
    proposedAt: '2026-01-01T00:00:00.000Z',
    liveVersion: { id: '2', status: 'Promoted', parent: { id: '1', parent: null, children: { nodes: [{ id: '2' }] } } },
    versions: { totalCount: 1, nodes: [{ id: '2', model: { bond: '5000000000000000000' } }] },
  })
  expect(data.nobody).toBeNull()
})

test('a filter combines and, or, not, operators of every kind and conditions on related rows', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insertAll(db, Model, [
    { id: '1', specUri: 'ipfs://100%_sure', bond: 10n },
    { id: '2', specUri: 'IPFS://other', bond: 20n, liveVersionId: '1' },
    { id: '3', specUri: 'https://x', bond: 30n, proposer: account(0xabc) },
  ])
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '2', status: 'Promoted', method: 'sft' },
    { id: '2', modelId: '2', status: 'Registered', method: 'dpo' },
    { id: '3', modelId: '3', status: 'Registered', method: 'sft' },
  ])
  const find = async (where: string) => {
    const { data, errors } = await ask(`{ models(where: ${where}) { totalCount nodes { id } } }`)
    expect(errors).toBeUndefined()
    expect(data.models.totalCount).toBe(data.models.nodes.length)
    return data.models.nodes.map((node: { id: string }) => node.id).join()
  }
  expect(await find('{}')).toBe('1,2,3')
  expect(await find('{ bond: { gt: "10", lte: 30 } }')).toBe('2,3')
  expect(await find('{ bond: { in: ["10", "30"] } }')).toBe('1,3')
  expect(await find('{ id: { in: [] } }')).toBe('')
  expect(await find('{ or: [] }')).toBe('')
  expect(await find('{ and: [] }')).toBe('1,2,3')
  expect(await find('{ or: [{ id: { eq: 1 } }, { and: [{ id: { ne: 1 } }, { bond: { gte: 30 } }] }] }')).toBe('1,3')
  expect(await find('{ liveVersionId: { isNull: true } }')).toBe('1,3')
  expect(await find('{ not: { liveVersionId: { eq: "1" } } }')).toBe('1,3')
  expect(await find('{ specUri: { contains: "ipfs" } }')).toBe('1,2')
  expect(await find('{ specUri: { contains: "%_" } }')).toBe('1')
  expect(await find(`{ proposer: { eq: "0x0000000000000000000000000000000000000ABC" } }`)).toBe('3')
  expect(await find('{ liveVersion: { method: { eq: "sft" } } }')).toBe('2')
  expect(await find('{ versions: { some: { status: { eq: Registered }, method: { eq: "sft" } } } }')).toBe('3')
  expect(await find('{ versions: { none: { status: { eq: Registered } } } }')).toBe('1')
  expect(await find('{ versions: { some: {}, none: { method: { eq: "dpo" } } } }')).toBe('3')
  expect(await find('{ versions: { some: { model: { versions: { some: { status: { eq: Promoted } } } } } } }')).toBe(
    '2',
  )
})

test('lists are ordered by several fields, nulls last in ascending order, ids as numbers', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insertAll(db, Contribution, [
    { id: '2', quality: 5, contributor: account(1) },
    { id: '10', quality: null, contributor: account(1) },
    { id: '9', quality: 5, contributor: account(2) },
    { id: '100', quality: 1, contributor: account(2) },
  ])
  const order = async (orderBy: string, rest = '') =>
    (await ask(`{ contributions(orderBy: ${orderBy} ${rest}) { nodes { id } } }`)).data.contributions.nodes
      .map((n: { id: string }) => n.id)
      .join()
  expect(await order('[]')).toBe('2,9,10,100')
  expect(await order('[{ field: id, direction: desc }]')).toBe('100,10,9,2')
  expect(await order('[{ field: quality }]')).toBe('100,2,9,10')
  expect(await order('[{ field: quality, direction: desc }]')).toBe('10,9,2,100')
  expect(await order('[{ field: contributor, direction: desc }, { field: quality }]')).toBe('100,9,2,10')
  expect(await order('[{ field: quality }]', 'last: 2')).toBe('9,10')
})

test('node ids find any entity, several at once, and invalid ones are refused', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 10)
  await insertAll(
    db,
    Model,
    ids(3).map((id) => ({ id })),
  )
  await insert(db, Datanet, { id: '4', modelId: '2' })
  const first = await ask('{ models { nodes { nodeId } } datanet(id: 4) { nodeId } }')
  const nodeIds = [...first.data.models.nodes.map((n: { nodeId: string }) => n.nodeId), first.data.datanet.nodeId]
  expect(new Set(nodeIds).size).toBe(4)
  statements()
  const query =
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename nodeId ... on Model { id datanets { nodes { id } } } ... on Datanet { model { id } } } }'
  const { data } = await ask(query, { ids: nodeIds })
  expect(data.nodes.map((node: { __typename: string }) => node.__typename)).toEqual([
    'Model',
    'Model',
    'Model',
    'Datanet',
  ])
  expect(data.nodes.map((node: { nodeId: string }) => node.nodeId)).toEqual(nodeIds)
  expect(data.nodes[1].datanets.nodes).toEqual([{ id: '4' }])
  expect(data.nodes[3].model).toEqual({ id: '2' })
  expect(statements()).toHaveLength(5) // the head; models, datanets; their relations
  const gone = await ask('query ($id: ID!) { node(id: $id) { nodeId } }', {
    id: Buffer.from('Model:99').toString('base64url'),
  })
  expect(gone).toMatchObject({ data: { node: null } })
  for (const id of [
    '',
    'x',
    Buffer.from('ApiKey:1').toString('base64url'),
    Buffer.from('Model:').toString('base64url'),
    Buffer.from('Model:a\0').toString('base64url'),
  ]) {
    const { errors } = await ask('query ($id: ID!) { node(id: $id) { nodeId } }', { id })
    expect(errors?.[0]?.extensions.code).toBe('BAD_NODE_ID')
  }
})

test('every on-chain query is answered as of a block, a hash or a time, and so are its relations', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30, { final: 12 })
  await insertAll(db, Model, [
    { id: '1', staked: 1n, fromBlock: 5, toBlock: 10 },
    { id: '1', staked: 2n, fromBlock: 10, toBlock: 20, liveVersionId: '1' },
    { id: '1', staked: 3n, fromBlock: 20, liveVersionId: '2' },
    { id: '2', staked: 9n, fromBlock: 20 },
  ])
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', status: 'Registered', fromBlock: 8, toBlock: 10 },
    { id: '1', modelId: '1', status: 'Promoted', fromBlock: 10, toBlock: 22 },
    { id: '1', modelId: '1', status: 'RolledBack', fromBlock: 22 },
    { id: '2', modelId: '1', status: 'Promoted', fromBlock: 19 },
  ])
  const at = async (asOf: string) =>
    (
      await ask(
        `{ model(id: 1, asOf: ${asOf}) { staked liveVersion { status } versions(orderBy: [{ field: id }]) { totalCount nodes { id status model { staked } } } } models(asOf: ${asOf}) { totalCount } _meta(asOf: ${asOf}) { block hash final } }`,
      )
    ).data
  const versionOne = { block: 9, hash: blockHash(9), final: true }
  expect((await at('{ block: 4 }')).model).toBeNull()
  expect(await at('{ block: 9 }')).toEqual({
    model: {
      staked: '1',
      liveVersion: null,
      versions: { totalCount: 1, nodes: [{ id: '1', status: 'Registered', model: { staked: '1' } }] },
    },
    models: { totalCount: 1 },
    _meta: versionOne,
  })
  expect(await at(`{ hash: "${blockHash(9)}" }`)).toEqual(await at('{ block: 9 }'))
  expect(await at(`{ time: "${new Date(blockTime(9).getTime() + 11_000).toISOString()}" }`)).toEqual(
    await at('{ block: 9 }'),
  )
  expect((await at('{ block: 10 }')).model).toMatchObject({ staked: '2', liveVersion: { status: 'Promoted' } })
  expect((await at('{ block: 30 }')).model).toMatchObject({
    staked: '3',
    versions: {
      totalCount: 2,
      nodes: [
        { id: '1', status: 'RolledBack' },
        { id: '2', status: 'Promoted' },
      ],
    },
  })
  expect((await at('{ block: 30 }'))._meta).toEqual({ block: 30, hash: blockHash(30), final: false })
  const node = await ask(
    `{ node(id: "${Buffer.from('Model:1').toString('base64url')}", asOf: { block: 12 }) { ... on Model { staked } } }`,
  )
  expect(node.data.node.staked).toBe('2')
  const refuse = async (asOf: string) =>
    (await ask(`{ models(asOf: ${asOf}) { totalCount } }`)).errors?.[0]?.extensions.code
  expect(await refuse('{ block: 31 }')).toBe('UNKNOWN_BLOCK')
  expect(await refuse('{ block: -1 }')).toBe('UNKNOWN_BLOCK')
  expect(await refuse(`{ hash: "${blockHash(9, 'fork')}" }`)).toBe('UNKNOWN_BLOCK')
  expect(await refuse('{ time: "2025-01-01T00:00:00Z" }')).toBe('UNKNOWN_BLOCK')
  expect(await refuse('{ block: 1, time: "2026-01-01T00:00:00Z" }')).toBe('BAD_AS_OF')
  expect(await refuse('{}')).toBe('BAD_AS_OF')
})

test('an empty index gives empty answers and says that it is empty', async () => {
  const { ask } = await testApi()
  const { data } = await ask('{ models { totalCount nodes { id } } _meta { block hash final headBlock } }')
  expect(data).toEqual({
    models: { totalCount: 0, nodes: [] },
    _meta: { block: null, hash: null, final: false, headBlock: null },
  })
  expect((await ask('{ models(asOf: { block: 1 }) { totalCount } }')).errors?.[0]?.extensions.code).toBe('NOT_INDEXED')
})

test('one request reads at one block, although the index advances meanwhile', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insert(db, Model, { id: '1', staked: 1n, toBlock: 11 })
  await insert(db, Model, { id: '1', staked: 2n, fromBlock: 11 })
  const { data } = await ask('{ _meta { block } model(id: 1) { staked } }')
  expect(data).toEqual({ _meta: { block: 10 }, model: { staked: '1' } })
})

test('the number of statements depends only on the query, not on the rows', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 10)
  const query = `{
    models(first: 50) { totalCount nodes { id liveVersion { id }
      versions(first: 10, orderBy: [{ field: registeredAt, direction: desc }]) { totalCount edges { cursor node { id parent { id }
        evaluations(first: 5) { nodes { id version { id model { id } } } } } } }
      datanets { nodes { contributions(first: 3, where: { status: { eq: Accepted } }) { totalCount nodes { id datanet { licence } } } } }
    } }
  }`
  const grow = async (from: number, to: number) => {
    for (let m = from; m <= to; m++) {
      const model = String(m)
      await insert(db, Model, { id: model, liveVersionId: `${m}1` })
      await insertAll(
        db,
        ModelVersion,
        ids(3).map((v) => ({ id: `${m}${v}`, modelId: model, parentId: `${m}${v}` })),
      )
      await insertAll(
        db,
        Evaluation,
        ids(3).map((v) => ({ id: `${m}${v}`, versionId: `${m}${v}` })),
      )
      await insert(db, Datanet, { id: model, modelId: model })
      await insertAll(
        db,
        Contribution,
        ids(5).map((c) => ({ id: `${m}${c}`, datanetId: model, status: 'Accepted' as const })),
      )
    }
  }
  await grow(1, 1)
  statements()
  expect((await ask(query)).errors).toBeUndefined()
  const one = statements().length
  await grow(2, 30)
  const { data, errors } = await ask(query)
  expect(errors).toBeUndefined()
  expect(data.models.nodes).toHaveLength(30)
  expect(data.models.nodes[29].versions.edges).toHaveLength(3)
  expect(data.models.nodes[29].datanets.nodes[0].contributions).toMatchObject({
    totalCount: 5,
    nodes: [{ datanet: {} }, {}, {}],
  })
  expect(statements().length).toBe(one)
  expect(one).toBeLessThanOrEqual(14)
})

test('only the selected columns are read, and the total is counted only when it is selected', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 10)
  await insert(db, Vote, { id: '1-a', proposalId: '1' })
  statements()
  await ask('{ votes { nodes { weight } } }')
  const [, read, ...others] = statements()
  expect(others).toEqual([])
  expect(read).toContain('"weight"')
  expect(read).not.toContain('reason')
  expect(read).not.toContain('count(')
  await ask(
    'query { votes { ...page totalCount } } fragment page on VoteConnection { edges { node { ...vote } } } fragment vote on Vote { reason }',
  )
  expect(statements().filter((text) => text.includes('count(*)') || text.includes('"reason"'))).toHaveLength(2)
})
