import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { RewardTree } from '#rules/merkle.ts'
import { documentBytes, itemsDocument, putDocument, rewardMapDocument } from '#schema/documents.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { Receipt, VersionInfluence } from '#schema/offchain/attribution.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Governor, GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import { UsageSettlement } from '#schema/onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { account, blockHash, blockTime, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { testApi } from './test/api.ts'

const seconds = (block: number) => blockTime(block).getTime() / 1000

test('a vote that ends in the far future is returned, filtered, ordered and exported like any other', async () => {
  const { db, ask, url } = await testApi()
  await insertChain(db, 60)
  const clocks = [2 ** 40, 2 ** 53 - 1, 40]
  await insert(db, Governor, { id: '1', clock: 'BlockNumber' })
  await insertAll(
    db,
    Proposal,
    clocks.map((voteEnd, i) => ({
      id: String(i + 1),
      onChainId: String(i + 1),
      governorId: '1',
      voteStart: 10,
      voteEnd,
    })),
  )
  const query = `{ proposals(where: { voteEnd: { gte: ${2 ** 40} } }, orderBy: [{ field: voteEnd }]) { nodes { id voteStart voteEnd state } } }`
  const { data, errors } = await ask(query)
  expect(errors).toBeUndefined()
  expect(data.proposals.nodes).toEqual([
    { id: '1', voteStart: 10, voteEnd: 1_099_511_627_776, state: 'Active' },
    { id: '2', voteStart: 10, voteEnd: 9_007_199_254_740_991, state: 'Active' },
  ])
  const rows = await fetch(`${url}/export.csv?${new URLSearchParams({ query })}`, {
    headers: { 'apollo-require-preflight': '1' },
  })
  expect((await rows.text()).split('\r\n')[1]).toBe('1,10,1099511627776,Active')
  const after = await ask('query ($end: Clock) { proposals(where: { voteEnd: { lt: $end } }) { nodes { id } } }', {
    end: 2 ** 40,
  })
  expect(after.data.proposals.nodes).toEqual([{ id: '3' }])
  const wrong = await ask('{ proposals(where: { voteEnd: { lt: 9007199254740993 } }) { nodes { id } } }')
  expect(wrong.errors?.[0]?.message).toContain('a whole number from 0 to 2^53 - 1')
})

