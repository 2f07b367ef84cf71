import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InconsistentChain } from '../errors.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import { blocksAround } from './blockAtTime.ts'

const headerOf = (times: readonly number[], number: number): BlockHeader | null => {
  const seconds = times[number]
  if (seconds === undefined) return null
  return { number, hash: `${number}`, parentHash: `${number - 1}`, timestamp: new Date(seconds * 1000) }
}

test('the blocks around a time are found on any chain, and fast where blocks come evenly', async () => {
  const intervals = fc.array(
    fc.oneof(fc.constant(12), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 100_000 })),
    {
      minLength: 2,
      maxLength: 300,
    },
  )
  await fc.assert(
    fc.asyncProperty(intervals, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), async (steps, picks) => {
      let now = 1000
      const times = [now, ...steps.map((step) => (now += step))]
      const last = times.length - 1
      if (times[0] === times[last]) return
      const gaps = picks.map((pick) => ({
        at: 1000 + (pick % (now - 1000)),
        before: { number: 0, timestamp: new Date(1_000_000) },
        after: { number: last, timestamp: new Date(now * 1000) },
      }))
      let rounds = 0
      const found = await blocksAround(gaps, async (numbers) => {
        rounds++
        return numbers.map((number) => headerOf(times, number))
      })
      for (const [index, { at }] of gaps.entries()) {
        const after = times.findIndex((time) => time > at)
        expect(found[index]?.map(({ number }) => number)).toEqual([after - 1, after])
      }
      expect(rounds).toBeLessThanOrEqual(7 + Math.ceil(Math.log2(last + 1)) + 1)
    }),
    { numRuns: 300, seed: 20261129 },
  )
  const even = Array.from({ length: 1_000_001 }, (_, number) => number * 12)
  let asked = 0
  const gap = {
    at: 7_654_321,
    before: { number: 0, timestamp: new Date(0) },
    after: { number: 1_000_000, timestamp: new Date(12_000_000_000) },
  }
  const [pair] = await blocksAround([gap], async (numbers) => {
    asked += numbers.length
    return numbers.map((number) => headerOf(even, number))
  })
  expect(pair?.map(({ number }) => number)).toEqual([637_860, 637_861])
  expect(asked).toBeLessThanOrEqual(6)
})

test('a node without a block between two others, or with blocks of two chains, is not believed', async () => {
  const times = [0, 10, 20, 30]
  const gap = {
    at: 15,
    before: { number: 0, timestamp: new Date(0) },
    after: { number: 3, timestamp: new Date(30_000) },
  }
  await expect(blocksAround([gap], async (numbers) => numbers.map(() => null))).rejects.toThrow(InconsistentChain)
  const forked = async (numbers: readonly number[]) =>
    numbers.map((number) => {
      const header = headerOf(times, number)
      return header && { ...header, parentHash: 'another' }
    })
  await expect(blocksAround([gap], forked)).rejects.toThrow('does not follow')
})
