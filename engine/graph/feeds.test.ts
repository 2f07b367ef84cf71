import { expect, test } from 'vitest'
import { add, gather, input, onnxRuntime, sum, tensor } from './index.ts'

const table = input('table', [3, 2])
const ids = input('ids', [2], 'i32', { below: 3 })
const scale = input('scale', [])
const program = await onnxRuntime({ device: 'cpu', threads: 1 }).compile({
  inputs: [table, ids, scale],
  outputs: { y: add(gather(table, ids), scale), total: sum(table) },
})
const good = { table: tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]), ids: Int32Array.of(2, 0), scale: 10 }

test('good feeds run: a tensor, bare values and a number', async () => {
  const { y, total } = await program.run(good)
  expect(Array.from(y.floats)).toEqual([15, 16, 11, 12])
  expect(y.shape).toEqual([2, 2])
  expect(total.value).toBe(21)
})

test.each([
  [{ ids: Int32Array.of(0, 3) }, 'input ids contains 3 at position 1; ids run from 0 to 2'],
  [{ ids: Int32Array.of(-1, 0) }, 'input ids contains -1 at position 0; ids run from 0 to 2'],
  [{ ids: Float32Array.of(0, 1) }, 'input ids takes i32, not f32'],
  [{ ids: Int32Array.of(0) }, 'input ids of shape [2] takes 2 values, not 1'],
  [{ scale: Number.NaN }, 'input scale contains NaN at position 0; only finite numbers can be fed'],
  [{ scale: Number.POSITIVE_INFINITY }, 'input scale contains Infinity at position 0'],
  [{ table: tensor(new Float32Array(6), [2, 3]) }, 'input table has shape [3, 2], not [2, 3]'],
  [{ surplus: 1 }, 'the graph has no input surplus; it takes table, ids, scale'],
  [{ table: undefined as never }, 'input table is missing'], // what JavaScript callers can pass
])(
  'trap, negative ids wrap and NaN passes silently: bad feeds %# are refused before they reach the device',
  async (bad, message) => {
    await expect(program.run({ ...good, ...bad })).rejects.toThrow(message)
  },
)

test('a tensor is checked when it is made', () => {
  expect(() => tensor(Float32Array.of(1, Number.NaN))).toThrow('a tensor contains NaN at position 1')
  expect(() => tensor(Float32Array.of(1, 2), [3])).toThrow('2 values do not fill shape [3]')
})
