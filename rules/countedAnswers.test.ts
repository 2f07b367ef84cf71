import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { type AttributedReceipt, countedAnswers } from './countedAnswers.ts'

const asker: Hex = `0x${'ab'.repeat(20)}`
const other: Hex = `0x${'cd'.repeat(20)}`
const use = { endpointId: '1', versionId: '7', consumer: asker, fees: 100n }
const receipt: AttributedReceipt = {
  receiptId: 'r1',
  endpointId: '1',
  versionId: '7',
  consumer: asker,
  fee: 60n,
  parts: [{ contributionId: 'a', mass: 1_000n }],
}
const contributors = new Map([
  ['a', asker],
  ['b', other],
])
const answersOf = (receipts: AttributedReceipt[], usage = [use]) =>
  [...countedAnswers({ usage, receipts }, contributors)].map(([id, { fees, masses }]) => [id, fees, [...masses]])

test('masses are added by version and contribution, each times the fee of its answer', () => {
  const parts = [
    { contributionId: 'b', mass: 1n },
    { contributionId: 'a', mass: 2n },
    { contributionId: 'b', mass: 3n },
  ]
  const later = { ...receipt, receiptId: 'r2', versionId: '8', fee: 5n }
  const usage = [use, { ...use, versionId: '8' }]
  expect(answersOf([{ ...receipt, receiptId: 'r0', fee: 10n, parts }, receipt, later], usage)).toEqual([
    [
      '7',
      70n,
      [
        ['b', 40n],
        ['a', 60_020n],
      ],
    ],
    ['8', 5n, [['a', 5_000n]]],
  ])
})

test('receipts may explain all fees and whole answers, and a free answer counts for nothing', () => {
  const whole = [
    { contributionId: 'a', mass: 400_000n },
    { contributionId: 'b', mass: 600_000n },
  ]
  const rest = { ...receipt, receiptId: 'r2', fee: 40n, parts: whole }
  const free = { ...receipt, receiptId: 'r3', fee: 0n }
  expect(answersOf([receipt, rest, free])[0]?.[1]).toBe(100n)
})

test('a contribution that cannot earn leaves its mass to nobody; the receipt counts', () => {
  const parts = [...receipt.parts, { contributionId: 'unknown', mass: 9n }]
  expect(answersOf([{ ...receipt, parts }])).toEqual([['7', 60n, [['a', 60_000n]]]])
})

test('addresses are compared in lower case', () => {
  const upper: Hex = `0x${'AB'.repeat(20)}`
  expect(answersOf([{ ...receipt, consumer: upper }])).toEqual(answersOf([receipt]))
  expect(answersOf([receipt], [{ ...use, consumer: upper }])).toEqual(answersOf([receipt]))
})

test('the fees of one consumer, endpoint and version may come in several entries', () => {
  const usage = [
    { ...use, fees: 20n },
    { ...use, fees: 40n },
  ]
  expect(answersOf([receipt], usage)).toEqual(answersOf([receipt]))
  expect(answersOf([{ ...receipt, fee: 61n }], usage)).toEqual([])
})

test('a part without mass and a free answer are valid', () => {
  const parts = [{ contributionId: 'b', mass: 0n }, ...receipt.parts]
  expect(answersOf([{ ...receipt, parts }])[0]?.[1]).toBe(60n)
  expect(answersOf([{ ...receipt, fee: 0n }, receipt])[0]?.[1] ?? 0n).toBe(0n) // the free one has the id
})

test('receipts of one id are ordered by the text of their parts, in whatever order these stand', () => {
  const part = (contributionId: string, mass: bigint) => ({ contributionId, mass })
  const first = (...variants: AttributedReceipt['parts'][]) =>
    countedAnswers({ usage: [use], receipts: variants.map((parts) => ({ ...receipt, parts })) }, contributors).get('7')
  const other = [part('a', 3n)]
  expect(first([part('b', 1n), part('a', 2n)], other)).toEqual(first([part('a', 2n), part('b', 1n)], other))
  expect(first([part('a', 10n)], [part('a', 1n), part('b', 5n)])).toEqual(first([part('a', 1n), part('b', 5n)]))
})