test('a proposal’s state follows the votes, the quorum and the clock as of the requested point', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 60)
  const terms = { voteStart: seconds(10), voteEnd: seconds(20) }
  await insert(db, Governor, { id: '1', token: account(7), quorumDenominator: 100n })
  await insertAll(db, GovernorSetting, [
    { id: 'totalSupply', contract: account(7), name: 'totalSupply', value: '1000' },
    { id: 'quorumNumerator', contract: '1', name: 'quorumNumerator', value: '4', toBlock: 40 },
    { id: 'quorumNumerator', contract: '1', name: 'quorumNumerator', value: '90', fromBlock: 40 },
    // another governor and another token have no effect
    { id: '2-quorumNumerator', contract: '2', name: 'quorumNumerator', value: '100' },
    { id: '8-totalSupply', contract: account(8), name: 'totalSupply', value: '7' },
  ])
  await insertAll(db, Proposal, [
    { id: '1', ...terms, fromBlock: 5, toBlock: 15 },
    { id: '1', ...terms, fromBlock: 15, toBlock: 30, forVotes: 30n, abstainVotes: 10n, againstVotes: 29n },
    {
      id: '1',
      ...terms,
      fromBlock: 30,
      toBlock: 35,
      forVotes: 30n,
      abstainVotes: 10n,
      againstVotes: 29n,
      quorum: 40n,
      eta: blockTime(34),
    },
    {
      id: '1',
      ...terms,
      fromBlock: 35,
      forVotes: 30n,
      abstainVotes: 10n,
      againstVotes: 29n,
      quorum: 40n,
      eta: blockTime(34),
      executed: true,
    },
    { id: '2', ...terms, fromBlock: 5, forVotes: 39n },
    { id: '3', ...terms, fromBlock: 5, forVotes: 50n, againstVotes: 50n },
    { id: '4', ...terms, fromBlock: 5, canceled: true },
  ])
  const states = async (asOf: string) =>
    Object.fromEntries(
      (
        await ask(`{ proposals(asOf: ${asOf}) { nodes { id state quorumReached quorumNeeded } } }`)
      ).data.proposals.nodes.map(
        (node: { id: string; state: string; quorumReached: boolean; quorumNeeded: string }) => [
          node.id,
          `${node.state} ${node.quorumReached} ${node.quorumNeeded}`,
        ],
      ),
    )
  expect(await states('{ block: 10 }')).toMatchObject({ 1: 'Pending false 40', 4: 'Canceled false 40' })
  expect(await states('{ block: 11 }')).toMatchObject({ 1: 'Active false 40' })
  expect(await states('{ block: 20 }')).toMatchObject({ 1: 'Active true 40', 2: 'Active false 40' })
  expect(await states('{ block: 21 }')).toMatchObject({
    1: 'Succeeded true 40',
    2: 'Defeated false 40',
    3: 'Defeated true 40',
  })
  expect(await states('{ block: 33 }')).toMatchObject({ 1: 'Queued true 40' })
  expect(await states('{ block: 36 }')).toMatchObject({ 1: 'Executed true 40' })
  // A time between two blocks, and one in the future: the clock advances, the events do not change.
  const later = `{ time: "${new Date(blockTime(20).getTime() + 1000).toISOString()}" }`
  expect(await states(later)).toMatchObject({ 1: 'Succeeded true 40' })
  expect(await states('{ time: "2031-01-01T00:00:00Z" }')).toMatchObject({
    1: 'Executed true 40',
    2: 'Defeated false 900',
  })
  const { data } = await ask('{ proposal(id: 1) { state } votes { nodes { proposal { state } } } }')
  expect(data.proposal.state).toBe('Executed')
})

test('without the governor’s settings a proposal’s state is given where every quorum gives the same state, else null', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insert(db, Governor, { id: '1', clock: 'BlockNumber' })
  const over = { voteStart: 1, voteEnd: 20 }
  await insertAll(db, Proposal, [
    { id: '1', ...over, forVotes: 2n, againstVotes: 1n },
    { id: '2', ...over, forVotes: 1n, againstVotes: 1n },
    { id: '3', ...over, forVotes: 2n, eta: blockTime(25) },
    { id: '4', ...over, executed: true },
    { id: '5', voteStart: 1, voteEnd: 30, forVotes: 2n },
    { id: '6', ...over, governorId: 'unknown' },
  ])
  const { nodes } = (await ask('{ proposals { nodes { state quorumReached quorumNeeded } } }')).data.proposals
  expect(nodes.map(({ state }: { state: string }) => state)).toEqual([
    null,
    'Defeated',
    'Queued',
    'Executed',
    'Active',
    null,
  ])
  for (const node of nodes) expect(node).toMatchObject({ quorumReached: null, quorumNeeded: null })
})

test('a Governor Bravo uses a block clock, counts only votes in favour toward the quorum, and its queued proposals expire', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 60)
  const rules = { kind: 'Bravo', clock: 'BlockNumber', counting: 'For', fixedQuorum: 100n, gracePeriod: 120 } as const
  await insert(db, Governor, { id: '1', ...rules })
  const over = { voteStart: 10, voteEnd: 20, againstVotes: 1n }
  await insertAll(db, Proposal, [
    { id: '1', ...over, forVotes: 100n, abstainVotes: 1n },
    { id: '2', ...over, forVotes: 99n, abstainVotes: 1000n },
    { id: '3', ...over, forVotes: 100n, eta: blockTime(30) },
  ])
  const states = async (block: number) =>
    (await ask(`{ proposals(asOf: { block: ${block} }) { nodes { state } } }`)).data.proposals.nodes.map(
      ({ state }: { state: string }) => state,
    )
  expect(await states(10)).toEqual(['Pending', 'Pending', 'Pending'])
  expect(await states(20)).toEqual(['Active', 'Active', 'Active'])
  expect(await states(21)).toEqual(['Succeeded', 'Defeated', 'Queued'])
  expect(await states(39)).toEqual(['Succeeded', 'Defeated', 'Queued'])
  expect(await states(40)).toEqual(['Succeeded', 'Defeated', 'Expired']) // 120 s are ten blocks
})

