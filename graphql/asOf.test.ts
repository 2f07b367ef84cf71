import { getNamedType, isObjectType } from 'graphql'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { RewardTree } from '#rules/merkle.ts'
import { documentBytes, putDocument } from '#schema/documents.ts'
import { tables } from '#schema/entities.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Block, Cursor } from '#schema/onchain/chain.ts'
import { Reputation } from '#schema/onchain/feedback.ts'
import { Governor, Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { freshDatabase } from '#test/database.ts'
import { account, blockHash, blockTime, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { apiSchema } from './schema.ts'
import { type TestApi, testApi } from './test/api.ts'

const at = (block: number, ms = 0) => new Date(blockTime(block).getTime() + ms).toISOString()
const seconds = (block: number) => blockTime(block).getTime() / 1000

test('every query takes asOf, except those that do not depend on time', () => {
  const timeless = Object.values(must(apiSchema().getQueryType()).getFields())
    .filter(({ args }) => !args.some(({ name }) => name === 'asOf'))
    .map(({ name, type }) => {
      const named = getNamedType(type)
      const row = isObjectType(named) ? named.name.replace(/Connection$/, '') : named.name
      expect(tables.find((table) => table.name === row)?.versioned ?? false).toBe(false)
      return name
    })
  expect(timeless).toMatchInlineSnapshot(`
    [
      "deployment",
      "artifact",
      "explainReward",
      "counterfactual",
      "stateChanges",
      "stateDigests",
      "usage",
      "block",
      "blocks",
      "cursor",
      "cursors",
      "job",
      "jobs",
      "jobMetric",
      "jobMetrics",
      "jobTotal",
      "jobTotals",
      "workerNode",
      "workerNodes",
      "artifacts",
      "hostUsage",
      "hostUsages",
      "ledgerTransfer",
      "ledgerTransfers",
      "ledgerBalance",
      "ledgerBalances",
      "chainTransaction",
      "chainTransactions",
      "takedown",
      "takedowns",
    ]
  `)
})

/** Blocks with stored headers: those with events, and the newest. */
async function sparse(api: TestApi, stored: readonly number[]) {
  await insertAll(
    api.db,
    Block,
    stored.map((number) => ({
      id: String(number),
      number,
      hash: blockHash(number),
      parentHash: blockHash(number - 1),
      timestamp: blockTime(number),
    })),
  )
  const head = must(stored.at(-1))
  await insert(api.db, Cursor, {
    id: String(TEST_CHAIN_ID),
    block: head,
    hash: blockHash(head),
    finalBlock: head,
    headBlock: head,
    contracts: {},
  })
}

test('between blocks with stored headers, clocks advance: states and records are as of the requested point', async () => {
  const api = await testApi()
  await sparse(api, [0, 10, 200])
  const rules = { token: account(7), fixedQuorum: 5n, fromBlock: 0 }
  await insertAll(api.db, Governor, [
    { id: account(1), clock: 'Timestamp', ...rules },
    { id: account(2), clock: 'BlockNumber', ...rules },
  ])
  const won = { forVotes: 9n, fromBlock: 10 }
  await insertAll(api.db, Proposal, [
    { id: '1', governorId: account(1), voteStart: seconds(50), voteEnd: seconds(100), ...won },
    { id: '2', governorId: account(2), voteStart: 50, voteEnd: 100, ...won },
  ])
  await insertAll(
    api.db,
    Vote,
    ['1', '2'].map((proposalId) => ({
      id: `${proposalId}-a`,
      proposalId,
      voter: account(3),
      support: 1,
      fromBlock: 10,
    })),
  )
  await insert(api.db, Holder, { id: account(3), account: account(3), token: account(7), votes: 9n, fromBlock: 0 })
  const told = async (asOf: string) => {
    const { data, errors } = await api.ask(
      `{ proposals(asOf: ${asOf}) { nodes { state } } governors(asOf: ${asOf}) { nodes { voters { eligible decided } } } _meta(asOf: ${asOf}) { block time } }`,
    )
    expect(errors).toBeUndefined()
    const records = data.governors.nodes.map(
      ({ voters: [one] }: { voters: [{ eligible: number; decided: number }] }) => one,
    )
    return {
      states: data.proposals.nodes.map(({ state }: { state: string }) => state).join(),
      eligible: records.map(({ eligible }: { eligible: number }) => eligible).join(),
      decided: records.map(({ decided }: { decided: number }) => decided).join(),
      time: data._meta.time,
    }
  }
  for (const [block, states, eligible, decided] of [
    [50, 'Pending,Pending', '0,0', '0,0'],
    [51, 'Active,Active', '1,1', '0,0'],
    [100, 'Active,Active', '1,1', '0,0'],
    [101, 'Succeeded,Succeeded', '1,1', '1,1'],
  ] as const) {
    const expected = { states, eligible, decided, time: at(block) }
    expect(await told(`{ block: ${block} }`)).toEqual(expected)
    expect(await told(`{ time: "${at(block)}" }`)).toEqual(expected)
  }
  // Future blocks have no time yet: a block clock stays at the newest block.
  expect((await told(`{ time: "${at(9000)}" }`)).states).toBe('Succeeded,Succeeded')
})

test('an asOf without a field, or with an invalid hash, is refused', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  await insert(db, Proposal, { id: '1' })
  const refuse = async (asOf: string) =>
    (await ask(`{ proposals(asOf: ${asOf}) { totalCount } }`)).errors?.[0]?.extensions.code
  expect(await refuse('{ hash: "" }')).toBe('UNKNOWN_BLOCK')
  expect(await refuse('{ hash: "0x", block: null }')).toBe('UNKNOWN_BLOCK')
  expect(await refuse('{ hash: "a\\u0000b" }')).toBe('BAD_INPUT')
  expect(await refuse('{ hash: null, block: null, time: null }')).toBe('BAD_AS_OF')
  expect(await refuse('{ block: 2147483648 }')).toBe('GRAPHQL_VALIDATION_FAILED')
})

test('a reward proof, an evaluation’s log and off-chain rows that refer to the chain follow asOf, too', async () => {
  const { db, ask, artifacts, statements, logged } = await testApi()
  await insertChain(db, 30)
  const [me, distributor] = [account(2) as Hex, account(3) as Hex]
  const leaf = { chain: BigInt(TEST_CHAIN_ID), distributor, epoch: 3n, account: me, cumulative: 10n }
  const { root } = new RewardTree([leaf])
  const uri = await putDocument(artifacts, rewardMapDocument, {
    chainId: TEST_CHAIN_ID,
    distributor,
    epoch: 3,
    fromBlock: 1,
    toBlock: 9,
    blockHash: blockHash(9),
    root,
    total: '10',
    leaves: [{ account: me, cumulative: '10' }],
    carried: [],
    debts: [],
    usage: [],
    absent: [],
    lines: [],
    codeHash: root,
  })
  await insertAll(db, RewardMap, [
    { id: '3', epoch: 3, fromBlock: 5, toBlock: 10 },
    { id: '3', epoch: 3, status: 'Published', root, uri, fromBlock: 10 },
  ])
  await insert(db, RewardClaim, { id: 'c', mapId: '3', account: me, amount: 4n, fromBlock: 20 })
  const proof = async (asOf: string) => {
    const { data, errors } = await ask(
      `{ rewardProof(account: "${me}", epoch: 3 ${asOf}) { claimed } rewardMap(epoch: 3 ${asOf}) { proof(account: "${me}") { claimed } } }`,
    )
    expect(logged).toEqual([])
    expect(errors).toBeUndefined()
    return data
  }
  expect(await proof('')).toEqual({ rewardProof: { claimed: '4' }, rewardMap: { proof: { claimed: '4' } } })
  expect(await proof('asOf: { block: 19 }')).toEqual({
    rewardProof: { claimed: '0' },
    rewardMap: { proof: { claimed: '0' } },
  })
  expect(await proof('asOf: { block: 9 }')).toEqual({ rewardProof: null, rewardMap: { proof: null } })
  statements()
  await ask(`{ rewardMaps { nodes { proof(account: "${me}") { claimed } } } }`)
  expect(statements()).toHaveLength(3)

  await insert(db, RewardLine, { id: '3-1', mapId: '3', account: me, source: 'version:1' })
  const lines = async (rest: string) =>
    (await ask(`{ rewardLines(${rest}) { nodes { id map { status } } } }`)).data.rewardLines.nodes
  expect(await lines('asOf: { block: 9 }')).toEqual([{ id: '3-1', map: { status: 'Open' } }])
  expect(await lines('asOf: { block: 9 }, where: { map: { status: { eq: Published } } }')).toEqual([])
  expect(await lines('where: { map: { status: { eq: Published } } }')).toHaveLength(1)
  await insertAll(db, ModelVersion, [
    { id: '1', status: 'Registered', fromBlock: 5, toBlock: 10 },
    { id: '1', status: 'Promoted', fromBlock: 10 },
  ])
  await insert(db, Receipt, { id: 'r', jobId: 'r', versionId: '1' })
  const receipt = await ask('{ receipt(id: "r", asOf: { block: 6 }) { version { status } } }')
  expect(receipt.data.receipt.version.status).toBe('Registered')

  await insert(db, Evaluation, { id: '1', logHash: await artifacts.put(documentBytes({ score: 1 })), fromBlock: 8 })
  const { data } = await ask(
    '{ now: evaluationLog(evaluationId: 1) before: evaluationLog(evaluationId: 1, asOf: { block: 7 }) }',
  )
  expect(data).toEqual({ now: { score: 1 }, before: null })
})

test('a reputation and past voting power are the same by block number, hash and time', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, Reputation, [
    { id: 'v-law', validator: account(1), domain: 'law', value: 1, fromBlock: 2, toBlock: 10 },
    { id: 'v-law', validator: account(1), domain: 'law', value: 2, fromBlock: 10 },
  ])
  await insertAll(db, Holder, [
    { id: account(1), account: account(1), token: account(9), votes: 3n, fromBlock: 2, toBlock: 10 },
    { id: account(1), account: account(1), token: account(9), votes: 2n ** 200n, fromBlock: 10 },
  ])
  const query = (asOf: string) =>
    `{ reputations(asOf: ${asOf}, where: { value: { gt: 0 } }) { totalCount nodes { value } } holder(id: "${account(1)}", asOf: ${asOf}) { votes powerHistory { block votes } } }`
  const before = {
    reputations: { totalCount: 1, nodes: [{ value: 1 }] },
    holder: { votes: '3', powerHistory: [{ block: 2, votes: '3' }] },
  }
  for (const asOf of [
    '{ block: 9 }',
    `{ hash: "${blockHash(9).toUpperCase().replace('0X', '0x')}" }`,
    `{ time: "${at(9, 11_999)}" }`,
  ])
    expect((await ask(query(asOf))).data).toEqual(before)
  expect((await ask(query('{ block: 10 }'))).data.holder).toEqual({
    votes: String(2n ** 200n),
    powerHistory: [
      { block: 10, votes: String(2n ** 200n) },
      { block: 2, votes: '3' },
    ],
  })
})

