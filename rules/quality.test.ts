import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { addWoven, ComparedText, SHORT_RUN, sameChains, sameRuns } from './comparedText.ts'
import { type Assessment, QualityIndex, type QualityOptions, UNPUBLISHED, verdictCode } from './quality.ts'

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
    expect(must(second).reason).toMatch(/contribution 1/)
    expect([first, second].map((one) => verdictCode(must(one).verdict))).toEqual([1, 2])
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
    expect(must(tail).uniqueness < 100_000n).toBe(true)
    expect(commas).toMatchObject({ verdict: 'nearDuplicate', uniqueness: 0n })
  })

  test('an excerpt of a long text is found although the sets differ greatly in size', () => {
    const long = prose(3, 600)
    const [, excerpt] = judge([text('tell', long), text('say', long.split(' ').slice(300, 325).join(' '))])
    expect(must(excerpt).uniqueness < 300_000n).toBe(true)
  })

  test('a combination of three earlier samples is found', () => {
    const parts = [11, 12, 13].map((seed) => prose(seed, 30))
    const splice = text(must(parts[0]), `${parts[1]} ${parts[2]}`)
    const judged = judge([...parts.map((part, i) => text(`question ${i} about`, part)), splice])
    expect(must(judged[3]).similar).toHaveLength(3)
    expect(must(judged[3]).uniqueness < 200_000n).toBe(true)
  })

  test('a copy padded with noise holds all of the original; only the noise is new', () => {
    const { prompt, completion } = JSON.parse(original)
    const [, padded] = judge([original, text(prompt, `${completion} ${words('noise', 42)}`)])
    expect(padded).toMatchObject({ verdict: 'accepted', similar: [{ id: '1', held: 1_000_000n }] })
    // Each word of the noise weighs 2 bits, each of the original 1: nobody has used the noise before.
    expect(must(padded).uniqueness).toBe(666_667n)
  })

  test('a sample that begins with somebody’s boilerplate keeps what it has beyond it', () => {
    const boilerplate = words('thanks', 14)
    const [, long] = judge([text('Hello', boilerplate), text('Hello', `${boilerplate} ${words('own', 60)}`)])
    expect(must(long).uniqueness > 800_000n).toBe(true)
  })

  describe('in another order', () => {
    const sentences = Array.from({ length: 8 }, (_, nth) => words(`s${nth}x`, 3))
    const said = (order: readonly (string | undefined)[]) => text('say', order.join('. '))
    const second = (order: readonly (string | undefined)[], options: QualityOptions = {}) =>
      must(judge([said(sentences), said(order)], { minUniqueness: 0n, ...options })[1])

    test('sentences shorter than a chain are not new', () => {
      expect(second(sentences.toReversed())).toMatchObject({
        uniqueness: 0n,
        similar: [{ id: '1', containment: 1_000_000n, held: 1_000_000n }],
      })
    })

    test('both must consist of the other: half of it among other sentences is another text', () => {
      const mixed = sentences.toReversed().map((one, nth) => (nth % 2 ? one : words(`new${nth}x`, 3)))
      expect(second(mixed)).toMatchObject({ uniqueness: 1_000_000n, similar: [] })
      const long = [...sentences.toReversed(), ...Array.from({ length: 8 }, (_, nth) => words(`new${nth}x`, 3))]
      expect(second(long)).toMatchObject({ uniqueness: 1_000_000n, similar: [] })
    })

    test('70 % of each must be of the other', () => {
      const short = Array.from({ length: 7 }, (_, nth) => words(`s${nth}x`, 2))
      // What the earlier text has weighs 1 each, the prompt and other new words 2 each.
      const pair = (former: number, later: number) =>
        must(
          judge([
            text('p', `${short.join('. ')}. ${words('former', former)}`),
            text('q', `${short.toReversed().join('. ')}. ${words('later', later)}`),
          ])[1],
        ).uniqueness
      expect(pair(5, 2)).toBe(300_000n)
      expect([pair(6, 2), pair(5, 3)]).toEqual([1_000_000n, 1_000_000n])
    })

    test('a short text is another text', () => {
      const [, moved] = judge([text('say', 'a b. c d. e f. g h'), text('say', 'g h. e f. c d. a b')])
      expect(must(moved)).toMatchObject({ uniqueness: 1_000_000n, similar: [] })
    })
  })

  test('what was woven into a copy is not new', () => {
    const weave = (more: number) =>
      text('say', words('old', 40).replaceAll(' ', ` ${words('filler', more)} `.replace('  ', ' ')))
    const [, one, three, four] = judge([text('say', words('old', 40)), weave(1), weave(3), weave(4)], {
      minUniqueness: 0n,
    })
    expect(must(one).uniqueness).toBe(0n)
    expect(must(three).uniqueness).toBe(0n)
    expect(must(four)).toMatchObject({ similar: [{ id: '1', held: 1_000_000n }, { id: '2' }, { id: '3' }] })
  })
})