test('a reward map is returned with its lines, and every account’s proof equals that of OpenZeppelin’s tree', async () => {
  const { db, ask, artifacts } = await testApi()
  await insertChain(db, 10)
  const distributor = account(0xdd) as Hex
  const owed = Array.from({ length: 9 }, (_, i) => ({
    account: account(i + 1) as Hex,
    cumulative: BigInt(i + 1) * 10n ** 18n,
  }))
  const root = new RewardTree(owed.map((leaf) => ({ chain: BigInt(TEST_CHAIN_ID), distributor, epoch: 3n, ...leaf })))
    .root
  const uri = await putDocument(artifacts, rewardMapDocument, {
    epoch: 3,
    chainId: TEST_CHAIN_ID,
    distributor,
    fromBlock: 1,
    toBlock: 9,
    blockHash: blockHash(9),
    root,
    total: '1',
    leaves: owed.map((leaf) => ({ account: leaf.account, cumulative: leaf.cumulative.toString() })),
    carried: [],
    debts: [],
    lines: [],
    codeHash: root,
  })
  await insertAll(db, RewardMap, [
    { id: '3', epoch: 3, status: 'Published', root, uri, total: 1n },
    { id: '4', epoch: 4, status: 'Open' },
    { id: '5', epoch: 5, status: 'Published', root: blockHash(1), uri },
  ])
  await insert(db, RewardClaim, { id: 'c', mapId: '3', account: account(2), amount: 5n })
  await insert(db, RewardLine, {
    id: '3-1',
    mapId: '3',
    account: account(2),
    role: 'data',
    source: 'contribution:1',
    amount: 5n,
    inputs: { pot: '10' },
  })
  const oracle = StandardMerkleTree.of(
    owed.map((leaf) => [TEST_CHAIN_ID, distributor, 3, leaf.account, leaf.cumulative]),
    ['uint256', 'address', 'uint256', 'address', 'uint256'],
  )
  expect(root).toBe(oracle.root)
  for (const [i, leaf] of owed.entries()) {
    const { data } = await ask(
      'query ($account: String!) { rewardProof(account: $account, epoch: 3) { root cumulative claimed proof } }',
      { account: leaf.account },
    )
    expect(data.rewardProof).toEqual({
      root,
      cumulative: leaf.cumulative.toString(),
      claimed: i === 1 ? '5' : '0',
      proof: oracle.getProof(i),
    })
  }
  const { data } = await ask(
    `{ rewardMap(epoch: 3) { status lines { totalCount nodes { role amount inputs } } proof(account: "${account(2)}") { cumulative } nothing: proof(account: "${account(99)}") { proof } } open: rewardMap(epoch: 4) { proof(account: "${account(1)}") { proof } } }`,
  )
  expect(data).toEqual({
    rewardMap: {
      status: 'Published',
      lines: { totalCount: 1, nodes: [{ role: 'data', amount: '5', inputs: { pot: '10' } }] },
      proof: { cumulative: String(2n * 10n ** 18n) },
      nothing: null,
    },
    open: { proof: null },
  })
  const refuse = async (query: string) => (await ask(query)).errors?.[0]?.extensions.code
  expect(await refuse(`{ rewardProof(account: "${account(1)}", epoch: 9) { proof } }`)).toBe('UNKNOWN_REWARD_MAP')
  expect(await refuse('{ rewardProof(account: "me", epoch: 3) { proof } }')).toBe('BAD_INPUT')
  expect(await refuse(`{ rewardProof(account: "${account(1)}", epoch: 5) { proof } }`)).toBe('REWARD_MAP_MISMATCH')
})

