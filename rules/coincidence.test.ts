import { describe, expect, test } from 'vitest'
import { effectiveJudges, errorCorrelations, independence } from './coincidence.ts'
import type { GoldAnswer } from './gold.ts'

/** Answers of a judge to the tasks 0, 1, …: x is wrong, - right, and a space is no answer. */
const answers = (validator: string, marks: string): GoldAnswer[] =>
  [...marks].flatMap((mark, i) =>
    mark === ' ' ? [] : [{ taskId: `${i}`, validator, right: mark === '-', confidence: 80, epoch: 1n }],
  )
const rho = (a: string, b: string) =>
  errorCorrelations([...answers('a', a), ...answers('b', b)])
    .get('a')
    ?.get('b') ?? 0n

const SPREAD = 'x----x----x----x----x----'

describe('errors on gold', () => {
  test('that are the same are fully correlated, in both orders', () => {
    const found = errorCorrelations([...answers('b', SPREAD), ...answers('a', SPREAD)])
    expect(found.get('a')).toEqual(new Map([['b', 1_000_000n]]))
    expect(found.get('b')).toEqual(new Map([['a', 1_000_000n]]))
  })

  test('that meet as often as chance explains are not', () => {
    expect(rho(SPREAD, '-x----x----x----x----x---')).toBe(0n)
    expect(rho(SPREAD, 'x-----x----x----x----x---')).toBe(0n)
    // Two errors of two among ten tasks meet by chance once in 45 times.
    expect(rho('xx--------', 'xx--------')).toBe(0n)
    // 1 : C(41, 3) is below one in ten thousand, 1 : C(40, 3) is not.
    expect(rho(`xxx${'-'.repeat(38)}`, `xxx${'-'.repeat(38)}`)).toBe(1_000_000n)
    expect(rho(`xxx${'-'.repeat(37)}`, `xxx${'-'.repeat(37)}`)).toBe(0n)
  })

  test('coincide by the tail of the hypergeometric distribution', () => {
    // 12 errors each, 11 of them together. Of 24 tasks: (12 × 12 + 1) / C(24, 12) is 0.0054 %. Of 23: (12 × 11 + 1) / C(23, 12) is 0.0098 %. Of 22:
    // 0.0187 %.
    const eleven = (tasks: number) => {
      const [one, other] = ['x'.repeat(11), '-'.repeat(tasks - 13)]
      return rho(`${one}x-${other}`, `${one}-x${other}`)
    }
    expect([22, 23, 24].map(eleven)).toEqual([0n, 825_757n, 833_333n])
    // 10 and 12 errors among 24 tasks, all 10 together: C(14, 2) / C(24, 12) is 0.0034 %.
    const [ten, twelve] = [`${'x'.repeat(10)}${'-'.repeat(14)}`, `${'x'.repeat(12)}${'-'.repeat(12)}`]
    expect(rho(ten, twelve)).toBe(rho(twelve, ten))
    expect(rho(ten, twelve)).toBe(845_070n) // 120 / 142: the root of 20,160 is rounded up
  })

  test('coincide when that is less likely than one in ten thousand: as likely is not enough', () => {
    const first = (tasks: number) => `x${'-'.repeat(tasks - 1)}`
    expect([10_000, 10_001].map((tasks) => rho(first(tasks), first(tasks)))).toEqual([0n, 1_000_000n])
  })

  test('that do not coincide are not in the result', () => {
    const judges = [
      ...answers('a', SPREAD),
      ...answers('b', 'x-----x----x----x----x---'),
      ...answers('c', '-'.repeat(25)),
    ]
    expect(errorCorrelations(judges)).toEqual(new Map())
  })

  test('are compared on the tasks that both answered', () => {
    expect(rho(`${SPREAD}          `, `${' '.repeat(25)}xxxxxxxxxx`)).toBe(0n)
    expect(rho(`${SPREAD}xxxxx`, `${SPREAD}     `)).toBe(1_000_000n)
  })

  test('of experts without errors are none, and who fails everything coincides with nobody', () => {
    expect(rho('-'.repeat(50), '-'.repeat(50))).toBe(0n)
    expect(rho('x'.repeat(50), 'x'.repeat(50))).toBe(0n)
  })

  test('that partly coincide have the correlation phi', () => {
    // 10 errors each among 50, 8 of them together: (50 × 8 − 100) / (10 × 40).
    const other = `${SPREAD}${SPREAD}`.replace('x----x----', '-x----x---')
    expect(rho(`${SPREAD}${SPREAD}`, other)).toBe(750_000n)
  })
})

test('judges who err together share one weight', () => {
  const three = errorCorrelations(['a', 'b', 'c'].flatMap((name) => answers(name, SPREAD)))
  expect(independence(three, 'a')).toBe(333_333n)
  expect(independence(three, 'stranger')).toBe(1_000_000n)
})

test('the effective number is between one judge and all', () => {
  const three = errorCorrelations(['a', 'b', 'c'].flatMap((name) => answers(name, SPREAD)))
  const equal = new Map(['a', 'b', 'c'].map((name) => [name, 5n]))
  expect(effectiveJudges(equal, three)).toBe(1_000_000n)
  expect(effectiveJudges(equal, new Map())).toBe(3_000_000n)
  expect(
    effectiveJudges(
      new Map([
        ['a', 2n],
        ['z', 1n],
      ]),
      three,
    ),
  ).toBe(1_800_000n) // (2 + 1)² / (4 + 1)
  expect(effectiveJudges(new Map(), three)).toBe(0n)
})
