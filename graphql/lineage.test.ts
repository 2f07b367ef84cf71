import { expect, test } from 'vitest'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

test('ancestors and descendants are followed to a depth, as of a block, in one statement for a whole list', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 30)
  // 1 ← 2 ← 3 ← … ← 12, and 2 ← 20, 20 ← 21
  const line = Array.from({ length: 12 }, (_, i) => ({
    id: String(i + 1),
    parentId: i ? String(i) : null,
    fromBlock: i + 1,
  }))
  await insertAll(db, ModelVersion, [
    ...line,
    { id: '20', parentId: '2', fromBlock: 13 },
    { id: '21', parentId: '20', fromBlock: 14 },
  ])
  const idsOf = (nodes: { id: string }[]) => nodes.map(({ id }) => id).join()
  const one = async (id: number, field: string, asOf = '') =>
    idsOf((await ask(`{ modelVersion(id: ${id} ${asOf}) { found: ${field} { id } } }`)).data.modelVersion.found)
  expect(await one(12, 'ancestors')).toBe('11,10,9,8,7,6,5,4')
  expect(await one(12, 'ancestors(depth: 2)')).toBe('11,10')
  expect(await one(12, 'ancestors(depth: 0)')).toBe('')
  expect(await one(12, 'ancestors(depth: 64)')).toBe('11,10,9,8,7,6,5,4,3,2,1')
  expect(await one(1, 'ancestors')).toBe('')
  expect(await one(1, 'descendants(depth: 3)')).toBe('2,3,20,4,21')
  expect(await one(1, 'descendants(depth: 3)', 'asOf: { block: 4 }')).toBe('2,3,4')
  expect((await ask('{ modelVersion(id: 1) { descendants(depth: 65) { id } } }')).errors?.[0]?.extensions.code).toBe(
    'BAD_INPUT',
  )
  statements()
  const { data } = await ask(
    '{ modelVersions(first: 14) { nodes { id ancestors(depth: 2) { id method model { id } } descendants(depth: 1) { id } } } }',
  )
  expect(idsOf(data.modelVersions.nodes[2].ancestors)).toBe('2,1')
  expect(idsOf(data.modelVersions.nodes[1].descendants)).toBe('3,20')
  expect(statements()).toHaveLength(5)
})

test('a lineage has votes, data, runs, feedback, evaluations, parents and revenue recipients, in one statement', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 30)
  await insert(db, Proposal, { id: '77', description: 'A model of dates' })
  await insertAll(db, Vote, [
    { id: '77-a', proposalId: '77', voter: account(1), weight: 5n },
    { id: '78-a', proposalId: '78' },
  ])
  await insert(db, Model, { id: '1', proposalId: '77' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', method: 'sft' },
    { id: '2', modelId: '1', parentId: '1', method: 'rloo' },
    { id: '3', modelId: '1', parentId: '2', method: 'rloo' },
  ])
  await insertAll(db, Contribution, [{ id: '1', contributor: account(2) }, { id: '2' }])
  await insert(db, VersionInfluence, { id: '1-1', versionId: '1', contributionId: '1', weight: 1_000_000 })
  await insertAll(db, JobRun, [
    { id: 'j1', kind: 'fineTune', idempotencyKey: 'a', result: { versionId: '1' } },
    { id: 'j2', kind: 'evaluate', idempotencyKey: 'b', result: { versionId: '1' } },
  ])
  await insert(db, FeedbackTask, { id: '4', versionId: '1' })
  await insert(db, Judgement, { id: '4-v', taskId: '4', validator: account(3), score: 7 })
  await insert(db, Evaluation, { id: '6', versionId: '2', metric: 'exact', score: 900_000n })
  await insert(db, Endpoint, { id: '8', versionId: '2', url: 'https://host' })
  await insertAll(db, RewardMap, [
    { id: '1', epoch: 1, status: 'Published' },
    { id: '2', epoch: 2, status: 'Open' },
  ])
  await insertAll(db, RewardLine, [
    {
      id: '1-1',
      mapId: '1',
      account: account(2),
      role: 'data',
      source: 'contribution:1',
      amount: 30n,
      inputs: { versionId: '2' },
    },
    { id: '1-2', mapId: '1', account: account(2), role: 'owner', source: 'version:2', amount: 12n },
    { id: '2-1', mapId: '2', account: account(9), role: 'owner', source: 'version:2', amount: 99n },
  ])
  statements()
  const query = (depth: string) =>
    `{ lineage(versionId: 2 ${depth}) { truncated edges { from to relation amount } nodes { key kind id label entity { __typename nodeId ... on Contribution { contributor } } } } }`
  const { data, errors } = await ask(query(''))
  expect(errors).toBeUndefined()
  const edges = data.lineage.edges.map(
    (edge: { from: string; to: string; relation: string; amount: string | null }) =>
      `${edge.from} -${edge.relation}${edge.amount === null ? '' : ` ${edge.amount}`}→ ${edge.to}`,
  )
  expect(edges.sort()).toEqual([
    'Contribution:1 -data 1000000→ ModelVersion:1',
    'JobRun:j1 -run→ ModelVersion:1',
    'Judgement:4-v -feedback 7→ ModelVersion:1',
    'Model:1 -model→ ModelVersion:1',
    'Model:1 -model→ ModelVersion:2',
    'ModelVersion:1 -parent→ ModelVersion:2',
    `ModelVersion:2 -endpoint→ Endpoint:8`,
    'ModelVersion:2 -evaluation 900000→ Evaluation:6',
    `ModelVersion:2 -revenue 42→ Account:${account(2)}`,
    'Proposal:77 -proposal→ Model:1',
    'Vote:77-a -vote 5→ Proposal:77',
  ])
  const byKey = new Map<string, { label: string; entity: unknown }>(
    data.lineage.nodes.map((node: { key: string; label: string; entity: unknown }) => [node.key, node]),
  )
  expect(byKey.size).toBe(11)
  expect(byKey.get('Proposal:77')?.label).toBe('A model of dates')
  expect(byKey.get('Contribution:1')?.entity).toMatchObject({ __typename: 'Contribution', contributor: account(2) })
  expect(byKey.get(`Account:${account(2)}`)?.entity).toBeNull()
  expect(statements().length).toBeLessThanOrEqual(2 + 9) // the head, the lineage, and one for each selected kind of entity
  const shallow = await ask(query('depth: 0'))
  expect(shallow.data.lineage.edges.map((edge: { relation: string }) => edge.relation).sort()).toEqual([
    'endpoint',
    'evaluation',
    'model',
    'proposal',
    'revenue',
    'vote',
  ])
  expect((await ask('{ lineage(versionId: 99) { truncated } }')).errors?.[0]?.extensions.code).toBe(
    'UNKNOWN_MODEL_VERSION',
  )
})

test('a query without arguments gets the first page, and whether it is all', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  await insert(db, ModelVersion, { id: '1' })
  const many = Array.from({ length: 700 }, (_, i) => ({ id: String(i + 1) }))
  await insertAll(db, Contribution, many)
  await insertAll(
    db,
    VersionInfluence,
    many.map(({ id }) => ({ id: `1-${id}`, versionId: '1', contributionId: id, weight: Number(id) })),
  )
  const { data } = await ask('{ lineage(versionId: 1) { truncated edges { from amount } } }')
  expect(data.lineage.truncated).toBe(true)
  expect(data.lineage.edges).toHaveLength(500)
  expect(data.lineage.edges[0]).toEqual({ from: 'Contribution:700', amount: '700' })
})