test('a contributor’s summary adds up contributions, weights and earnings, with the reasons', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const me = '0x00000000000000000000000000000000000000aB'
  const mine = { contributor: me.toLowerCase() }
  await insertAll(db, Contribution, [
    { id: '1', ...mine, status: 'Accepted', stake: 5n },
    { id: '2', ...mine, status: 'Accepted', stake: 5n, excluded: true, slashed: 3n },
    { id: '3', ...mine, status: 'Rejected' },
    { id: '4', ...mine, fromBlock: 20 },
    { id: '5', contributor: account(1) },
  ])
  await insertAll(db, VersionInfluence, [
    { id: '1-1', versionId: '1', contributionId: '1', weight: 400_000 },
    { id: '2-1', versionId: '2', contributionId: '1', weight: 100_000 },
    { id: '1-5', versionId: '1', contributionId: '5', weight: 600_000 },
  ])
  await insertAll(db, RewardMap, [
    { id: '1', epoch: 1, status: 'Published' },
    { id: '2', epoch: 2, status: 'Cancelled' },
  ])
  await insertAll(db, RewardLine, [
    {
      id: '1-1',
      mapId: '1',
      account: mine.contributor,
      role: 'data',
      source: 'contribution:1',
      amount: 10n ** 20n,
      inputs: { weight: '4' },
    },
    { id: '1-2', mapId: '1', account: mine.contributor, role: 'validator', source: 'task:1', amount: 1n },
    { id: '2-1', mapId: '2', account: mine.contributor, role: 'data', source: 'contribution:1', amount: 7n },
  ])
  await insert(db, RewardClaim, { id: 'c', mapId: '1', account: mine.contributor, amount: 10n })
  const { data } = await ask(
    `{ contributor(account: "${me}") { account contributions accepted rejected excluded staked slashed weight earned claimed reasons { epoch role source amount inputs } } before: contributor(account: "${me}", asOf: { block: 19 }) { contributions } none: contributor(account: "${account(50)}") { contributions earned reasons { role } } }`,
  )
  expect(data.contributor).toEqual({
    account: mine.contributor,
    contributions: 4,
    accepted: 2,
    rejected: 1,
    excluded: 1,
    staked: '10',
    slashed: '3',
    weight: '500000',
    earned: String(10n ** 20n + 1n),
    claimed: '10',
    reasons: [
      { epoch: 1, role: 'data', source: 'contribution:1', amount: String(10n ** 20n), inputs: { weight: '4' } },
      { epoch: 1, role: 'validator', source: 'task:1', amount: '1', inputs: {} },
    ],
  })
  expect(data.before.contributions).toBe(3)
  expect(data.none).toEqual({ contributions: 0, earned: '0', reasons: [] })
})