test('a lineage and its entities are given as of the requested block', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, Model, [
    { id: '1', proposalId: '7', staked: 1n, fromBlock: 5, toBlock: 15 },
    { id: '1', proposalId: '7', staked: 2n, fromBlock: 15 },
  ])
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', fromBlock: 6 },
    { id: '2', modelId: '1', parentId: '1', fromBlock: 12 },
  ])
  await insertAll(db, Evaluation, [
    { id: '1', versionId: '1', fromBlock: 8 },
    { id: '2', versionId: '1', fromBlock: 20 },
  ])
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Open', fromBlock: 5, toBlock: 18 })
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Published', fromBlock: 18 })
  await insert(db, RewardLine, { id: '1-1', mapId: '1', account: account(4), source: 'version:1', amount: 9n })
  const told = async (version: string, asOf: string) => {
    const { data, errors } = await ask(
      `{ lineage(versionId: ${version} ${asOf}) { edges { relation } nodes { kind entity { ... on Model { staked } } } } }`,
    )
    if (errors) return errors[0]?.extensions.code
    const { edges, nodes } = data.lineage
    const model = nodes.find(({ kind }: { kind: string }) => kind === 'Model')?.entity.staked
    return `${edges.map(({ relation }: { relation: string }) => relation).sort()} ${model}`
  }
  expect(await told('1', '')).toBe('evaluation,evaluation,model,revenue 2')
  expect(await told('1', 'asOf: { block: 17 }')).toBe('evaluation,model 2')
  expect(await told('1', `asOf: { time: "${at(7)}" }`)).toBe('model 1')
  expect(await told('2', `asOf: { hash: "${blockHash(12)}" }`)).toBe('evaluation,model,model,parent 1')
  expect(await told('2', 'asOf: { block: 11 }')).toBe('UNKNOWN_MODEL_VERSION')
})

