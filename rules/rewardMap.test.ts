import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import type { Debt, EpochFacts } from './epochFacts.ts'
import { RewardTree, verifyProof } from './merkle.ts'
import { buildRewardMap } from './rewardMap.ts'
import {
  accountNumber,
  alice,
  simpleEpoch as base,
  bob,
  carriedSum,
  host,
  owner,
  paid,
  receipt,
  simpleJudge,
  staker,
  simpleTerms as terms,
  treasury,
} from './test/simpleEpoch.ts'

test('a simple epoch, calculated by hand', () => {
  const map = buildRewardMap(base)
  // 100,000: platform 10,000. Of 90,000: owner 18,000, stakers 9,000, validators 9,000, host 18,000, data 36,000, half by
  // weight (1 : 3), half by answer (40 %, 10 %, and 50 % unattributed to the treasury).
  expect(paid(map, owner)).toBe(18_000n)
  expect(paid(map, staker)).toBe(9_000n)
  expect(paid(map, simpleJudge)).toBe(9_000n)
  expect(paid(map, host)).toBe(18_000n)
  expect(paid(map, alice)).toBe(4_500n + 7_200n)
  expect(paid(map, bob)).toBe(13_500n + 1_800n)
  expect(map.treasury).toBe(10_000n + 9_000n)
  expect(map).toMatchObject({ total: 100_000n, carried: [], debts: [] })
})

test('every amount is explained by its formula, and the explanations add up to the leaves', () => {
  const map = buildRewardMap(base)
  for (const line of map.lines) expect((line.pot * line.weight) / line.whole).toBe(line.amount)
  for (const leaf of map.leaves)
    expect(map.lines.filter((line) => line.account === leaf.account).reduce((sum, line) => sum + line.amount, 0n)).toBe(
      leaf.cumulative,
    )
  expect(
    map.lines.map(({ role, account: who, amount, source }) => [role, who, amount, source.kind, source.id]),
  ).toEqual([
    ['platform', treasury, 10_000n, 'version', 'v1'],
    ['owner', owner, 18_000n, 'version', 'v1'],
    ['stakers', staker, 9_000n, 'stake', staker],
    ['answers', alice, 7_200n, 'contribution', 'a'],
    ['answers', bob, 1_800n, 'contribution', 'b'],
    ['unattributed', treasury, 9_000n, 'pot', 'answers'],
    ['data', alice, 4_500n, 'contribution', 'a'],
    ['data', bob, 13_500n, 'contribution', 'b'],
    ['validators', simpleJudge, 9_000n, 'task', 't1'],
    ['host', host, 18_000n, 'endpoint', 'e1'],
  ])
})

test('the lines of answers come by contribution, whatever the order of the parts', () => {
  const parts = ['b', 'a'].map((contributionId) => ({ contributionId, mass: 100_000n }))
  const { lines } = buildRewardMap({ ...base, receipts: [receipt(parts)] })
  expect(lines.filter(({ role }) => role === 'answers').map(({ source }) => source.id)).toEqual(['a', 'b'])
})

test('each version pays the hosts of its own endpoints, and lines come by version', () => {
  const other = accountNumber(33)
  const usage = [
    ...base.usage,
    { ...must(base.usage[0]), endpointId: 'e2', versionId: 'v0', host: other, fees: 50_000n },
  ]
  const versions = [...base.versions, { ...must(base.versions[0]), versionId: 'v0' }]
  const map = buildRewardMap({ ...base, usage, versions })
  expect([paid(map, host), paid(map, other)]).toEqual([18_000n, 9_000n])
  const hosts = map.lines.filter((line) => line.role === 'host')
  expect(hosts.map((line) => [line.versionId, line.account])).toEqual([
    ['v0', other],
    ['v1', host],
  ])
})

