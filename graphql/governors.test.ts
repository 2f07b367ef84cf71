import { expect, test } from 'vitest'
import { Governor, GovernorSetting, Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

/** The edge cases of the metrics, and several Governors at once. `governance.test.ts` checks them on random histories of one. */

const [HERE, THERE, BLIND] = [account(0x61), account(0x62), account(0x63)]
const [OURS, THEIRS] = [account(0x71), account(0x72)]
const [ANN, BOB, EVE] = [account(1), account(2), account(3)]

const METRICS = `{ governors(orderBy: [{ field: id }]) { nodes { id
  concentration(tops: null) { accounts topShares { top } }
  voters(first: 2) { account power voted weight eligible participation decided withOutcome agreement proposed }
  voter(account: "${ANN}") { voted weight power eligible participation }
  delegations(delegates: 1, edges: 1) { delegated undelegated delegates { account votes received } edges { delegator amount } }
} } }`

test('several Governors are separate, with as many statements as for one', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 60)
  const rules = { clock: 'BlockNumber', quorumDenominator: 100n } as const
  await insertAll(db, Governor, [
    { id: HERE, token: OURS, fixedQuorum: 5n, ...rules },
    { id: THERE, token: THEIRS, fixedQuorum: 500n, ...rules },
    { id: BLIND, token: null, ...rules },
  ])
  const holder = (token: string, who: string, votes: bigint, delegate: string | null) => ({
    id: `${token}-${who}`,
    token,
    account: who,
    votes,
    balance: votes,
    delegate,
  })
  await insertAll(db, Holder, [
    holder(OURS, ANN, 10n, ANN),
    holder(OURS, BOB, 7n, ANN),
    holder(THEIRS, ANN, 3n, null),
    holder(THEIRS, EVE, 9n, EVE),
  ])
  const over = { voteStart: 10, voteEnd: 20 }
  await insertAll(db, Proposal, [
    { id: 'h1', governorId: HERE, proposer: ANN, forVotes: 10n, ...over },
    { id: 'h2', governorId: HERE, proposer: BOB, forVotes: 1n, ...over },
    { id: 't1', governorId: THERE, proposer: ANN, forVotes: 12n, ...over },
    { id: 'b1', governorId: BLIND, proposer: ANN, forVotes: 12n, ...over },
  ])
  const vote = (proposalId: string, voter: string, weight: bigint, support = 1) => ({
    id: `${proposalId}-${voter}`,
    proposalId,
    voter,
    weight,
    support,
  })
  await insertAll(db, Vote, [
    vote('h1', ANN, 10n),
    vote('h2', ANN, 1n, 0),
    vote('h1', BOB, 7n),
    vote('h1', EVE, 1n),
    vote('t1', ANN, 3n),
    vote('t1', EVE, 9n),
    vote('b1', ANN, 12n, 255),
  ])
  statements()
  const { data, errors } = await ask(METRICS)
  expect(errors).toBeUndefined()
  expect(statements()).toHaveLength(6)
  const none = { power: null, eligible: null, participation: null }
  const [here, there, blind] = data.governors.nodes
  expect(here).toEqual({
    id: HERE,
    concentration: { accounts: 2, topShares: [{ top: 1 }, { top: 10 }, { top: 100 }] },
    voters: [
      // h1 passed; h2 fell short of the quorum
      {
        account: ANN,
        power: '10',
        voted: 2,
        weight: '11',
        eligible: 2,
        participation: 1_000_000,
        decided: 2,
        withOutcome: 2,
        agreement: 1_000_000,
        proposed: 1,
      },
      {
        account: BOB,
        power: '7',
        voted: 1,
        weight: '7',
        eligible: 2,
        participation: 500_000,
        decided: 1,
        withOutcome: 1,
        agreement: 1_000_000,
        proposed: 1,
      },
    ],
    voter: { voted: 2, weight: '11', power: '10', eligible: 2, participation: 1_000_000 },
    delegations: {
      delegated: '17',
      undelegated: '0',
      delegates: [{ account: ANN, votes: '10', received: '7' }],
      edges: [{ delegator: ANN, amount: '10' }],
    },
  })
  expect(there).toMatchObject({
    voters: [
      { account: EVE, weight: '9', eligible: 1, decided: 1, withOutcome: 0, agreement: 0, proposed: 0 },
      { account: ANN, weight: '3', eligible: 1, decided: 1, withOutcome: 0, proposed: 1 },
    ],
    voter: { voted: 1, weight: '3', power: '3' },
    delegations: { delegated: '9', undelegated: '3', delegates: [{ account: EVE, votes: '9', received: '0' }] },
  })
  expect(blind).toEqual({
    id: BLIND,
    concentration: null,
    // split support is no side, and without a known quorum only a defeat is certain
    voters: [
      { account: ANN, voted: 1, weight: '12', decided: 0, withOutcome: 0, agreement: null, proposed: 1, ...none },
    ],
    voter: { voted: 1, weight: '12', ...none },
    delegations: null,
  })
  const alone = await ask(METRICS.replace('orderBy', `where: { id: { eq: "${THERE}" } }, orderBy`))
  expect(alone.data.governors.nodes).toEqual([there])
})

