import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import {
  constant,
  custom,
  type Graph,
  gather,
  input,
  less,
  loop,
  matmul,
  onnxRuntime,
  ProgramCache,
  reshape,
  scatterAdd,
  scatterElements,
  sum,
  tensor,
} from './index.ts'

const runner = onnxRuntime({ device: 'cpu', threads: 2 })

async function run<O extends string>(graph: Graph<O>, feeds = {}, threads = 2) {
  const program = await onnxRuntime({ device: 'cpu', threads }).compile(graph)
  const results = await program.run(feeds)
  await program.release()
  return results
}

test('trap, ScatterND races: repeated indices add up exactly with two threads, at a size where threads share the work', async () => {
  const [rows, width, targets] = [4096, 64, 7]
  const ids = Int32Array.from({ length: rows }, (_, i) => (i * i) % targets)
  const values = Float32Array.from({ length: rows * width }, (_, i) => (i % 13) - 6)
  const expected = new Float32Array(targets * width)
  for (const [row, target] of ids.entries())
    for (let column = 0; column < width; column++) {
      const at = target * width + column
      expected[at] = must(expected[at]) + must(values[row * width + column])
    }
  const index = input('index', [rows], 'i32', { below: targets })
  const value = input('value', [rows, width])
  const wide = reshape(index, [1, rows])
  const graph = {
    inputs: [index, value],
    outputs: {
      rowwise: scatterAdd(index, value, [targets, width]),
      lastAxis: scatterElements(wide, reshape(sum(value, [1]), [1, rows]), [1, targets]),
    },
  }
  for (let repeat = 0; repeat < 20; repeat++) {
    const { rowwise, lastAxis } = await run(graph, { index: ids, value: values })
    expect(rowwise.floats).toEqual(expected)
    for (let target = 0; target < targets; target++)
      expect(lastAxis.floats[target]).toBe(
        expected.subarray(target * width, (target + 1) * width).reduce((a, b) => a + b),
      )
  }
})

test('the number of threads changes no bit of a result', async () => {
  const x = input('x', [256, 512])
  const w = input('w', [384, 512])
  const y = matmul(x, w, { transposeB: true })
  const noise = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * seed + seed))
  const feeds = { x: noise(256 * 512, 1.1), w: noise(384 * 512, 0.7) }
  const one = await run({ inputs: [x, w], outputs: { y, total: sum(y) } }, feeds, 1)
  const two = await run({ inputs: [x, w], outputs: { y, total: sum(y) } }, feeds, 2)
  expect(two.y.floats).toEqual(one.y.floats)
  expect(two.total.value).toBe(one.total.value)
})

const trips = input('trips', [], 'i64')
const start = input('start', [2])

test('a loop whose state changes shape or type is refused', () => {
  expect(() => loop({ trips, limit: 2, carried: [start] }, () => ({ carried: [sum(start)] }))).toThrow(
    'loop: carried value 0 enters as f32 [2] and leaves as f32 [1]',
  )
  expect(() =>
    loop({ trips, limit: 2, carried: [start] }, (_, [x]) => ({ carried: [x], proceed: less(x, 1) })),
  ).toThrow('loop: proceed must be a bool scalar, not bool [2]')
})

test('a custom operator with several results: the two largest values of each row and their positions', async () => {
  const x = input('x', [2, 4])
  const k = constant(BigInt64Array.of(2n), [1])
  const [values, places] = custom(
    'TopK',
    [x, k],
    [
      { shape: [2, 2], dtype: 'f32' },
      { shape: [2, 2], dtype: 'i64' },
    ],
  )
  const graph = { inputs: [x], outputs: { values: values, places: places } }
  const results = await run(graph, { x: Float32Array.of(1, 9, 3, 7, 5, 2, 8, 1) })
  expect(Array.from(results.values.floats)).toEqual([9, 7, 8, 5])
  expect(results.places.numbers).toEqual([1, 3, 2, 0])
})

test('trap, shapes are static: a program cache compiles a bucket once and evicts the oldest', async () => {
  const compiled: string[] = []
  const cache = new ProgramCache<number>(async (length) => {
    compiled.push(`${length}`)
    const x = input('x', [length])
    return runner.compile({ inputs: [x], outputs: { y: sum(x) } })
  }, 2)
  for (const length of [2, 3, 2, 4, 2, 3]) {
    const program = await cache.get(length)
    expect(must((await program.run({ x: tensor(new Float32Array(length).fill(1)) })).y).value).toBe(length)
  }
  expect(compiled).toEqual(['2', '3', '4', '3'])
  await cache.release()
})

test('a table that is read with ids from a bucket keeps its declared bound', async () => {
  const ids = input('ids', [1], 'i32', { below: 4 })
  const program = await runner.compile({
    inputs: [ids],
    outputs: { y: gather(constant(Float32Array.of(1, 2, 3, 4), [4]), ids) },
  })
  await expect(program.run({ ids: Int32Array.of(4) })).rejects.toThrow('ids run from 0 to 3')
})
