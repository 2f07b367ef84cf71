import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { PPM } from './bps.ts'
import type { AttributedReceipt } from './countedAnswers.ts'
import type { EpochFacts } from './epochFacts.ts'
import { buildRewardMap, type EpochRewardMap } from './rewardMap.ts'
import type { SplitTerms } from './split.ts'
import {
  accountNumber,
  alice,
  asker,
  simpleEpoch as base,
  bob,
  carriedSum,
  feesOf,
  host,
  owner,
  paid,
  receipt,
  simpleTerms,
} from './test/simpleEpoch.ts'

/** Attacks on the settlement of an epoch by documents: they stop nothing, and move nothing but the answers' part of the consumers that they name. */

const without = buildRewardMap({ ...base, receipts: [] })
const toAlice = [{ contributionId: 'a', mass: PPM }]

describe('what somebody writes into a document stops nothing', () => {
  const honest = receipt([{ contributionId: 'b', mass: 500_000n }], 1_000n)
  const settled = buildRewardMap({ ...base, receipts: [honest] })
  test.each<[string, Partial<AttributedReceipt>]>([
    ['a version that was never promoted, so that it earned no fees', { versionId: 'v9' }],
    ['an endpoint that is not on chain', { endpointId: 'e9' }],
    ['a consumer who paid nothing', { consumer: alice }],
    ['a mass above one', { parts: [{ contributionId: 'a', mass: PPM + 1n }] }],
    ['2^200 wei', { fee: 2n ** 200n }],
    ['a receipt that repeats another', { receiptId: 'r1', parts: toAlice, fee: 99_000n }],
  ])('%s: the others are paid as before', (_, change) => {
    const forged = { ...receipt(toAlice, 1_000n), receiptId: 'r0', ...change }
    expect(buildRewardMap({ ...base, receipts: [forged, honest] })).toEqual(settled)
  })

  test('an unknown, a rejected and an excluded contribution are not paid', () => {
    const receipts = [receipt([{ contributionId: 'rejected', mass: PPM }])]
    const map = buildRewardMap({ ...base, receipts })
    expect(map.lines.some(({ source }) => source.id === 'rejected')).toBe(false)
    expect(map.treasury).toBe(10_000n + 18_000n)
    const excluded = [{ contributionId: 'a', fromEpoch: 1n, reason: 'an upheld dispute' }]
    expect(paid(buildRewardMap({ ...base, receipts: [receipt(toAlice)], excluded }), alice)).toBe(0n)
  })
})

test('a host that withholds its documents gains nothing, also when it owns the model', () => {
  for (const unattributedByWeight of [true, false]) {
    const models = [{ ...must(base.models[0]), owner: host, terms: { ...simpleTerms, unattributedByWeight } }]
    const [open, withheld] = [base.receipts, []].map((receipts) => buildRewardMap({ ...base, models, receipts }))
    expect(paid(must(withheld), host)).toBe(paid(must(open), host))
  }
})

test('a version that gives everything to its hosts settles', () => {
  const models = [{ ...must(base.models[0]), terms: onlyHost }]
  expect(paid(buildRewardMap({ ...base, models }), host)).toBe(90_000n)
})

const onlyHost: SplitTerms = { ...simpleTerms, owner: 0n, stakers: 0n, data: 0n, validators: 0n, host: 10_000n }

const pick = <T>(...values: T[]) => fc.constantFrom(...values)
const junk: fc.Arbitrary<AttributedReceipt> = fc.record({
  receiptId: fc.oneof(pick('r1', 'r2', 'r3'), fc.string()),
  endpointId: pick('e1', 'e2', 'e9', ''),
  versionId: pick('v1', 'v2', 'v9', '__proto__'),
  consumer: pick<Hex>(asker, accountNumber(60), accountNumber(61), '0x'),
  fee: fc.oneof(fc.bigInt({ min: -5n, max: 120_000n }), pick(2n ** 256n)),
  parts: fc.array(
    fc.record({
      contributionId: pick('a', 'b', 'c', 'toString', ''),
      mass: fc.oneof(fc.bigInt({ min: -1n, max: PPM + 1n }), pick(PPM, 0n, 2n ** 256n)),
    }),
    { maxLength: 3 },
  ),
})

/** Two versions, two endpoints, three consumers. */
const busy: EpochFacts = {
  ...base,
  usage: [
    ...base.usage,
    { ...must(base.usage[0]), consumer: accountNumber(60), fees: 70_003n },
    { ...must(base.usage[0]), endpointId: 'e2', versionId: 'v2', consumer: accountNumber(60), fees: 30_001n },
    { ...must(base.usage[0]), endpointId: 'e2', versionId: 'v2', consumer: accountNumber(61), fees: 11n },
  ],
  receipts: [],
  versions: [...base.versions, { ...must(base.versions[0]), versionId: 'v2', parentVersionId: 'v1' }],
}

const gained = (map: EpochRewardMap, before: EpochRewardMap) =>
  [...new Set([...map.leaves, ...before.leaves].map(({ account }) => account))]
    .map((account) => ({ account, change: paid(map, account) - paid(before, account) }))
    .filter(({ change }) => change !== 0n)

