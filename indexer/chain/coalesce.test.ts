import { expect, test } from 'vitest'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { BlockRange } from './blockRange.ts'
import { coalesced } from './coalesce.ts'

const range = (from: number, to: number, logs: number): BlockRange => ({
  from,
  to,
  headers: [{ number: to } as BlockHeader],
  logs: Array.from({ length: logs }, (_, index) => ({ block: to, index }) as Log),
})

async function* chain(ranges: BlockRange[], failure?: Error) {
  yield* ranges
  if (failure) throw failure
}

const shape = ({ from, to, headers, logs }: BlockRange) => [from, to, headers.map(({ number }) => number), logs.length]

async function collect(ranges: AsyncIterable<BlockRange>) {
  const found: unknown[] = []
  for await (const one of ranges) found.push(shape(one))
  return found
}

test('small ranges are joined until they hold enough logs, and the rest is yielded at the end', async () => {
  const all = [range(1, 10, 5), range(11, 20, 1_999), range(21, 30, 3_000), range(31, 40, 1), range(41, 50, 0)]
  expect(await collect(coalesced(chain(all)))).toEqual([
    [1, 20, [10, 20], 2_004],
    [21, 30, [30], 3_000],
    [31, 50, [40, 50], 1],
  ])
})

test('ranges held when the source fails are yielded before the error', async () => {
  const found: unknown[] = []
  const failing = coalesced(chain([range(1, 10, 5), range(11, 20, 6)], new Error('the node is away')))
  const all = (async () => {
    for await (const one of failing) found.push(shape(one))
  })()
  await expect(all).rejects.toThrow('the node is away')
  expect(found).toEqual([[1, 20, [10, 20], 11]])
})

test('an error of the consumer ends the source', async () => {
  let ended = false
  async function* source() {
    try {
      for (let i = 0; ; i++) yield range(i, i, 5_000)
    } finally {
      ended = true
    }
  }
  const taking = (async () => {
    for await (const _ of coalesced(source())) throw new Error('no room')
  })()
  await expect(taking).rejects.toThrow('no room')
  expect(ended).toBe(true)
})