describe('a receipt that is not valid drops alone', () => {
  const mass = (...masses: bigint[]) => masses.map((mass) => ({ contributionId: 'a', mass }))
  test.each<[string, Partial<AttributedReceipt>]>([
    ['of an endpoint without fees', { endpointId: '2' }],
    ['of a version that did not serve there', { versionId: '8' }],
    ['of a consumer who paid nothing there', { consumer: other }],
    ['with a negative fee', { fee: -1n }],
    ['with a negative mass', { parts: mass(5n, -1n) }],
    ['with more mass than an answer has', { parts: mass(600_000n, 400_001n) }],
    [
      'with more mass than an answer has, of unknown contributions',
      { parts: [{ contributionId: 'z', mass: 1_000_001n }] },
    ],
    ['beyond the fees', { fee: 101n }],
  ])('%s', (_, change) => {
    const bad = { ...receipt, fee: 10n, ...change, receiptId: 'r0' }
    expect(answersOf([bad, receipt])).toEqual(answersOf([receipt]))
  })

  test('an id counts once; a receipt that does not count does not take the id from another', () => {
    expect(answersOf([receipt, { ...receipt, fee: 30n }])).toEqual([['7', 30n, [['a', 30_000n]]]])
    expect(answersOf([{ ...receipt, fee: -5n }, { ...receipt, consumer: other }, receipt])).toEqual(
      answersOf([receipt]),
    )
  })

  test('what no longer fits drops, in the order of receipt ids; later ones that fit count', () => {
    const [second, third] = [
      { ...receipt, receiptId: 'r2', fee: 41n },
      { ...receipt, receiptId: 'r3', fee: 40n },
    ]
    expect(answersOf([third, second, receipt])[0]?.[1]).toBe(100n)
    expect(answersOf([third, second])[0]?.[1]).toBe(81n)
  })
})

test('of receipts with one id the order of documents decides nothing', () => {
  const variants: Partial<AttributedReceipt>[] = [
    { fee: 10n },
    { fee: 10n, parts: [{ contributionId: 'b', mass: 1n }] },
    { endpointId: '10', fee: 1n },
    { endpointId: '2', fee: 2n },
    { versionId: '10', fee: 3n },
    { versionId: '9', fee: 4n },
    { consumer: other, fee: 5n },
  ]
  const usage = variants.map((change) => ({ ...use, ...change, fees: 100n }))
  const all = variants.map((change) => ({ ...receipt, ...change }))
  for (let i = 0; i < all.length; i++)
    for (let j = i + 1; j < all.length; j++) {
      const pair = [all[i], all[j]] as AttributedReceipt[]
      expect(answersOf(pair, usage)).toEqual(answersOf([...pair].reverse(), usage))
    }
  const [, , ofTen, ofTwo, later, earlier] = all as [
    AttributedReceipt,
    AttributedReceipt,
    AttributedReceipt,
    AttributedReceipt,
    AttributedReceipt,
    AttributedReceipt,
  ]
  expect(answersOf([later, earlier], usage).map(([version]) => version)).toEqual(['9']) // version 9 comes before 10
  expect(answersOf([ofTen, ofTwo], usage)[0]?.[1]).toBe(3n) // an id is an endpoint's own: no other host uses it up
})

test('of receipts that differ in nothing else, the parts of each are read a few times: a host may state thousands', () => {
  let reads = 0
  const all = Array.from({ length: 500 }, (_, n) =>
    Object.defineProperty({ ...receipt }, 'parts', {
      get() {
        reads++
        return [{ contributionId: 'a', mass: BigInt((n * 7) % 500) }]
      },
    }),
  )
  expect(answersOf(all)[0]?.[1]).toBe(60n)
  expect(reads).toBeLessThan(4 * all.length)
})