test('leaves prove against the root', () => {
  const map = buildRewardMap(base)
  const tree = new RewardTree(map.leaves)
  expect(tree.root).toBe(map.root)
  map.leaves.forEach((leaf, i) => {
    expect(verifyProof(map.root, leaf, tree.proof(i))).toBe(true)
  })
})

test('an excluded contribution earns nothing from its epoch on; its mass goes to nobody, its weight to the others', () => {
  const excluded = [{ contributionId: 'a', fromEpoch: 2n, reason: 'dispute 1' }]
  expect(paid(buildRewardMap({ ...base, excluded }), alice)).toBe(11_700n)
  const next = buildRewardMap({ ...base, excluded, epoch: 2n })
  expect(paid(next, alice)).toBe(0n)
  expect(paid(next, bob)).toBe(18_000n + 1_800n)
  expect(next.treasury).toBe(10_000n + 16_200n)
})

test('what no opened receipt explains goes by version weight, and what nobody has a claim to, to the treasury', () => {
  const models = [{ ...must(base.models[0]), stakes: [] }]
  const map = buildRewardMap({ ...base, models, receipts: [] })
  expect([paid(map, alice), paid(map, bob)]).toEqual([9_000n, 27_000n])
  expect(map.treasury).toBe(10_000n + 9_000n) // the platform's share, and that of stakers
  const versions = [{ ...must(base.versions[0]), weights: [] }]
  expect(buildRewardMap({ ...base, models, versions, receipts: [] }).treasury).toBe(10_000n + 9_000n + 36_000n)
})

test('opened receipts share the part of the answers’ pot that their fees are of the version’s fees', () => {
  const map = buildRewardMap({ ...base, receipts: [receipt([{ contributionId: 'a', mass: 1_000_000n }], 25_000n)] })
  // A quarter of 18,000 is alice's; the other 13,500 are shared 1 : 3.
  expect([paid(map, alice), paid(map, bob)]).toEqual([4_500n + 4_500n + 3_375n, 13_500n + 10_125n])
  expect(map).toMatchObject({ treasury: 10_000n, total: 100_000n, carried: [] })
})

test('what an opened answer leaves unattributed goes to the treasury, or by version weight where the mandate says so', () => {
  expect(buildRewardMap(base).treasury).toBe(10_000n + 9_000n)
  const models = [{ ...must(base.models[0]), terms: { ...terms, unattributedByWeight: true } }]
  const map = buildRewardMap({ ...base, models })
  expect(map.treasury).toBe(10_000n)
  expect([paid(map, alice), paid(map, bob)]).toEqual([4_500n + 7_200n + 2_250n, 13_500n + 1_800n + 6_750n])
  expect(map.lines.filter(({ role }) => role === 'data').map(({ pot }) => pot)).toEqual([27_000n, 27_000n])
  const nobody = buildRewardMap({ ...base, models, versions: [{ ...must(base.versions[0]), weights: [] }] })
  expect(nobody.treasury).toBe(10_000n + 18_000n + 9_000n)
})

