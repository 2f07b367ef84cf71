import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import type { EpochFacts } from './epochFacts.ts'
import { buildRewardMap } from './rewardMap.ts'
import {
  accountNumber,
  alice,
  asker,
  simpleEpoch as base,
  bob,
  carriedSum,
  feesOf,
  host,
  paid,
  treasury,
} from './test/simpleEpoch.ts'

test('splitting an account never gains: staker, contributor, validator, host', () => {
  const size = fc.bigInt({ min: 2n, max: 1_000_000n })
  const others = fc.array(size, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 20n }),
      size,
      fc.bigInt({ min: 0n, max: 1_000n }),
      others,
      (fees, mine, cut, rest) => {
        const [me, twin] = [accountNumber(500), accountNumber(501)]
        const part = (mine * cut) / 1_000n
        const build = (parts: [Hex, bigint][]): EpochFacts => {
          const rows = [...parts, ...rest.map((amount, i) => [accountNumber(600 + i), amount] as [Hex, bigint])]
          const total = rows.reduce((sum, [, amount]) => sum + amount, 0n)
          return {
            ...base,
            usage: rows.map(([who, amount], i) => ({
              endpointId: `e${i}`,
              versionId: 'v1',
              consumer: asker,
              host: who,
              fees: amount * fees,
            })),
            receipts: [
              {
                receiptId: 'r',
                endpointId: 'e0',
                versionId: 'v1',
                consumer: asker,
                fee: must(rows[0])[1] * fees,
                parts: rows.map(([, amount], i) => ({ contributionId: `c${i}`, mass: (amount * 1_000n) / total })),
              },
            ],
            contributions: rows.map(([contributor], i) => ({ contributionId: `c${i}`, contributor })),
            models: [{ ...must(base.models[0]), stakes: rows.map(([who, amount]) => ({ account: who, amount })) }],
            versions: [
              {
                ...must(base.versions[0]),
                weights: rows.map(([, weight], i) => ({ contributionId: `c${i}`, weight })),
                judgements: rows.map(([validator, score], i) => ({ taskId: `t${i}`, validator, score })),
              },
            ],
          }
        }
        const alone = buildRewardMap({ ...build([[me, mine]]), receipts: [] })
        const apart = buildRewardMap({
          ...build([
            [me, part],
            [twin, mine - part],
          ]),
          receipts: [],
        })
        expect(paid(apart, me) + paid(apart, twin) <= paid(alone, me)).toBe(true)
        const facts = build([
          [me, part],
          [twin, mine - part],
        ])
        const map = buildRewardMap(facts)
        expect(map.total + carriedSum(map.carried)).toBe(feesOf(facts))
      },
    ),
    { numRuns: 60 },
  )
})

test('over random epochs: fees are paid or carried to the wei, and nothing falls below what was claimed', () => {
  const cut = fc.integer({ min: 0, max: 100 })
  const epoch = fc.record({
    fees: fc.bigInt({ min: 0n, max: 10n ** 19n }),
    masses: fc.array(fc.bigInt({ min: 0n, max: 333_333n }), { minLength: 3, maxLength: 3 }),
    claimed: fc.array(cut, { minLength: 12, maxLength: 12 }),
    fine: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    excluded: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(epoch, { minLength: 1, maxLength: 5 }), (epochs) => {
      let before: EpochFacts['before'] = { accounts: [], carried: [], debts: [] }
      let [allFees, allTotals] = [0n, 0n]
      epochs.forEach((e, i) => {
        const map = buildRewardMap({
          ...base,
          epoch: BigInt(i + 1),
          usage: [{ endpointId: 'e1', versionId: 'v2', consumer: asker, host, fees: e.fees }],
          receipts: [
            {
              receiptId: `r${i}`,
              endpointId: 'e1',
              versionId: 'v2',
              consumer: asker,
              fee: e.fees / 2n,
              parts: e.masses.map((mass, n) => ({ contributionId: must('abc'[n]), mass })),
            },
          ],
          contributions: [...base.contributions, { contributionId: 'c', contributor: alice }],
          versions: [...base.versions, { ...must(base.versions[0]), versionId: 'v2', parentVersionId: 'v1' }],
          models: [
            {
              ...must(base.models[0]),
              stakes: [8, 9, 10].map((n) => ({ account: accountNumber(n), amount: BigInt(n) })),
            },
          ],
          excluded: e.excluded ? [{ contributionId: 'b', fromEpoch: 2n, reason: 'dispute' }] : [],
          corrections: [
            { account: alice, amount: e.fine, to: null, reason: `fine ${i}` },
            { account: treasury, amount: e.fine / 3n, to: bob, reason: `back ${i}` },
          ],
          before,
        })
        allFees += e.fees
        allTotals += map.total
        expect(allTotals + carriedSum(map.carried)).toBe(allFees)
        expect(map.leaves.reduce((sum, leaf) => sum + leaf.cumulative, 0n)).toBe(allTotals)
        for (const { account: who, claimed } of before.accounts) expect(paid(map, who) >= claimed).toBe(true)
        const accounts = map.leaves.map((leaf, n) => ({
          ...leaf,
          claimed: (leaf.cumulative * BigInt(must(e.claimed[n % 12]))) / 100n,
        }))
        before = { accounts, carried: map.carried, debts: map.debts }
      })
    }),
    { numRuns: 80 },
  )
})

test('the order of the facts does not change the root', () => {
  const facts: EpochFacts = {
    ...base,
    usage: [...base.usage, { endpointId: 'e2', versionId: 'v1', consumer: asker, host: accountNumber(33), fees: 77n }],
  }
  const turned: EpochFacts = {
    ...facts,
    usage: [...facts.usage].reverse(),
    contributions: [...facts.contributions].reverse(),
    versions: facts.versions.map((v) => ({ ...v, weights: [...v.weights].reverse() })),
  }
  expect(buildRewardMap(turned).root).toBe(buildRewardMap(facts).root)
})
