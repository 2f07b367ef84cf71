import { expect, onTestFinished, test, vi } from 'vitest'
import { passTime, rpc, startAnvil } from '#contracts/anvil.ts'
import { silent } from '#workers/test/testWorker.ts'
import { mineEmptyBlocks, secondsToNextBlock } from './emptyBlocks.ts'

const GENESIS = 1_760_000_000

test('time passes on a chain to which nobody sends anything, at the rate of real time', async () => {
  const { url, stop } = await startAnvil({ genesisTimestamp: GENESIS, blockInterval: 1 })
  onTestFinished(stop)
  const stopMining = mineEmptyBlocks(url, silent)
  onTestFinished(stopMining)
  const newest = async () => {
    const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { number: string; timestamp: string }
    return { number: Number(block.number), seconds: Number(block.timestamp) - GENESIS }
  }
  const began = Date.now()
  const passed = () => Math.ceil((Date.now() - began) / 1000)
  await vi.waitFor(async () => expect((await newest()).number).toBe(2), { timeout: 30_000, interval: 100 })
  const { seconds } = await newest()
  expect(seconds).toBeGreaterThanOrEqual(passed() - 8)
  expect(seconds).toBeLessThanOrEqual(passed() + 1)
  await passTime(url, 1000) // whoever moves the clock is not undone, and does not stop it
  await vi.waitFor(async () => expect((await newest()).seconds).toBeGreaterThan(seconds + 1000), {
    timeout: 30_000,
    interval: 100,
  })
})

test.each([
  [0, 5],
  [100, 5],
  [600, 30],
  [86_400, 60],
])('after %d idle seconds the next empty block comes in %d', (idle, next) => {
  expect(secondsToNextBlock(idle)).toBe(next)
})
