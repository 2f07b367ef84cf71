import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addWoven, ComparedText, sameChains, sameRuns } from './comparedText.ts'

const of = (text: string) => new ComparedText(text.split(' '))
const shared = (later: string, earlier: string) => {
  const { later: ofLater, earlier: ofEarlier } = sameChains(of(later), of(earlier))
  return [[...ofLater].sort(ascending), [...ofEarlier].sort(ascending)]
}
const ascending = (a: number, b: number) => a - b
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, i) => i)

test('the same text is one chain, with its ends', () => {
  expect(shared('a b c d e f', 'a b c d e f')).toEqual([upTo(7), upTo(7)])
  expect(shared('a b c', 'a b c')).toEqual([upTo(4), upTo(4)])
  expect(shared('a', 'a')).toEqual([upTo(2), upTo(2)])
})

test('four tokens in the same order are no chain, five are', () => {
  expect(shared('q q q a b c d r r r', 's s s a b c d t t t')).toEqual([[], []])
  expect(shared('q q q a b c d e r r r', 's s s a b c d e t t t')).toEqual([
    [4, 5, 6, 7, 8],
    [4, 5, 6, 7, 8],
  ])
})

test('tokens that only one text has hide nothing, however many', () => {
  expect(shared('a x y z u v b c w d e', 'a b c d e')[1]).toEqual(upTo(6))
})

test('in one of the texts, two others between neighbours end a chain', () => {
  expect(shared('a x b x c x d x e', 'a y b y c y d y e')[0]?.length).toBe(7)
  expect(shared('a x x b x x c x x d x x e', 'a y y b y y c y y d y y e')).toEqual([[], []])
})

test('of the tokens that both have, three may stand between neighbours, in both texts together', () => {
  const rest = 'f g h i j k l m n o p q'
  const gapped = (gap: string) =>
    shared(`q q q a b ${gap} c d e r r r ${rest}`, `s s s a b c d e t t t ${rest}`)[1]?.slice(0, 5)
  expect(gapped('f g h')).toEqual([4, 5, 6, 7, 8])
  expect(gapped('f g h i')).not.toEqual([4, 5, 6, 7, 8])
})

test('chains and runs equal their definitions', () => {
  const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(texts, texts, (one, two) => {
      const [later, earlier] = [new ComparedText(one), new ComparedText(two)]
      const chains = naiveChains(later.marked, earlier.marked)
      expect(sameChains(later, earlier)).toEqual(chains)
      const runs = sameRuns(later, earlier)
      const inRun = (mine: readonly string[], other: readonly string[]) =>
        new Set(
          mine.flatMap((_, at) => {
            const run = mine.slice(at, at + 5)
            const found = run.length === 5 && ` ${other.join(' ')} `.includes(` ${run.join(' ')} `)
            return found ? run.map((_, nth) => at + nth) : []
          }),
        )
      expect(runs.later).toEqual(inRun(later.marked, earlier.marked))
      expect(runs.earlier).toEqual(inRun(earlier.marked, later.marked))
    }),
    { numRuns: 300 },
  )
})

/** Every chain, found by trying every way to continue it. */
function naiveChains(later: readonly string[], earlier: readonly string[]) {
  const common = (mine: readonly string[], other: readonly string[]) =>
    mine.flatMap((token, place) => (other.includes(token) ? [{ token, place }] : []))
  const [a, b] = [common(later, earlier), common(earlier, later)]
  const length = Math.min(5, later.length, earlier.length)
  const found = { later: new Set<number>(), earlier: new Set<number>() }
  const extend = (chain: { i: number; j: number }[]) => {
    if (chain.length === length) {
      for (const { i, j } of chain) {
        found.later.add(a[i]?.place ?? -1)
        found.earlier.add(b[j]?.place ?? -1)
      }
      return
    }
    const last = chain.at(-1)
    for (const [i, one] of a.entries())
      for (const [j, two] of b.entries()) {
        if (one.token !== two.token) continue
        if (last) {
          const steps = i - last.i + (j - last.j)
          const others = Math.min(one.place - (a[last.i]?.place ?? 0) - 1, two.place - (b[last.j]?.place ?? 0) - 1)
          if (i <= last.i || j <= last.j || steps > 5 || others > 1) continue
        }
        extend([...chain, { i, j }])
      }
  }
  extend([])
  return found
}

test('a run counts wherever it stands, and as often; what only reads alike without spaces is another', () => {
  const runs = (later: string) => [...sameRuns(of(later), of('a b c d e')).later].sort(ascending)
  expect(runs('a b c d e a b c d e')).toEqual(upTo(11))
  expect(runs('q r b c d e')).toEqual([3, 4, 5, 6, 7])
  expect(runs('ab c d e')).toEqual([])
  expect(sameRuns(of('ab c d e f'), of('a bc d e f')).later).toEqual(new Set())
})

test('runs may be shorter: then what stands in another order is the same', () => {
  const places = (later: string) => {
    const { later: ofLater, earlier } = sameRuns(of(later), of('a b c d'), 2)
    return [ofLater, earlier].map((found) => [...found].sort(ascending))
  }
  expect(places('c d a b')).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ])
  expect(places('a c b d')).toEqual([
    [0, 1, 4, 5],
    [0, 1, 4, 5],
  ])
  expect(places('d c b a')).toEqual([[], []])
})

test('a text of few different tokens is compared up to 64 places of each', () => {
  const long = new ComparedText(Array.from({ length: 200 }, () => 'a'))
  expect(sameChains(long, long).earlier.size).toBe(65)
})

describe('shares', () => {
  test('are weighed by token, and the marks weigh nothing', () => {
    const text = of('a b c')
    const weight = (token: string) => (token === 'a' ? 2n : 1n)
    expect(text.share(new Set([0, 1, 4]), weight)).toBe(500_000n)
    expect(text.share(new Set(), weight)).toBe(0n)
    expect(new ComparedText([]).share(new Set([0, 1]), weight)).toBe(0n)
  })

  test('of short texts are no evidence: from 13 tokens on', () => {
    expect([12, 13].map((length) => new ComparedText(Array(length).fill('a')).isLong)).toEqual([false, true])
  })
})

test('what stands between two places at most three apart is woven in', () => {
  const places = new Set([5, 10, 1])
  addWoven(places)
  expect([...places].sort(ascending)).toEqual([1, 2, 3, 4, 5, 10])
})

test('keys are the tokens, and pairs with up to three others between', () => {
  expect([...of('a b').keys()].sort()).toEqual(['$', '^', '^ $', '^ a', '^ b', 'a', 'a $', 'a b', 'b', 'b $'])
  const keys = [...of('a b c d e').keys()]
  expect(keys).toContain('a e')
  expect(keys).not.toContain('^ e')
  expect(keys.filter((key) => !key.includes(' '))).toEqual(['^', 'a', 'b', 'c', 'd', 'e', '$'])
})