test('only proposals with a known, final outcome count as decided, not cancelled ones', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 60)
  await insert(db, Governor, { id: HERE, token: null, clock: 'BlockNumber', kind: 'Bravo', counting: 'For' })
  const over = { governorId: HERE, voteStart: 10, voteEnd: 20, forVotes: 9n, eta: blockTime(30) }
  await insertAll(db, Proposal, [
    { id: 'queued', ...over },
    { id: 'executed', ...over, executed: true },
    { id: 'stopped', ...over, canceled: true },
    { id: 'unknown', ...over, eta: null },
    { id: 'short', ...over, eta: null, quorum: 10n },
    { id: 'reached', ...over, eta: null, quorum: 9n, abstainVotes: 1n },
    { id: 'open', ...over, eta: null, quorum: 1n, voteEnd: 60 },
  ])
  const ids = ['queued', 'executed', 'stopped', 'unknown', 'short', 'reached', 'open']
  await insertAll(
    db,
    Vote,
    ids.map((proposalId) => ({ id: `${proposalId}-a`, proposalId, voter: ANN, support: 1, weight: 1n })),
  )
  const { data } = await ask('{ governors { nodes { voters { voted for decided withOutcome agreement } } } }')
  expect(data.governors.nodes[0].voters).toEqual([{ voted: 7, for: 7, decided: 4, withOutcome: 3, agreement: 750_000 }])
})

test('more votes than the supply, no votes, and invalid sizes', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 60)
  await insert(db, Governor, { id: HERE, token: OURS, clock: 'BlockNumber' })
  await insert(db, GovernorSetting, { id: 'totalSupply', contract: OURS, name: 'totalSupply', value: '10' })
  const terms = { governorId: HERE, voteStart: 10, voteEnd: 20 }
  await insertAll(db, Proposal, [
    { id: '1', ...terms, forVotes: 2n ** 208n },
    { id: '2', ...terms },
  ])
  await insert(db, Vote, { id: '1-a', proposalId: '1', voter: ANN, support: 1, weight: 2n ** 208n })
  const { data, errors } = await ask(
    '{ proposals(orderBy: [{ field: id }]) { nodes { turnout { votes voters share } contentiousness concentration { nakamoto gini total topShares { share } } participationBySize { from } } } }',
  )
  expect(errors).toBeUndefined()
  expect(data.proposals.nodes).toEqual([
    {
      turnout: { votes: String(2n ** 208n), voters: 1, share: 2 ** 31 - 1 },
      contentiousness: 0,
      concentration: {
        nakamoto: 1,
        gini: 0,
        total: String(2n ** 208n),
        topShares: [1, 2, 3].map(() => ({ share: 1_000_000 })),
      },
      participationBySize: [],
    },
    {
      turnout: { votes: '0', voters: 0, share: 0 },
      contentiousness: null,
      concentration: { nakamoto: 0, gini: null, total: '0', topShares: [] },
      participationBySize: [],
    },
  ])
  const refuse = async (field: string) =>
    (await ask(`{ governors { nodes { ${field} } } }`)).errors?.[0]?.extensions.code
  expect(await refuse('concentration(tops: [0]) { gini }')).toBe('BAD_INPUT')
  expect(await refuse(`concentration(tops: [${Array(21).fill(1)}]) { gini }`)).toBe('BAD_INPUT')
  expect(await refuse('voters(first: -1) { account }')).toBe('BAD_INPUT')
  expect(await refuse('voter(account: "vitalik.eth") { voted }')).toBe('BAD_INPUT')
  expect(await refuse('concentration(tops: [2147483647]) { gini }')).toBeUndefined()
})

test('where only locked tokens vote, delegations are of locked tokens, and holdings are of both', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  await insert(db, Governor, { id: HERE, token: OURS, fixedQuorum: 5n, clock: 'BlockNumber', quorumDenominator: 100n })
  const holder = (who: string, balance: bigint, locked: bigint, delegate: string | null, votes: bigint) => ({
    id: `${OURS}-${who}`,
    token: OURS,
    account: who,
    balance,
    locked,
    delegate,
    votes,
  })
  await insertAll(db, Holder, [
    holder(ANN, 90n, 10n, ANN, 17n),
    holder(BOB, 0n, 7n, ANN, 0n),
    holder(EVE, 50n, 0n, EVE, 0n),
    holder(OURS, 17n, 0n, null, 0n), // the contract holds what is locked
  ])
  const { data, errors } = await ask(`{ overview { holders } governors { nodes {
    concentration(of: Balances, tops: [1]) { accounts total topShares { amount } }
    delegations { delegated undelegated delegates { account own received } edges { delegator amount } }
  } } }`)
  expect(errors).toBeUndefined()
  expect(data.overview.holders).toBe(3)
  expect(data.governors.nodes[0]).toEqual({
    concentration: { accounts: 3, total: '157', topShares: [{ amount: '100' }] },
    delegations: {
      delegated: '17',
      undelegated: '0',
      delegates: [{ account: ANN, own: '10', received: '7' }],
      edges: [
        { delegator: ANN, amount: '10' },
        { delegator: BOB, amount: '7' },
      ],
    },
  })
})