describe('ancestors', () => {
  const chain = (length: number): EpochFacts => ({
    ...base,
    usage: [{ ...must(base.usage[0]), versionId: `v${length}` }],
    receipts: [],
    versions: Array.from({ length }, (_, i) => ({
      ...must(base.versions[0]),
      versionId: `v${i + 1}`,
      modelId: `m${i + 1}`,
      parentVersionId: i === 0 ? null : `v${i}`,
      weights: [],
      judgements: [],
    })),
    models: Array.from({ length }, (_, i) => ({
      modelId: `m${i + 1}`,
      owner: accountNumber(100 + i + 1),
      terms: { ...terms, ancestors: 3_000n, owner: 9_000n, host: 1_000n, stakers: 0n, data: 0n, validators: 0n },
      stakes: [],
    })),
  })

  test('a capped share passes up, without a second platform share', () => {
    const map = buildRewardMap(chain(3))
    // 90,000: 27,000 up, 63,000 stay (10 % of it the host's); 8,100 further up, 18,900 stay; no host's part there.
    expect([3, 2, 1].map((n) => paid(map, accountNumber(100 + n)))).toEqual([56_700n, 18_900n, 8_100n])
    expect(paid(map, host)).toBe(6_300n)
    expect(map.treasury).toBe(10_000n)
  })

  test('lines are ordered by version, not by inheritance', () => {
    const facts = chain(2)
    const turned = {
      ...facts,
      versions: facts.versions.map((one, i) => ({ ...one, parentVersionId: i === 0 ? 'v2' : null })),
    }
    const usage = [{ ...must(base.usage[0]), versionId: 'v2' }]
    for (const each of [{ ...facts }, { ...turned, usage: [{ ...must(usage[0]), versionId: 'v1' }] }])
      expect(
        buildRewardMap(each)
          .lines.filter(({ role }) => role === 'owner')
          .map(({ versionId }) => versionId),
      ).toEqual(['v1', 'v2'])
  })

  test('a parent whose mandate gives everything to its hosts inherits nothing', () => {
    const facts = chain(2)
    const [parent, child] = facts.models
    const models = [{ ...must(parent), terms: { ...must(parent).terms, owner: 0n, host: 10_000n } }, must(child)]
    const map = buildRewardMap({ ...facts, models })
    expect(paid(map, accountNumber(102))).toBe(81_000n)
    expect(map).toMatchObject({ total: 100_000n, carried: [] })
  })

  test('a parent that is not among the facts shares nothing', () => {
    const facts = chain(3)
    const known = { ...facts, versions: facts.versions.slice(1) }
    expect([3, 2, 1].map((n) => paid(buildRewardMap(known), accountNumber(100 + n)))).toEqual([56_700n, 27_000n, 0n])
  })

  test('no more than eight generations share', () => {
    const map = buildRewardMap(chain(12))
    expect([12, 11, 4].every((n) => paid(map, accountNumber(100 + n)) > 0n)).toBe(true)
    expect(paid(map, accountNumber(103))).toBe(0n)
    expect(map.total + carriedSum(map.carried)).toBe(100_000n)
  })
})

describe('remainders', () => {
  test('are carried and paid when the pot fills again', () => {
    const thirds = {
      ...base,
      models: [{ ...must(base.models[0]), stakes: [8, 9, 10].map((n) => ({ account: accountNumber(n), amount: 1n })) }],
    }
    const first = buildRewardMap({ ...thirds, usage: [{ ...must(base.usage[0]), fees: 100_011n }], receipts: [] })
    expect(first.total + carriedSum(first.carried)).toBe(100_011n)
    expect(first.carried.length).toBeGreaterThan(0)
    const accounts = first.leaves.map((leaf) => ({ ...leaf, claimed: 0n }))
    const second = buildRewardMap({ ...thirds, epoch: 2n, before: { accounts, carried: first.carried, debts: [] } })
    expect(second.total + carriedSum(second.carried)).toBe(100_000n + carriedSum(first.carried))
  })

  test('from the split into pots go into the pots of the next epoch', () => {
    // 8,999 kept: of 20, 10, 40, 10 and 20 % each is floored, so that 4 wei are left before the pots.
    const first = buildRewardMap({ ...base, usage: [{ ...must(base.usage[0]), fees: 9_998n }], receipts: [] })
    expect(first.carried).toContainEqual({ versionId: 'v1', pot: 'rest', amount: 4n })
    const accounts = first.leaves.map((leaf) => ({ ...leaf, claimed: 0n }))
    const carried = first.carried.filter(({ pot }) => pot === 'rest')
    const second = buildRewardMap({ ...base, epoch: 2n, before: { accounts, carried, debts: [] } })
    // 90,004 are then divided: 3 of these are left again.
    expect(second.carried).toContainEqual({ versionId: 'v1', pot: 'rest', amount: 3n })
    expect(second.total + carriedSum(second.carried)).toBe(100_004n)
  })

  test('of an epoch without fees have no answers and go by weight', () => {
    const carried = [{ versionId: 'v1', pot: 'rest' as const, amount: 10_000n }]
    const usage = [{ ...must(base.usage[0]), fees: 0n }]
    const map = buildRewardMap({ ...base, usage, receipts: [], before: { accounts: [], carried, debts: [] } })
    expect([paid(map, alice), paid(map, bob)]).toEqual([1_000n, 3_000n])
  })

  test('wait in a pot that gets nothing new', () => {
    const models = [{ ...must(base.models[0]), terms: { ...terms, validators: 0n, owner: 3_000n } }]
    const carried = [
      { versionId: 'v1', pot: 'validators' as const, amount: 7n },
      { versionId: 'v0', pot: 'owner' as const, amount: 2n },
    ]
    const map = buildRewardMap({ ...base, models, before: { accounts: [], carried, debts: [] } })
    expect(paid(map, simpleJudge)).toBe(0n)
    expect(map.carried).toEqual([carried[1], carried[0]])
  })

  test('wait untouched for a version that is not served', () => {
    const carried = [
      { versionId: 'v0', pot: 'stakers' as const, amount: 7n },
      { versionId: 'v1', pot: 'answers' as const, amount: 3n },
    ]
    const idle = buildRewardMap({ ...base, usage: [], receipts: [], before: { accounts: [], carried, debts: [] } })
    expect(idle).toMatchObject({ total: 0n, carried, leaves: [] })
  })
})

