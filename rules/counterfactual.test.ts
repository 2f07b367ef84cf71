import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { counterfactual, without } from './counterfactual.ts'
import type { EpochFacts } from './epochFacts.ts'

const account = (n: number) => `0x${n.toString(16).padStart(40, '0')}` as Hex
const [treasury, owner, alice, bob, eve, judge, other] = [1, 2, 3, 4, 5, 6, 7].map(account) as [
  Hex,
  Hex,
  Hex,
  Hex,
  Hex,
  Hex,
  Hex,
]

const facts: EpochFacts = {
  chain: 1n,
  distributor: account(99),
  epoch: 4n,
  treasury,
  usage: [{ endpointId: 'e', versionId: 'v', consumer: other, host: owner, fees: 100_000n }],
  receipts: [
    {
      receiptId: 'r',
      endpointId: 'e',
      versionId: 'v',
      consumer: other,
      fee: 100_000n,
      parts: [
        { contributionId: 'a', mass: 500_000n },
        { contributionId: 'b', mass: 250_000n },
      ],
    },
  ],
  versions: [
    {
      versionId: 'v',
      modelId: 'm',
      parentVersionId: null,
      weights: [
        { contributionId: 'a', weight: 2n },
        { contributionId: 'b', weight: 2n },
        { contributionId: 'copy', weight: 0n },
      ],
      judgements: [
        { taskId: 't', validator: judge, score: 3n },
        { taskId: 't', validator: other, score: 1n },
      ],
    },
  ],
  models: [
    {
      modelId: 'm',
      owner,
      stakes: [],
      terms: {
        platform: 0n,
        owner: 0n,
        stakers: 0n,
        data: 8_000n,
        validators: 2_000n,
        host: 0n,
        ancestors: 0n,
        dataByWeight: 5_000n,
        unattributedByWeight: false,
      },
    },
  ],
  contributions: [
    { contributionId: 'a', contributor: alice },
    { contributionId: 'b', contributor: bob },
    { contributionId: 'copy', contributor: eve },
  ],
  excluded: [{ contributionId: 'copy', fromEpoch: 1n, reason: 'duplicate of a' }],
  corrections: [],
  before: { accounts: [], carried: [], debts: [] },
}

test('without a contribution its author loses everything, its weight goes to the others, its answers to nobody', () => {
  expect(counterfactual(facts, { kind: 'contribution', contributionId: 'a' })).toEqual(
    [
      { account: alice, actual: 40_000n, without: 0n, difference: 40_000n },
      { account: treasury, actual: 10_000n, without: 30_000n, difference: -20_000n },
      { account: bob, actual: 30_000n, without: 50_000n, difference: -20_000n },
    ].sort((x, y) => (x.difference > 30_000n ? -1 : y.difference > 30_000n ? 1 : x.account < y.account ? -1 : 1)),
  )
})

test('without a judgement its pot goes to the others', () => {
  expect(counterfactual(facts, { kind: 'judgement', taskId: 't', validator: judge })).toEqual([
    { account: judge, actual: 15_000n, without: 0n, difference: 15_000n },
    { account: other, actual: 5_000n, without: 20_000n, difference: -15_000n },
  ])
})

test('without the original, its copy takes its place', () => {
  expect(counterfactual(facts, { kind: 'duplicate', original: 'a', duplicate: 'copy' })).toEqual([
    { account: alice, actual: 40_000n, without: 0n, difference: 40_000n },
    { account: eve, actual: 0n, without: 40_000n, difference: -40_000n },
  ])
})

test('the copy’s own entries go: it has what the original had, no more', () => {
  const own = <T extends { contributionId: string }>(item: T) => ({ ...item, contributionId: 'copy' })
  const versions = facts.versions.map((version) => ({
    ...version,
    weights: version.weights.flatMap((one) =>
      one.contributionId === 'copy' ? [] : one.contributionId === 'a' ? [own(one), one] : [one],
    ),
  }))
  const receipts = facts.receipts.map((one) => ({
    ...one,
    parts: [...one.parts, { contributionId: 'copy', mass: 250_000n }],
  }))
  const removal = { kind: 'duplicate', original: 'a', duplicate: 'copy' } as const
  const twice = without({ ...facts, versions, receipts }, removal)
  const once = without(facts, removal)
  expect(must(twice.versions[0]).weights).toEqual(must(once.versions[0]).weights.filter(({ weight }) => weight > 0n))
  expect(must(twice.receipts[0]).parts).toEqual(must(once.receipts[0]).parts)
})

test('nothing is left of a removed contribution', () => {
  const left = without(facts, { kind: 'contribution', contributionId: 'a' })
  expect(must(left.versions[0]).weights.map((one) => one.contributionId)).toEqual(['b', 'copy'])
  expect(must(left.receipts[0]).parts.map((one) => one.contributionId)).toEqual(['b'])
})

test('nothing else is removed: other versions, judgements and exclusions stay', () => {
  const [version] = facts.versions
  const otherVersions = [...facts.versions, { ...must(version), versionId: 'unserved', judgements: [], weights: [] }]
  const more = {
    ...facts,
    versions: otherVersions,
    excluded: [...facts.excluded, { contributionId: 'b', fromEpoch: 1n, reason: 'a dispute' }],
  }
  expect(counterfactual(more, { kind: 'judgement', taskId: 't', validator: judge })).toMatchObject([
    { account: judge, difference: 15_000n },
    { account: other, difference: -15_000n },
  ])
  // b earns nothing either way: alice has the whole weight and half the answers.
  expect(counterfactual(more, { kind: 'duplicate', original: 'a', duplicate: 'copy' })).toEqual([
    { account: alice, actual: 60_000n, without: 0n, difference: 60_000n },
    { account: eve, actual: 0n, without: 60_000n, difference: -60_000n },
  ])
})

test('the largest change comes first, gain or loss', () => {
  const judgements = [
    { taskId: 't', validator: judge, score: 1n },
    { taskId: 't', validator: other, score: 8n },
    { taskId: 't', validator: bob, score: 7n },
    { taskId: 'u', validator: judge, score: 4n },
  ]
  const versions = facts.versions.map((version) => ({ ...version, judgements }))
  const changes = counterfactual({ ...facts, versions }, { kind: 'judgement', taskId: 't', validator: other })
  expect(changes.map(({ account: who, difference }) => [who, difference])).toEqual([
    [other, 8_000n],
    [bob, -4_666n],
    [judge, -3_332n],
  ])
})

test('removing something that earns nothing changes nothing, and no money is created or lost', () => {
  expect(counterfactual(facts, { kind: 'contribution', contributionId: 'copy' })).toEqual([])
  const moved = counterfactual(facts, { kind: 'contribution', contributionId: 'b' })
  expect(moved.reduce((sum, marginal) => sum + marginal.difference, 0n)).toBe(0n)
})

test('removing something unknown is an error, not "no difference"', () => {
  expect(() => counterfactual(facts, { kind: 'contribution', contributionId: 'z' })).toThrow(/no contribution z/)
  expect(() => counterfactual(facts, { kind: 'judgement', taskId: 'z', validator: judge })).toThrow(/no judgement/)
})