test('a cursor is a position: it continues with another asOf, and with another filter', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insertAll(
    db,
    Evaluation,
    [10n, 20n, 30n, 40n].map((score) => ({ id: `${score}`, score, metric: 'a', fromBlock: score === 20n ? 20 : 5 })),
  )
  const page = async (args: string) =>
    (await ask(`{ evaluations(orderBy: [{ field: score }], ${args}) { nodes { id } pageInfo { endCursor } } }`)).data
      .evaluations
  const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id).join()
  const before = await page('first: 2, asOf: { block: 10 }')
  expect(idsOf(before)).toBe('10,30')
  const cursor = before.pageInfo.endCursor
  expect(idsOf(await page(`after: "${cursor}"`))).toBe('40')
  expect(idsOf(await page(`before: "${cursor}"`))).toBe('10,20')
  expect(idsOf(await page(`before: "${cursor}", where: { score: { gt: 10 } }`))).toBe('20')
})

test('a response whose statements may have seen two forks is an error; one during which the chain only grew is not', async () => {
  const db = await freshDatabase()
  await insertChain(db, 20, { final: 10 })
  await insert(db, Model, { id: '1', fromBlock: 5 })
  let meanwhile: (() => Promise<void>) | undefined
  /** The indexer writes after the first statement that reads the model. */
  const query = async (text: never, values: never) => {
    const found = await db.query(text, values)
    const then = JSON.stringify(text).includes('\\"model\\"') ? meanwhile : undefined
    if (then) meanwhile = undefined
    await then?.()
    return found
  }
  const api = await testApi({ db: { ...db, query } })
  const ask = () => api.ask('{ models(first: 1) { nodes { id } } }')
  const move = (block: number, fork: string) =>
    db.query('update cursor set block = $1, hash = $2', [block, blockHash(block, fork)])
  meanwhile = async () => void (await move(21, ''))
  expect((await ask()).data.models.nodes).toHaveLength(1)
  await move(20, '')
  meanwhile = async () => {
    await db.query('delete from block where number > 15')
    await move(15, '')
  }
  expect(await ask()).toMatchObject({ data: null, errors: [{ extensions: { code: 'REORGANISED' } }] })
  expect((await ask()).data.models.nodes).toHaveLength(1)
})