test('uniqueness equals a naive comparison with everything earlier', () => {
  const samples = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 14 }), {
    minLength: 2,
    maxLength: 7,
  })
  fc.assert(
    fc.property(samples, (docs) => {
      const texts = docs.map((words) => text(must(words[0]), words.join(' ')))
      const judged = judge(texts, { minUniqueness: 0n })
      const kept: ComparedText[] = []
      const forms = new Set<string>()
      docs.forEach((words, i) => {
        const whole = [must(words[0]), ...words]
        if (forms.has(whole.join(' '))) {
          expect(must(judged[i]).verdict).toBe('duplicate')
          return
        }
        const mine = new ComparedText(whole)
        const weight = (token: string) => {
          const holders = kept.filter(({ vocabulary }) => vocabulary.has(token)).length
          return BigInt(Math.floor(Math.log2((kept.length + 1) / (holders + 1))) + 1)
        }
        const known = new Set<number>()
        for (const earlier of kept) {
          const shares = ({ later, earlier: held }: ReturnType<typeof sameRuns>) =>
            [mine.share(later, weight), earlier.isLong ? earlier.share(held, weight) : 0n] as const
          const chains = sameChains(mine, earlier)
          const copied = shares(chains).some((share) => share >= 600_000n)
          const short = sameRuns(mine, earlier, SHORT_RUN)
          const moved = shares(short).every((share) => share >= 700_000n)
          const places = copied ? chains : moved ? short : sameRuns(mine, earlier)
          if (copied) addWoven(places.later)
          if (shares(places).some((share) => share >= 350_000n)) for (const place of places.later) known.add(place)
        }
        expect(must(judged[i]).uniqueness).toBe(1_000_000n - mine.share(known, weight))
        forms.add(whole.join(' '))
        kept.push(mine)
      })
    }),
  )
})

