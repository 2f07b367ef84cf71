import { expect, test } from 'vitest'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { Governor, GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

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

test('where a state is null, the reason is what of its Governor is not known', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const rules = { clock: 'BlockNumber', fixedQuorum: 1n } as const
  const [unfollowed, quorumUnknown] = ['Log 3 of block 7 cannot be read.', 'Its quorum changed silently.']
  await insertAll(db, Governor, [
    { id: '1', ...rules },
    { id: '2', ...rules, unfollowed, quorumUnknown },
    { id: '3', ...rules, fixedQuorum: null, quorumUnknown },
    { id: '4', ...rules, hasSuperQuorum: true },
    { id: '5', ...rules, fixedQuorum: null },
  ])
  const over = { voteStart: 1, voteEnd: 20, forVotes: 2n }
  await insertAll(db, Proposal, [
    { id: '1', ...over, governorId: '1' },
    { id: '2', ...over, governorId: '2' },
    { id: '3', ...over, governorId: '3' },
    { id: '4', ...over, voteEnd: 40, governorId: '4' },
    { id: '5', ...over, governorId: '5' },
    { id: '6', ...over, governorId: '6' },
    { id: '7', ...over, governorId: '2', executed: true },
    { id: '8', ...over, againstVotes: 3n, governorId: '5' },
  ])
  const { nodes } = (await ask('{ proposals { nodes { id state stateUnknown } } }')).data.proposals
  expect(nodes).toEqual([
    { id: '1', state: 'Succeeded', stateUnknown: null },
    { id: '2', state: null, stateUnknown: unfollowed },
    { id: '3', state: null, stateUnknown: quorumUnknown },
    { id: '4', state: null, stateUnknown: 'Its super quorum is not known: the contract was not asked.' },
    {
      id: '5',
      state: null,
      stateUnknown: 'Its quorum is not known: the Governor’s token is not followed, or the contract does not tell it.',
    },
    { id: '6', state: null, stateUnknown: 'Its Governor is not followed.' },
    { id: '7', state: 'Executed', stateUnknown: null },
    { id: '8', state: 'Defeated', stateUnknown: null },
  ])
})

test('the quorum of a Governor that is asked is not told before its contract told it, whatever it declares', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const [asked, own] = [account(3), account(4)]
  const rules = { clock: 'BlockNumber', token: account(5), quorumDenominator: 100n } as const
  await insertAll(db, Governor, [
    { id: asked, ...rules, askedAt: 1 },
    { id: own, ...rules },
  ])
  await insertAll(db, GovernorSetting, [
    { id: 'totalSupply', contract: rules.token, name: 'totalSupply', value: '1000' },
    { id: 'asked', contract: asked, name: 'quorumNumerator', value: '4' },
    { id: 'own', contract: own, name: 'quorumNumerator', value: '4' },
  ])
  const open = { voteStart: 9, voteEnd: 40 }
  await insertAll(db, Proposal, [
    { id: '1', ...open, governorId: asked },
    { id: '2', ...open, governorId: asked, forVotes: 2n, quorum: 80n },
    { id: '3', ...open, governorId: own },
  ])
  const fields = 'id state quorumNeeded quorumReached quorumUnknown'
  expect((await ask(`{ proposals { nodes { ${fields} } } }`)).data.proposals.nodes).toEqual([
    {
      id: '1',
      state: 'Active',
      quorumNeeded: null,
      quorumReached: null,
      quorumUnknown: expect.stringContaining('is not known before its contract tells it'),
    },
    { id: '2', state: 'Active', quorumNeeded: '80', quorumReached: false, quorumUnknown: null },
    { id: '3', state: 'Active', quorumNeeded: '40', quorumReached: false, quorumUnknown: null },
  ])
})

test('contracts that are set aside are listed with the log and the reason, as of any block', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const aside = { id: account(7), contract: 'GOpen', logIndex: 3, reason: 'a sum has more than 256 bits' }
  await insert(db, SetAsideContract, { ...aside, fromBlock: 20 })
  const fields = 'nodes { id contract logIndex reason fromBlock } totalCount'
  const { data } = await ask(
    `{ setAsideContracts { ${fields} } before: setAsideContracts(asOf: { block: 19 }) { totalCount } }`,
  )
  expect(data).toEqual({
    setAsideContracts: { nodes: [{ ...aside, fromBlock: 20 }], totalCount: 1 },
    before: { totalCount: 0 },
  })
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