test('artifacts are returned as text and JSON, up to a size, and never when sealed', async () => {
  const { db, ask, artifacts, url } = await testApi()
  await insertChain(db, 5)
  const listed = await artifacts.put(documentBytes({ answer: 42 }))
  await insert(db, Artifact, { id: listed, kind: 'evaluationLog', mediaType: 'application/json', size: 13n })
  const unlisted = await artifacts.put(new TextEncoder().encode('only text'))
  const binary = await artifacts.put(new Uint8Array([0xff, 0xfe]))
  const large = await artifacts.put(new Uint8Array(1_000_001).fill(97))
  const sealed = await putDocument(artifacts, itemsDocument, { salt: 's', items: [{ prompt: 'p', completion: 'c' }] })
  await insertAll(db, Evaluation, [
    { id: '1', logHash: listed },
    { id: '2', logHash: sealed },
  ])
  const get = async (id: string) => ask('query ($id: ID!) { artifact(id: $id) { id kind size text json } }', { id })
  expect((await get(listed)).data.artifact).toEqual({
    id: listed,
    kind: 'evaluationLog',
    size: '13',
    text: '{"answer":42}',
    json: { answer: 42 },
  })
  expect((await get(unlisted)).data.artifact).toMatchObject({ kind: 'unlisted', text: 'only text', json: null })
  expect((await get(binary)).data.artifact).toMatchObject({ text: null, json: null })
  expect((await get(blockHash(1))).data.artifact).toBeNull()
  expect((await get('../../etc/passwd')).data.artifact).toBeNull()
  expect((await get(large)).errors?.[0]?.extensions.code).toBe('ARTIFACT_TOO_LARGE')
  expect((await get(sealed)).errors?.[0]?.extensions.code).toBe('ARTIFACT_SEALED')
  expect((await ask('{ evaluationLog(evaluationId: 1) none: evaluationLog(evaluationId: 9) }')).data).toEqual({
    evaluationLog: { answer: 42 },
    none: null,
  })
  expect((await ask('{ evaluationLog(evaluationId: 2) }')).errors?.[0]?.extensions.code).toBe('ARTIFACT_SEALED')

  const file = async (name: string) => fetch(`${url}/artifacts/${name}`)
  const served = await file(listed)
  expect(await served.text()).toBe('{"answer":42}')
  expect(served.headers.get('content-type')).toMatch(/^application\/json/)
  expect(served.headers.get('x-content-type-options')).toBe('nosniff')
  expect((await file(sealed)).status).toBe(403)
  expect((await file(blockHash(1))).status).toBe(404)
  expect((await file('..%2f..%2fetc%2fpasswd')).status).toBe(404)
  expect((await (await file(large)).arrayBuffer()).byteLength).toBe(1_000_001)

  const asked = async (headers: Record<string, string>) => fetch(`${url}/artifacts/${listed}`, { headers })
  const etag = must(served.headers.get('etag'))
  expect(etag).toBe(`"${listed}"`)
  expect((await asked({ 'if-none-match': etag })).status).toBe(304)
  const part = await asked({ range: 'bytes=2-7', 'if-range': etag })
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-7/13', 'answer'])
  expect(await (await asked({ range: 'bytes=-3' })).text()).toBe('42}')
  const other = await asked({ range: 'bytes=2-7', 'if-range': '"another"' })
  expect([other.status, await other.text()]).toEqual([200, '{"answer":42}'])
  expect((await asked({ range: 'bytes=99-' })).status).toBe(416)
})

test('the overview counts every stage, as of a block', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, Model, [{ id: '1' }, { id: '2', fromBlock: 20 }])
  await insert(db, Mandate, { id: '1' })
  await insertAll(db, Contribution, [
    { id: '1', status: 'Accepted', contributor: account(1) },
    { id: '2', contributor: account(1) },
    { id: '3', contributor: account(2) },
  ])
  await insertAll(db, ModelVersion, [{ id: '1', status: 'Promoted' }, { id: '2' }])
  await insertAll(db, Receipt, [
    { id: 'a', jobId: 'a', fee: 3n },
    { id: 'b', jobId: 'b', fee: 10n ** 25n },
  ])
  await insert(db, UsageSettlement, { id: '1-1', fees: 3n })
  await insertAll(db, RewardMap, [
    { id: '1', status: 'Published', total: 3n },
    { id: '2', status: 'Cancelled', total: 9n },
  ])
  const fields =
    'models mandates contributors contributions acceptedContributions versions promotedVersions receipts fees settledFees epochs rewards claimed disputes jobs'
  const { data } = await ask(`{ overview { ${fields} } before: overview(asOf: { block: 10 }) { models } }`)
  expect(data).toEqual({
    overview: {
      models: 2,
      mandates: 1,
      contributors: 2,
      contributions: 3,
      acceptedContributions: 1,
      versions: 2,
      promotedVersions: 1,
      receipts: 2,
      fees: String(10n ** 25n + 3n),
      settledFees: '3',
      epochs: 1,
      rewards: '3',
      claimed: '0',
      disputes: 0,
      jobs: 0,
    },
    before: { models: 1 },
  })
})
