import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { attributeAnswer } from './answer.ts'
import { recordInfluence } from './attribution.ts'

const influence = (id: string, value: number, error = 0.01) =>
  recordInfluence({ contributionId: id, influence: value, standardError: error }, 100)
const nothing = { tokens: 10, spans: [], influences: [], similarities: [] }

test('an answer without evidence is completely unattributed', () => {
  expect(attributeAnswer(nothing)).toEqual({ parts: [], unattributed: 1_000_000n })
  expect(attributeAnswer({ ...nothing, tokens: 0 }).unattributed).toBe(1_000_000n)
})

test('a token belongs to the rarest span that covers it, in equal parts to its holders', () => {
  const spans = [
    { start: 0, end: 6, occurrences: 40, contributionIds: ['common'] },
    { start: 2, end: 6, occurrences: 2, contributionIds: ['a', 'b'] },
  ]
  const { parts, unattributed } = attributeAnswer({ ...nothing, spans })
  expect(parts.map((part) => [part.contributionId, part.spans, part.mass])).toEqual([
    ['a', 200_000n, 100_000n],
    ['b', 200_000n, 100_000n],
    ['common', 200_000n, 100_000n],
  ])
  expect(unattributed).toBe(700_000n)
})

test('of equally rare spans the longest gets the token, of equally long ones the first', () => {
  const span = (start: number, end: number, id: string) => ({ start, end, occurrences: 3, contributionIds: [id] })
  const spansOf = (...spans: ReturnType<typeof span>[]) =>
    attributeAnswer({ ...nothing, spans }).parts.map((part) => [part.contributionId, part.spans])
  for (const spans of [
    [span(0, 4, 'short'), span(2, 8, 'long')],
    [span(2, 8, 'long'), span(0, 4, 'short')],
  ])
    expect(spansOf(...spans)).toEqual([
      ['long', 600_000n],
      ['short', 200_000n],
    ])
  for (const spans of [
    [span(0, 4, 'left'), span(2, 6, 'right')],
    [span(2, 6, 'right'), span(0, 4, 'left')],
  ])
    expect(spansOf(...spans)).toEqual([
      ['left', 400_000n],
      ['right', 200_000n],
    ])
  expect(spansOf(span(0, 4, 'listed first'), span(0, 4, 'listed second'))).toEqual([['listed first', 400_000n]])
})

test('only positive influence counts, whatever its p-value', () => {
  const given = { influence: 3n, standardError: 1n, pPositive: 0n, pNegative: 1_000_000n }
  const influences = [
    { ...given, contributionId: 'good' },
    { ...given, contributionId: 'none', influence: 0n },
    { ...given, contributionId: 'bad', influence: -1n },
  ]
  expect(attributeAnswer({ ...nothing, influences }).parts).toMatchObject([
    { contributionId: 'good', influence: 750_000n },
  ])
})

test('negative and doubtful influence leaves mass unattributed and does not increase the other masses', () => {
  const influences = [influence('good', 3), influence('bad', -1), influence('doubtful', 1, 5)]
  const { parts, unattributed } = attributeAnswer({ ...nothing, influences })
  expect(parts).toMatchObject([{ contributionId: 'good', influence: 600_000n, mass: 300_000n }])
  expect(unattributed).toBe(700_000n)
})

test('similarity is shown and pays nothing unless the mandate says so', () => {
  const evidence = { ...nothing, similarities: [{ contributionId: 's', similarity: 900_000n }] }
  expect(attributeAnswer(evidence).parts[0]).toMatchObject({ similarity: 1_000_000n, mass: 0n })
  const paid = attributeAnswer(evidence, undefined, { spans: 0n, influence: 800_000n, similarity: 200_000n })
  expect(paid.parts).toMatchObject([{ mass: 200_000n }])
  const unlike = attributeAnswer({ ...nothing, similarities: [{ contributionId: 's', similarity: 0n }] })
  expect(unlike.parts).toMatchObject([{ similarity: 0n, mass: 0n }])
})

test('masses and the unattributed part sum to the whole answer, whatever the evidence', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const span = fc
    .tuple(fc.nat(9), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 5 }), fc.array(id, { minLength: 1 }))
    .map(([start, length, occurrences, contributionIds]) => ({
      start,
      end: Math.min(10, start + length),
      occurrences,
      contributionIds,
    }))
  fc.assert(
    fc.property(
      fc.array(span),
      fc.uniqueArray(id),
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 4 }),
      (spans, ids, values) => {
        const influences = ids.map((contributionId, i) => influence(contributionId, must(values[i]) / 7))
        const { parts, unattributed } = attributeAnswer({ tokens: 10, spans, influences, similarities: [] })
        expect(parts.reduce((sum, part) => sum + part.mass, unattributed)).toBe(1_000_000n)
        expect(unattributed >= 0n && parts.every((part) => part.mass >= 0n)).toBe(true)
      },
    ),
  )
})

test('a span outside the answer, an empty one, one without holder and shares that do not sum to one are refused', () => {
  const span = { start: 8, end: 10, occurrences: 1, contributionIds: ['a'] }
  expect(attributeAnswer({ ...nothing, spans: [span] }).parts).toMatchObject([{ spans: 200_000n }])
  for (const bad of [{ end: 11 }, { start: -1 }, { start: 10 }, { start: 11 }, { contributionIds: [] }])
    expect(() => attributeAnswer({ ...nothing, spans: [{ ...span, ...bad }] })).toThrow(/outside|no holder/)
  expect(() => attributeAnswer(nothing, undefined, { spans: 1n, influence: 0n, similarity: 0n })).toThrow(/sum to/)
})

test('copies take nothing from an original, neither of its spans nor of its influence', () => {
  const spans = [{ start: 0, end: 10, occurrences: 2, contributionIds: ['original', 'copy', 'half'] }]
  const influences = [influence('original', 3), influence('copy', 3), influence('half', 3), influence('bad', -1)]
  const standing = new Map([
    ['copy', 0n],
    ['half', 500_000n],
  ])
  const { parts } = attributeAnswer({ ...nothing, spans, influences }, standing)
  expect(parts.map((part) => [part.contributionId, part.spans, part.influence])).toEqual([
    ['copy', 0n, 0n],
    ['half', 333_333n, 272_727n],
    ['original', 666_666n, 545_454n],
  ])
  const copies = [{ start: 0, end: 10, occurrences: 1, contributionIds: ['copy'] }]
  expect(attributeAnswer({ ...nothing, spans: copies }, standing)).toEqual({ parts: [], unattributed: 1_000_000n })
})
