import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { type AttributedReceipt, type EpochFacts, indexFacts } from './epochFacts.ts'
import type { SplitTerms } from './split.ts'

const account = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`
const terms: SplitTerms = {
  platform: 0n,
  owner: 10_000n,
  stakers: 0n,
  data: 0n,
  validators: 0n,
  host: 0n,
  ancestors: 0n,
  dataByWeight: 0n,
  unattributed: null,
}
const use = { endpointId: 'e1', versionId: 'v1', host: account(3), fees: 100n }
const receipt: AttributedReceipt = { receiptId: 'r1', endpointId: 'e1', versionId: 'v1', fee: 60n, parts: [] }
const weight = { contributionId: 'a', weight: 1n }
const version = { versionId: 'v1', modelId: 'm1', parentVersionId: null, weights: [weight], judgements: [] }
const model = { modelId: 'm1', owner: account(2), terms, stakes: [{ account: account(0xab), amount: 0n }] }
const facts: EpochFacts = {
  chain: 1n,
  distributor: account(9),
  epoch: 5n,
  treasury: account(1),
  usage: [use],
  receipts: [receipt],
  versions: [version],
  models: [model],
  contributions: [{ contributionId: 'a', contributor: `0x${'AB'.repeat(20)}` }],
  excluded: [],
  corrections: [],
  before: { accounts: [], carried: [], debts: [] },
}
const upper = (address: Hex): Hex => `0x${address.slice(2).toUpperCase()}`

test('facts are found by id, contributors in lower case', () => {
  const index = indexFacts(facts)
  expect([...index.versions]).toEqual([['v1', version]])
  expect([...index.models]).toEqual([['m1', model]])
  expect([...index.contributors]).toEqual([['a', `0x${'ab'.repeat(20)}`]])
})

test('the fees of a version are the sum over its endpoints, in ascending order of version', () => {
  const usage = ['v2', 'v3', 'v1', 'v1'].map((versionId, i) => ({ ...use, versionId, endpointId: `e${i}`, fees: 10n }))
  const versions = ['v1', 'v2', 'v3'].map((versionId) => ({ ...version, versionId }))
  const { fees } = indexFacts({ ...facts, receipts: [], versions, usage })
  expect([...fees]).toEqual([
    ['v1', 20n],
    ['v2', 10n],
    ['v3', 10n],
  ])
})

test('a contribution is excluded from its epoch on', () => {
  const excluded = [4n, 5n, 6n].map((fromEpoch) => ({ contributionId: `from ${fromEpoch}`, fromEpoch, reason: '' }))
  expect([...indexFacts({ ...facts, excluded }).excluded]).toEqual(['from 4', 'from 5'])
})

test('receipts may explain all fees and the whole answer, and a free answer costs nothing', () => {
  const rest = { ...receipt, receiptId: 'r2', fee: 40n, parts: [{ contributionId: 'a', mass: 1_000_000n }] }
  const free = { ...receipt, receiptId: 'r3', fee: 0n }
  expect(indexFacts({ ...facts, receipts: [receipt, rest, free] }).fees.get('v1')).toBe(100n)
})

describe('facts that contradict each other are refused', () => {
  const beyond = /receipts of endpoint e1 by version v1 exceed the fees settled for it, at receipt r/
  test.each<[string, Partial<EpochFacts>, RegExp]>([
    ['a version twice', { versions: [version, version] }, /Version v1 is given twice/],
    ['a model twice', { models: [model, model] }, /Model m1 is given twice/],
    [
      'a contribution twice',
      { contributions: [...facts.contributions, ...facts.contributions] },
      /Contribution a is given twice/,
    ],
    [
      'a stake twice, in another case',
      { models: [{ ...model, stakes: [...model.stakes, { account: upper(account(0xab)), amount: 1n }] }] },
      /Stake in model m1 of 0x0+ab is given twice/,
    ],
    [
      'a negative stake',
      { models: [{ ...model, stakes: [{ account: account(4), amount: -1n }] }] },
      /The stake of 0x0+4 in model m1 is negative: -1/,
    ],
    ['terms that do not sum', { models: [{ ...model, terms: { ...terms, owner: 1n } }] }, /sum to 1 basis points/],
    ['a version of an unknown model', { models: [] }, /Model m1, named by version v1, is not among the facts/],
    [
      'a version without its parent',
      { versions: [{ ...version, parentVersionId: 'v0' }] },
      /Version v0, named by version v1/,
    ],
    ['a weight twice', { versions: [{ ...version, weights: [weight, weight] }] }, /Weight in version v1 of a is given/],
    ['a weight of an unknown contribution', { contributions: [] }, /Contribution a, named by version v1/],
    ['usage twice', { usage: [use, use] }, /Usage of e1 by version v1 is given twice/],
    [
      'usage of an unknown version',
      { receipts: [], usage: [{ ...use, versionId: 'v9' }] },
      /Version v9, named by endpoint e1/,
    ],
    ['negative fees', { receipts: [], usage: [{ ...use, fees: -1n }] }, /The fee total of endpoint e1 is negative: -1/],
    ['a receipt twice', { receipts: [receipt, receipt] }, /Receipt r1 is given twice/],
    ['a receipt beyond the fees', { receipts: [{ ...receipt, fee: 101n }] }, beyond],
    ['receipts that together exceed them', { receipts: [receipt, { ...receipt, receiptId: 'r2', fee: 41n }] }, beyond],
    ['a receipt with a negative fee', { receipts: [{ ...receipt, fee: -1n }] }, beyond],
    [
      'a free receipt of an endpoint without usage',
      { receipts: [{ ...receipt, endpointId: 'e9', fee: 0n }] },
      /endpoint e9 by version v1 exceed/,
    ],
    [
      'a negative mass',
      { receipts: [{ ...receipt, parts: [{ contributionId: 'a', mass: -1n }] }] },
      /Receipt r1 gives contribution a a negative mass/,
    ],
    [
      'a mass for an unknown contribution',
      { receipts: [{ ...receipt, parts: [{ contributionId: 'z', mass: 1n }] }] },
      /Contribution z, named by receipt r1/,
    ],
    [
      'masses above the answer',
      { receipts: [{ ...receipt, parts: [600_000n, 400_001n].map((mass) => ({ contributionId: 'a', mass })) }] },
      /Receipt r1 attributes 1000001 ppm/,
    ],
  ])('%s', (_, change, message) => {
    expect(() => indexFacts({ ...facts, ...change })).toThrow(message)
  })
})