describe('corrections', () => {
  const debt: Debt = { account: alice, amount: 15_000n, to: bob, reason: 'dispute 9' }
  const run = (claimed: bigint, corrections = [debt]) =>
    buildRewardMap({
      ...base,
      epoch: 2n,
      corrections,
      before: { accounts: [{ account: alice, cumulative: 10_000n, claimed }], carried: [], debts: [] },
    })

  test('reduce future payments and give them to the creditor', () => {
    const map = run(0n)
    expect(paid(map, alice)).toBe(10_000n + 11_700n - 15_000n)
    expect(paid(map, bob)).toBe(15_300n + 15_000n)
    expect(map).toMatchObject({ total: 100_000n, debts: [] })
  })

  test('never go below what was claimed; the deficit is carried and paid from later earnings', () => {
    const map = run(10_000n)
    expect(paid(map, alice)).toBe(10_000n)
    expect(map.debts).toEqual([{ ...debt, amount: 3_300n }])
    const accounts = map.leaves.map((leaf) => ({ ...leaf, claimed: leaf.cumulative }))
    const next = buildRewardMap({ ...base, epoch: 3n, before: { accounts, carried: [], debts: map.debts } })
    expect(paid(next, alice)).toBe(10_000n + 11_700n - 3_300n)
    expect(next.debts).toEqual([])
    expect(next.total).toBe(100_000n)
  })
})

test.each<[string, Partial<EpochFacts>, RegExp]>([
  [
    'an unknown version',
    { usage: [{ ...must(base.usage[0]), versionId: 'v9' }], receipts: [] },
    /Version v9, named by endpoint e1/,
  ],
  [
    'a stake twice',
    { models: [{ ...must(base.models[0]), stakes: [staker, staker].map((who) => ({ account: who, amount: 1n })) }] },
    /given twice/,
  ],
  ['terms that do not sum', { models: [{ ...must(base.models[0]), terms: { ...terms, host: 0n } }] }, /sum to 8000/],
  [
    'claims above the leaf',
    { before: { ...base.before, accounts: [{ account: alice, cumulative: 1n, claimed: 2n }] } },
    /same finalised block/,
  ],
  [
    'a negative stake',
    { models: [{ ...must(base.models[0]), stakes: [{ account: staker, amount: -1n }] }] },
    /negative/,
  ],
])('%s is refused, and the error names the wrong fact', (_, change, message) => {
  expect(() => buildRewardMap({ ...base, ...change })).toThrow(message)
})
