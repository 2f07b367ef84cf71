import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { type EpochFacts, indexFacts } from './epochFacts.ts'
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
  unattributedByWeight: false,
}
const use = { endpointId: 'e1', versionId: 'v1', consumer: account(8), host: account(3), fees: 100n }
const weight = { contributionId: 'a', weight: 1n }
const version = { versionId: 'v1', modelId: 'm1', parentVersionId: null, weights: [weight], judgements: [] }
const model = { modelId: 'm1', owner: account(2), terms, stakes: [{ account: account(0xab), amount: 0n }] }
const facts: EpochFacts = {
  chain: 1n,
  distributor: account(9),
  epoch: 5n,
  treasury: account(1),
  usage: [use],
  receipts: [],
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

test('the fees of a version are the sum over its endpoints and consumers; versions and endpoints come in the order of their ids', () => {
  const usage = [
    { ...use, versionId: '10' },
    { ...use, versionId: '2', endpointId: '9' },
    { ...use, versionId: '2', endpointId: '10', fees: 1n },
    { ...use, versionId: '2', endpointId: '9', consumer: account(7), fees: 5n },
  ]
  const versions = ['10', '2', '3'].map((versionId) => ({ ...version, versionId }))
  const { fees, hosts } = indexFacts({ ...facts, versions, usage })
  expect([...fees]).toEqual([
    ['2', 106n],
    ['10', 100n],
  ])
  expect(hosts.get('2')).toEqual([
    { endpointId: '9', host: account(3), fees: 105n },
    { endpointId: '10', host: account(3), fees: 1n },
  ])
})

test('a contribution cannot earn from the epoch on from which it is excluded', () => {
  const contributions = ['a', 'b', 'c'].map((contributionId) => ({ contributionId, contributor: account(4) }))
  const excluded = [4n, 5n, 6n].map((fromEpoch, i) => ({ contributionId: 'abc'.charAt(i), fromEpoch, reason: '' }))
  expect([...indexFacts({ ...facts, contributions, excluded }).contributors.keys()]).toEqual(['c'])
})

test('a parent that is not among the facts is none', () => {
  expect(() => indexFacts({ ...facts, versions: [{ ...version, parentVersionId: 'v0' }] })).not.toThrow()
})

describe('facts that contradict each other are refused', () => {
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
    ['usage twice', { usage: [use, use] }, /Usage of e1 by version v1 for 0x0+8 is given twice/],
    ['usage of an unknown version', { usage: [{ ...use, versionId: 'v9' }] }, /Version v9, named by endpoint e1/],
    ['negative fees', { usage: [{ ...use, fees: -1n }] }, /The fee total of endpoint e1 is negative: -1/],
  ])('%s', (_, change, message) => {
    expect(() => indexFacts({ ...facts, ...change })).toThrow(message)
  })
})
