import { type Hex, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { RewardTree } from './merkle.ts'
import { QualityIndex } from './quality.ts'

/** Four times the input takes about four times as long, and not sixteen times: the processor's time is compared, so that other work on the machine counts
 *  for little. */
const MAX_GROWTH = 10

/** How much longer `run` takes for four times the size, after a first run for the compiler; the shortest of three runs each. */
function growth(size: number, run: (size: number) => void): number {
  const timeOf = (n: number) => {
    const before = process.cpuUsage()
    run(n)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  timeOf(4 * size)
  const shortest = (n: number) => Math.min(...[1, 2, 3].map(() => timeOf(n)))
  return shortest(4 * size) / shortest(size)
}

test('the time of a tree is in proportion to its leaves', () => {
  const distributor: Hex = `0x${'70'.repeat(20)}`
  const grown = growth(10_000, (count) => {
    const leaves = Array.from({ length: count }, (_, i) => ({
      chain: 31337n,
      distributor,
      epoch: 3n,
      account: pad(toHex(BigInt(i) * 7919n + 1n), { size: 20 }),
      cumulative: BigInt(i) ** 3n,
    }))
    expect(new RewardTree(leaves).root).toMatch(/^0x[0-9a-f]{64}$/)
  })
  expect(grown).toBeLessThan(MAX_GROWTH)
})

test('templated samples are judged in proportion to their number', () => {
  const grown = growth(500, (count) => {
    const index = new QualityIndex()
    for (let i = 0; i < count; i++)
      index.add({
        id: `${i}`,
        committed: BigInt(i),
        text: JSON.stringify({ prompt: `Please convert ${i * 7919} metres`, completion: `That is ${i * 31} feet` }),
      })
  })
  expect(grown).toBeLessThan(MAX_GROWTH)
})

test('long samples of one word, each of which shares everything with the others, are judged in proportion to their length', () => {
  const grown = growth(1_000, (words) => {
    const index = new QualityIndex()
    for (let i = 0; i < 6; i++)
      index.add({
        id: `${i}`,
        committed: BigInt(i),
        text: JSON.stringify({ prompt: 'Say', completion: `${'a '.repeat(words)}${i}` }),
      })
  })
  expect(grown).toBeLessThan(MAX_GROWTH)
})