test('a bundle of arbitrary documents never throws, conserves the fees, and moves at most the answers’ part of the consumers that it names', () => {
  fc.assert(
    fc.property(fc.array(junk, { maxLength: 12 }), fc.boolean(), (receipts, unattributedByWeight) => {
      const models = [{ ...must(base.models[0]), terms: { ...simpleTerms, unattributedByWeight } }]
      const facts = { ...busy, models }
      const [map, before] = [buildRewardMap({ ...facts, receipts }), buildRewardMap(facts)]
      expect(map.total + carriedSum(map.carried)).toBe(feesOf(facts))
      const changes = gained(map, before)
      const who = [alice, bob, facts.treasury]
      expect(changes.filter(({ account }) => !who.includes(account))).toEqual([])
      const named = facts.usage.filter((use) =>
        receipts.some(
          (one) =>
            one.endpointId === use.endpointId && one.versionId === use.versionId && one.consumer === use.consumer,
        ),
      )
      // Of all fees 90 % are left after the platform's share, 40 % of these are for data, half of these for answers.
      const most = named.reduce((sum, { fees }) => sum + (fees * 18n) / 100n, 0n)
      for (const { change } of changes) expect(change <= most + 4n && -change <= most + 4n).toBe(true)
    }),
    { numRuns: 400 },
  )
})

test('a receipt that is split into several moves the same wei', () => {
  const fee = fc.bigInt({ min: 0n, max: 50_000n })
  const parts = fc.bigInt({ min: 0n, max: PPM }).map((mass) => [{ contributionId: 'a', mass }])
  fc.assert(
    fc.property(fee, fee, parts, (first, second, attribution) => {
      const one = buildRewardMap({ ...base, receipts: [receipt(attribution, first + second)] })
      const halves = [first, second].map((fee, i) => ({ ...receipt(attribution, fee), receiptId: `r${i}` }))
      expect(buildRewardMap({ ...base, receipts: halves })).toEqual(one)
    }),
  )
})

test('every order of the facts gives the same map', () => {
  const more: EpochFacts = {
    ...busy,
    models: [
      { ...must(base.models[0]), stakes: [8, 9, 10].map((n) => ({ account: accountNumber(n), amount: BigInt(n) })) },
    ],
    versions: busy.versions.map((one) => ({
      ...one,
      judgements: [4, 5, 6].map((n) => ({ taskId: `${n % 2}`, validator: accountNumber(n), score: 7n })),
    })),
  }
  const shuffle = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length })
  const [version, child] = more.versions as [EpochFacts['versions'][0], EpochFacts['versions'][0]]
  const orders = fc.record({
    usage: shuffle(more.usage),
    contributions: shuffle(more.contributions),
    stakes: shuffle(must(more.models[0]).stakes),
    weights: shuffle(version.weights),
    judgements: shuffle(version.judgements),
    turned: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(junk, { maxLength: 8 }).chain((all) => fc.tuple(fc.constant(all), shuffle(all))),
      orders,
      ([receipts, mixed], o) => {
        const versions = [{ ...version, weights: o.weights, judgements: o.judgements }, child]
        const turned: EpochFacts = {
          ...more,
          usage: o.usage,
          contributions: o.contributions,
          receipts: mixed,
          models: [{ ...must(more.models[0]), stakes: o.stakes }],
          versions: o.turned ? versions.reverse() : versions,
        }
        expect(buildRewardMap(turned)).toEqual(buildRewardMap({ ...more, receipts }))
      },
    ),
    { numRuns: 100 },
  )
})

test('every mandate that the contract accepts settles, and its fees are paid or carried to the wei', () => {
  const share = fc.bigInt({ min: 0n, max: 10_000n })
  const cuts = fc
    .array(share, { minLength: 4, maxLength: 4 })
    .map((all) => [0n, ...all.sort((a, b) => Number(a - b)), 10_000n])
  const terms = fc.record({
    cuts,
    platform: share,
    ancestors: fc.bigInt({ min: 0n, max: 3_000n }),
    dataByWeight: share,
  })
  fc.assert(
    fc.property(
      fc.tuple(terms, terms),
      fc.array(junk, { maxLength: 4 }),
      fc.boolean(),
      (mandates, receipts, nobody) => {
        const models = mandates.map(({ cuts, ...rest }, i) => {
          const [owner, stakers, data, validators, host] = cuts.slice(1).map((cut, n) => cut - must(cuts[n])) as [
            bigint,
            bigint,
            bigint,
            bigint,
            bigint,
          ]
          const split = { ...rest, owner, stakers, data, validators, host, unattributedByWeight: i === 1 }
          return { modelId: `m${i + 1}`, owner: accountNumber(40), terms: split, stakes: [] }
        })
        const versions = busy.versions.map((one, i) => ({
          ...one,
          modelId: `m${i + 1}`,
          ...(nobody && { weights: [], judgements: [] }),
        }))
        const map = buildRewardMap({ ...busy, models, versions, receipts })
        expect(map.total + carriedSum(map.carried)).toBe(feesOf(busy))
      },
    ),
    { numRuns: 200 },
  )
})

test('without documents the whole data part goes by weight', () => {
  expect([paid(without, alice), paid(without, bob), paid(without, owner)]).toEqual([9_000n, 27_000n, 18_000n])
})
