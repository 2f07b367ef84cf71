import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { peerAgreement } from './agreement.ts'

const ONE = 1_000_000n

test('of two equals the definition, where an unrevealed answer agrees with nobody on its task and with everybody on others', () => {
  const cell = fc.option(fc.option(fc.nat(2)), { nil: undefined })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, fc.option(fc.nat(2), { nil: undefined })), { minLength: 1, maxLength: 9 }),
      (rows) => {
        // The peer weighs so much that it is the median.
        const all = rows.flatMap((row, t) =>
          row.flatMap((choice, v) =>
            choice === undefined ? [] : [{ taskId: `${t}`, validator: `${v}`, choice, weight: v === 0 ? 1n : 100n }],
          ),
        )
        const [own, peer] = ['0', '1'].map((validator) => all.filter((j) => j.validator === validator))
        const products = must(own).flatMap((x) =>
          must(peer).map((y) => {
            const same = x.taskId === y.taskId
            return { same, agree: x.choice === null ? !same : x.choice === y.choice }
          }),
        )
        const mean = (some: typeof products) => some.filter(({ agree }) => agree).length / some.length
        const [same, apart] = [true, false].map((wanted) => products.filter((x) => x.same === wanted))
        fc.pre(must(same).length > 0)
        const expected = must(apart).length ? mean(must(same)) - mean(must(apart)) : 0
        expect(must(peerAgreement(all).get('0')).value).toBe(BigInt(Math.floor(expected * 1e6 + 1e-7)))
      },
    ),
  )
})

const says = (validator: string, choices: string, weight = ONE) =>
  [...choices].map((choice, i) => ({ taskId: `${i}`, validator, choice: Number(choice), weight }))

test('is the lower median over all peers by their weight, oneself included', () => {
  const agreed = says('a', '0101'.repeat(4))
  const value = (...others: ReturnType<typeof says>[]) =>
    must(peerAgreement([...agreed, ...others.flat()]).get('a')).value
  const [same, none] = ['0101'.repeat(4), '0011'.repeat(4)]
  expect(value()).toBe(533_333n) // with itself: 1 less 7 of 15
  expect(value(says('b', none))).toBe(value(says('b', none), says('c', none)))
  expect(value(says('b', same), says('c', none))).toBe(533_333n)
  expect(value(says('b', same), says('c', none, 3n * ONE))).toBe(value(says('c', none)))
})

test('of many names of one judge is that of one name with their weight', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(1), { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
      (peers) => {
        const others = peers.flatMap((choices, i) => says(`peer ${i}`, choices.join('')))
        const one = peerAgreement([...says('a1', '01100101', 3n * ONE), ...others])
        const three = peerAgreement([...['a1', 'a2', 'a3'].flatMap((name) => says(name, '01100101')), ...others])
        expect(three.get('a1')).toEqual(one.get('a1'))
        expect(three.get('peer 0')).toEqual(one.get('peer 0'))
      },
    ),
  )
})

test('counts from two standard errors of a coin on, and fully from twice that', () => {
  const round = (n: number, agreements: number) => {
    const own = '01'.repeat(n / 2)
    const peer = [...own].map((choice, i) => (i < agreements ? choice : `${1 - Number(choice)}`)).join('')
    return must(peerAgreement([...says('a', own), ...says('b', peer, 9n * ONE)]).get('a'))
  }
  expect(round(100, 50)).toMatchObject({ margin: 100_000n, beyondLuck: 0n, tasks: 100n })
  const some = round(100, 64)
  expect(some.value > 100_000n && some.value < 200_000n).toBe(true)
  expect(some.beyondLuck).toBe(2n * (some.value - 100_000n))
  const all = round(100, 100)
  expect(all.beyondLuck).toBe(all.value)
})

test('always answering alike is worth nothing; two answers of one validator to a task are refused', () => {
  const all = ['a', 'b'].flatMap((validator) => says(validator, '111'))
  expect(must(peerAgreement(all).get('a')).value).toBe(0n)
  expect(() => peerAgreement([...all, ...says('a', '1')])).toThrow('Validator a judged task 0 twice')
})

test('is nothing for who revealed nothing alone', () => {
  expect(peerAgreement([{ taskId: '1', validator: 'a', choice: null, weight: ONE }]).get('a')).toEqual({
    value: 0n,
    margin: 1_000_000n,
    beyondLuck: 0n,
    tasks: 1n,
  })
})
