import { type Hex, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { RewardTree } from './merkle.ts'
import { QualityIndex } from './quality.ts'

/** How long `run` takes, in milliseconds. */
function timeOf(run: () => void): number {
  const started = performance.now()
  run()
  return performance.now() - started
}

test('a hundred thousand leaves take about a second', () => {
  const distributor: Hex = `0x${'70'.repeat(20)}`
  const leaves = Array.from({ length: 100_000 }, (_, i) => ({
    chain: 31337n,
    distributor,
    epoch: 3n,
    account: pad(toHex(BigInt(i) * 7919n + 1n), { size: 20 }),
    cumulative: BigInt(i) ** 3n,
  }))
  const took = timeOf(() => {
    expect(new RewardTree(leaves).root).toMatch(/^0x[0-9a-f]{64}$/)
  })
  expect(took).toBeLessThan(8_000)
})

test('ten thousand templated samples are judged in seconds', () => {
  const index = new QualityIndex()
  const took = timeOf(() => {
    for (let i = 0; i < 10_000; i++)
      index.add({
        id: `${i}`,
        committed: BigInt(i),
        text: JSON.stringify({ prompt: `Please convert ${i * 7919} metres`, completion: `That is ${i * 31} feet` }),
      })
  })
  expect(took).toBeLessThan(15_000)
})

test('long samples of one word, each of which shares everything with the others, are judged in seconds', () => {
  const index = new QualityIndex()
  const took = timeOf(() => {
    for (let i = 0; i < 6; i++)
      index.add({
        id: `${i}`,
        committed: BigInt(i),
        text: JSON.stringify({ prompt: 'Say', completion: `${'a '.repeat(16_000)}${i}` }),
      })
  })
  expect(took).toBeLessThan(15_000)
})