/** This many words, which no other name shares. */
const words = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`).join(' ')

describe('the reason for a contributor', () => {
  test('nothing similar, partly similar, mostly similar', () => {
    const shared = words('shared', 30)
    const [first, near, part] = judge(
      ['one', 'two', 'three'].map((prompt) =>
        text(prompt, `${shared} ${words(prompt === 'three' ? 'own' : 'first', 20)}`),
      ),
      { minUniqueness: 150_000n },
    )
    expect(must(first).reason).toBe('Accepted: nothing similar was committed earlier.')
    expect(near).toMatchObject({
      verdict: 'nearDuplicate',
      uniqueness: 0n,
      similar: [{ id: '1', containment: 1_000_000n }],
    })
    expect(must(near).reason).toBe('100 % of it is in earlier contributions: 1 (100 %).')
    expect(must(part).reason).toBe('Accepted: 58 % new; the rest is in 1 (58 %), 2 (58 %).')
  })
})

test('exactly the uniqueness that the mandate requires is enough', () => {
  const shared = words('shared', 30)
  const pair = ['one', 'two'].map((prompt) => text(prompt, `${shared} ${words(prompt, 20)}`))
  expect(judge(pair, { minUniqueness: 583_334n })[1]).toMatchObject({ verdict: 'accepted', uniqueness: 583_334n })
  expect(judge(pair, { minUniqueness: 583_335n })[1]).toMatchObject({
    verdict: 'nearDuplicate',
    reason: '41 % of it is in earlier contributions: 1 (58 %).',
  })
})

test('of a phrase in many samples the earliest are compared, and three are named', () => {
  const phrase = words('shared', 30)
  const holders = Array.from({ length: 30 }, (_, i) => text(`own${i}`, `${phrase} ${words(`own${i}at`, 400)}`))
  const asked = must(judge([...holders, text('q', `${phrase} ${words('asked', 4)}`)]).at(-1))
  // The phrase's words, which all have, weigh 1 bit each; the five others, which nobody has, 5 bits each.
  expect(asked.similar.map(({ id, containment }) => ({ id, containment }))).toEqual(
    // The 24 that share most keys, the earlier first, and one that MinHash finds.
    [...Array(24).keys(), 28].map((i) => ({ id: `${i + 1}`, containment: 545_454n })),
  )
  expect(asked.reason).toBe('Accepted: 45 % new; the rest is in 1 (54 %), 2 (54 %), 3 (54 %) and 22 more.')
  const three = must(judge([...holders.slice(0, 3), text('q', `${phrase} ${words('asked', 4)}`)]).at(-1))
  expect(three.reason).toBe('Accepted: 26 % new; the rest is in 1 (73 %), 2 (73 %), 3 (73 %).')
})

test('of many that share something, those that share most are compared, then the earlier', () => {
  const woven = (phrase: string) => phrase.replace(/((?:\S+ ){3}\S+) /g, '$1 p ')
  const last = (texts: string[]) => must(judge(texts, { minUniqueness: 0n }).at(-1))
  const ids = ({ similar }: Assessment) => similar.map(({ id }) => id)
  const growing = Array.from({ length: 30 }, (_, i) =>
    text('p', `${words('shared', 10 + i)} ${words(`own${i}at`, 200)}`),
  )
  expect(ids(last([...growing, text('p', woven(words('shared', 40)))]))[0]).toBe('30')

  const holding = (phrase: string) => (_: unknown, i: number) =>
    text('p', `${words(phrase, 30)} ${words(`${phrase}${i}at`, 200)}`)
  const holders = [...Array.from({ length: 24 }, holding('common')), holding('rare')(0, 0)]
  const both = text('p', `z z z z ${woven(words('rare', 30))} z z z ${woven(words('common', 30))}`)
  expect(ids(last([...holders, both]))).toEqual([])
  expect(ids(last([...holders.slice(1), both]))).toEqual(['24'])
})

test('of those that share as much, the earlier are compared, whichever of their words comes first', () => {
  const woven = (phrase: string) => phrase.replace(/((?:\S+ ){3}\S+) /g, '$1 filler ')
  const holding = (phrase: string) => (_: unknown, i: number) =>
    text('p', `${words(phrase, 30)} ${words(`${phrase}${i}at`, 40)}`)
  // The marks at the ends of a text are remembered of the first 64 samples only.
  const first = Array.from({ length: 64 }, (_, i) => text('filler', `${i}`))
  const common = Array.from({ length: 24 }, holding('common'))
  const asked = text(
    'filler',
    `filler filler filler ${woven(words('rare', 30))} filler filler filler ${woven(words('common', 30))}`,
  )
  const found = (commons: string[]) =>
    must(judge([...first, ...commons, holding('rare')(0, 0), asked], { minUniqueness: 0n }).at(-1)).similar
  expect(found(common.slice(1))).toMatchObject([{ id: '88' }])
  expect(found(common)).toEqual([])
})

test('the most similar comes first, whichever holds more of the other, then the earlier', () => {
  const phrase = words('shared', 30)
  const holders = [
    text('p', words('shared', 15)),
    text('p', `${phrase} a`),
    text('p', words('shared', 20)),
    text('p', `${phrase} b`),
  ]
  const asked = must(judge([...holders, text('q', `${phrase} ${words('asked', 10)}`)], { minUniqueness: 0n }).at(-1))
  expect(asked.similar.map((one) => one.id)).toEqual(['3', '1', '2', '4'])
})

test('a datanet’s comparison decides what is the same: symbols count in code only, and exact knows no similar ones', () => {
  const [plain, signed] = ['', ' = ≠ < > ± × ÷ √ ∞ ∫'].map((signs) => text('compute', words('x', 12) + signs))
  const second = (comparison?: QualityOptions['comparison']) =>
    must(judge([must(plain), must(signed)], { ...(comparison && { comparison }), minUniqueness: 0n })[1])
  expect(second()).toEqual(second('prose'))
  expect(second()).toMatchObject({ uniqueness: 0n, similar: [{ id: '1' }], verdict: 'accepted' })
  expect(second('code').uniqueness).toBeGreaterThan(0n)
  expect(second('exact')).toMatchObject({
    verdict: 'accepted',
    uniqueness: 1_000_000n,
    similar: [],
    reason: 'Accepted: nothing similar was committed earlier.',
  })
})

test('a share of exactly 35 % is similar, less is none', () => {
  const shares = (shared: number, own: number) =>
    must(
      judge([
        text('p', `${words('shared', shared)} ${words('first', 60)}`),
        text('q', `${words('shared', shared)} ${words('own', own)}`),
      ])[1],
    ).similar.length
  // Shared words weigh 1 bit each, the others and the prompt 2: 14 bits of 40, then 14 of 42.
  expect([shares(14, 12), shares(14, 13)]).toEqual([1, 0])
})

test('the first contribution with a content is the original, however many follow', () => {
  const same = text('p', words('same', 20))
  expect(judge([same, same, same]).map(({ similar }) => similar.map(({ id }) => id))).toEqual([[], ['1'], ['1']])
})

test('a score outside 0 to 1 is refused, 0 and 1 are valid', () => {
  const scored = (score: bigint) => judge([text('a', 'b')], { score: () => score }).map((one) => one.quality)
  expect([scored(0n), scored(1_000_000n)]).toEqual([[0n], [1_000_000n]])
  for (const score of [-1n, 1_000_001n]) expect(() => scored(score)).toThrow(`must be 0 to 1000000 ppm, got ${score}`)
})

test('a batch shares one commitment; judging out of commit order is refused', () => {
  const index = new QualityIndex()
  index.add({ id: '1', committed: 5n, text: text('a', 'b') })
  expect(index.add({ id: '1b', committed: 5n, text: text('e', 'f') }).verdict).toBe('accepted')
  expect(() => index.add({ id: '2', committed: 4n, text: text('c', 'd') })).toThrow(/commit order/)
})

test('what is only held is earlier content for the others as what is judged, and only then', () => {
  const texts = ['{', text('p', words('a', 20)), text('p', words('a', 20)), text('p', `${words('a', 20)} more`)]
  const checks: QualityOptions['checks'] = [
    ({ prompt }) => (prompt === 'no' ? { verdict: 'offTopic', reason: 'No.' } : null),
  ]
  const all = [...texts, text('no', words('b', 20)), text('q', words('b', 20)), text('q', words('b', 20))]
  const entries = all.map((one, at) => ({ id: String(at), committed: BigInt(at), text: one }))
  const judged = new QualityIndex({ checks })
  const held = new QualityIndex({ checks })
  for (const [at, entry] of entries.entries()) {
    const assessment = judged.add(entry)
    if (at % 3 === 1) held.hold(entry)
    else expect(held.add(entry)).toEqual(assessment)
  }
  expect(() => held.hold({ id: '9', committed: 0n, text: undefined })).toThrow(/commit order/)
})

describe('sealed evaluation items', () => {
  const sealed = [{ prompt: 'What colour is the copper lamp?', completion: 'The copper lamp is violet in winter' }]

  test('the item, its prompt, and a text that embeds it are refused without naming it', () => {
    const judged = judge(
      [
        text(must(sealed[0]).prompt, must(sealed[0]).completion),
        text('what COLOUR is the  copper lamp?', 'unknown'),
        text('Remember', `${prose(5, 20)} what colour is the copper lamp the copper lamp is violet in winter`),
        text('What colour is the sky?', 'Blue'),
      ],
      { sealed },
    )
    expect(judged.map((a) => a.verdict)).toEqual(['contaminated', 'contaminated', 'contaminated', 'accepted'])
    for (const { reason } of judged.slice(0, 3)) expect(reason).toBe('Ineligible.')
  })

  test('half of an item is too much, less than half is not', () => {
    // The item has 18 5-grams with its ends; a text that begins with its first n words holds n − 3 of them.
    const item = { prompt: 'w1', completion: Array.from({ length: 19 }, (_, i) => `w${i + 2}`).join(' ') }
    const part = (count: number) => {
      const [first, ...rest] = `${item.prompt} ${item.completion}`.split(' ').slice(0, count)
      return must(judge([text(`${first} ${rest[0]}`, `${rest.slice(1).join(' ')} and so on`)], { sealed: [item] })[0])
        .verdict
    }
    expect([12, 11].map(part)).toEqual(['contaminated', 'accepted'])
    const strict = judge([text('w1 w2', 'w3 w4 x')], { sealed: [item], maxSealedOverlap: 50_000n })
    expect(strict).toMatchObject([{ verdict: 'contaminated' }])
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
  expect(must(judged[2]).reason).toBe('Ask a question.')
  expect(judged[0]).toMatchObject({ contentHash: null, quality: 0n, uniqueness: 0n, similar: [] })
  expect(must(judged[3]).quality).toBe(3n)
})

test('a check of one sample is for that one alone, after those of the datanet', () => {
  const index = new QualityIndex({
    checks: [({ prompt }) => (prompt === 'no' ? { verdict: 'offTopic', reason: 'No.' } : null)],
  })
  const check = () => ({ verdict: 'licence', reason: 'Not this one.' }) as const
  const add = (id: number, prompt: string, more = {}) =>
    index.add({ id: String(id), committed: BigInt(id), text: text(prompt, 'z'), ...more }).verdict
  expect([add(1, 'yes', { check }), add(2, 'no', { check }), add(3, 'yes')]).toEqual([
    'licence',
    'offTopic',
    'accepted',
  ])
})

test('what nobody could read is refused as unpublished, and is nothing that others are compared with', () => {
  const index = new QualityIndex()
  const unread = index.add({ id: '1', committed: 0n, text: undefined })
  expect([unread.verdict, unread.reason]).toEqual([
    'malformed',
    'Not published: its content could not be read. Publish it first, then contribute it again.',
  ])
  expect(unread.reason).toBe(UNPUBLISHED)
  expect(index.add({ id: '2', committed: 1n, text: text('a', 'b') }).verdict).toBe('accepted')
})
