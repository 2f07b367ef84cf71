import { expect, test } from 'vitest'
import { gathered } from './gather.ts'
import type { Header, Log, Stretch } from './stretch.ts'

const stretch = (from: number, to: number, logs: number): Stretch => ({
  from,
  to,
  headers: [{ number: to } as Header],
  logs: Array.from({ length: logs }, (_, index) => ({ block: to, index }) as Log),
})

async function* chain(stretches: Stretch[], failure?: Error) {
  yield* stretches
  if (failure) throw failure
}

const shape = ({ from, to, headers, logs }: Stretch) => [from, to, headers.map(({ number }) => number), logs.length]

async function collect(stretches: AsyncIterable<Stretch>) {
  const found: unknown[] = []
  for await (const one of stretches) found.push(shape(one))
  return found
}

test('small stretches are joined until they hold enough, and the rest is handed on at the end', async () => {
  const all = [
    stretch(1, 10, 5),
    stretch(11, 20, 1_999),
    stretch(21, 30, 3_000),
    stretch(31, 40, 1),
    stretch(41, 50, 0),
  ]
  expect(await collect(gathered(chain(all)))).toEqual([
    [1, 20, [10, 20], 2_004],
    [21, 30, [30], 3_000],
    [31, 50, [40, 50], 1],
  ])
})

test('what is held when the chain fails comes before the failure', async () => {
  const found: unknown[] = []
  const failing = gathered(chain([stretch(1, 10, 5), stretch(11, 20, 6)], new Error('the node is away')))
  const all = (async () => {
    for await (const one of failing) found.push(shape(one))
  })()
  await expect(all).rejects.toThrow('the node is away')
  expect(found).toEqual([[1, 20, [10, 20], 11]])
})

test('an error of who takes them ends the asking', async () => {
  let ended = false
  async function* source() {
    try {
      for (let i = 0; ; i++) yield stretch(i, i, 5_000)
    } finally {
      ended = true
    }
  }
  const taking = (async () => {
    for await (const _ of gathered(source())) throw new Error('no room')
  })()
  await expect(taking).rejects.toThrow('no room')
  expect(ended).toBe(true)
})
