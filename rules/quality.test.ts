import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Assessment, commitOrder, QualityIndex, type QualityOptions, verdictCode } from './quality.ts'
import { containment, shingles } from './shingles.ts'

const WORDS =
  'river stone lamp quiet copper orchard winter paper signal harbour violet engine meadow anchor prism'.split(' ')

/** Words drawn from a seeded congruential generator. */
const prose = (seed: number, length: number) =>
  Array.from(
    { length },
    () => WORDS[((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % 104729) % WORDS.length],
  ).join(' ')

const text = (prompt: string, completion: string) => JSON.stringify({ prompt, completion })

function judge(texts: string[], options?: QualityOptions): Assessment[] {
  const index = new QualityIndex(options)
  return texts.map((entry, i) => index.add({ id: `${i + 1}`, committed: BigInt(i), text: entry }))
}

describe('copies', () => {
  const original = text(prose(1, 12), prose(2, 30))

  test('the earlier commitment is the original, the later one earns nothing', () => {
    const [first, second] = judge([original, original])
    expect(first).toMatchObject({ verdict: 'accepted', uniqueness: 1_000_000n })
    expect(second).toMatchObject({ verdict: 'duplicate', uniqueness: 0n, quality: 0n, similar: [{ id: '1' }] })
    expect(second!.reason).toMatch(/contribution 1/)
    expect(verdictCode(second!.verdict)).toBe(2)
  })

  test('case, spacing, invisible characters and width do not make a copy new', () => {
    const disguised = original.toUpperCase().replace('"PROMPT"', '"prompt"').replace('"COMPLETION"', '"completion"')
    const spaced = original.replace(/ /g, '\u00a0 ').replace(/river/g, 'ri\u200bver').replace(/lamp/g, 'ｌａｍｐ')
    expect(judge([original, disguised, spaced]).map((a) => a.verdict)).toEqual(['accepted', 'duplicate', 'duplicate'])
  })

  test('punctuation and a word or two do not make a copy new', () => {
    const { prompt, completion } = JSON.parse(original)
    const [, tail, commas] = judge([
      original,
      text(prompt, `${completion} indeed`),
      text(prompt.replaceAll(' ', ', '), completion),
    ])
    expect(tail).toMatchObject({ verdict: 'nearDuplicate' })
    expect(tail!.uniqueness < 100_000n).toBe(true)
    expect(commas).toMatchObject({ verdict: 'nearDuplicate', uniqueness: 0n })
  })

  test('an excerpt of a long text is found although the sets differ much in size', () => {
    const long = prose(3, 600)
    const [, excerpt] = judge([text('tell', long), text('say', long.split(' ').slice(300, 325).join(' '))])
    expect(excerpt!.uniqueness < 300_000n).toBe(true)
  })

  test('a splice of three earlier samples is seen through', () => {
    const parts = [11, 12, 13].map((seed) => prose(seed, 30))
    const splice = text(parts[0]!, `${parts[1]} ${parts[2]}`)
    const judged = judge([...parts.map((part, i) => text(`question ${i} about`, part)), splice])
    expect(judged[3]!.similar).toHaveLength(3)
    expect(judged[3]!.uniqueness < 200_000n).toBe(true)
  })

  test('padding a copy with noise pays only for the noise', () => {
    const { prompt, completion } = JSON.parse(original)
    const [, padded] = judge([original, text(prompt, `${completion} ${prose(99, 40)}`)])
    expect(padded!.verdict).toBe('accepted')
    expect(padded!.uniqueness > 400_000n && padded!.uniqueness < 600_000n).toBe(true)
  })
})

test('uniqueness equals a naive comparison with everything earlier', () => {
  const samples = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 14 }), {
    minLength: 2,
    maxLength: 7,
  })
  fc.assert(
    fc.property(samples, (docs) => {
      const texts = docs.map((words) => text(words[0]!, words.join(' ')))
      const judged = judge(texts, { minUniqueness: 0n })
      const kept: Set<string>[] = []
      const forms = new Set<string>()
      docs.forEach((words, i) => {
        const whole = [words[0]!, ...words]
        if (forms.has(whole.join(' '))) {
          expect(judged[i]!.verdict).toBe('duplicate')
          return
        }
        const grams = shingles(whole.join(' '))
        const seen = new Set(
          kept.filter((earlier) => containment(grams, earlier) >= 200_000n).flatMap((set) => [...set]),
        )
        expect(judged[i]!.uniqueness).toBe(1_000_000n - containment(grams, seen))
        forms.add(whole.join(' '))
        kept.push(grams)
      })
    }),
  )
})

test('judging out of commit order is refused', () => {
  const index = new QualityIndex()
  index.add({ id: '1', committed: 5n, text: text('a', 'b') })
  expect(() => index.add({ id: '2', committed: 4n, text: text('c', 'd') })).toThrow(/commit order/)
})

describe('sealed evaluation items', () => {
  const sealed = [{ prompt: 'What colour is the copper lamp?', completion: 'The copper lamp is violet in winter' }]

  test('the item, its prompt, and a text that embeds it are refused without naming it', () => {
    const judged = judge(
      [
        text(sealed[0]!.prompt, sealed[0]!.completion),
        text('what COLOUR is the  copper lamp?', 'unknown'),
        text('Remember', `${prose(5, 20)} what colour is the copper lamp the copper lamp is violet in winter`),
        text('What colour is the sky?', 'Blue'),
      ],
      { sealed },
    )
    expect(judged.map((a) => a.verdict)).toEqual(['contaminated', 'contaminated', 'contaminated', 'accepted'])
    expect(judged[2]!.reason).not.toMatch(/violet/)
  })
})

test('malformed, off-topic and badly licensed samples are rejected with the reason', () => {
  const options: QualityOptions = {
    checks: [
      (sample) => (sample.completion.includes('©') ? { verdict: 'licence', reason: 'Third-party text.' } : null),
      (sample) => (sample.prompt.endsWith('?') ? null : { verdict: 'offTopic', reason: 'Ask a question.' }),
    ],
    score: (sample) => BigInt(sample.completion.length),
  }
  const judged = judge(['{', text('x?', '© y'), text('x', 'y'), text('x?', 'yes')], options)
  expect(judged.map((a) => a.verdict)).toEqual(['malformed', 'licence', 'offTopic', 'accepted'])
  expect(judged[2]!.reason).toBe('Ask a question.')
  expect(judged[3]!.quality).toBe(3n)
})

test('commitments are ordered by block, then by their place in it', () => {
  expect(commitOrder(2n, 0n) > commitOrder(1n, 2n ** 32n - 1n)).toBe(true)
  expect(commitOrder(1n, 1n) - commitOrder(1n, 0n)).toBe(1n)
})
