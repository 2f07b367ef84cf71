import { bytesToHex, keccak256 } from 'viem'
import { expect, test } from 'vitest'

/** The module is compiled when it is loaded: within a test, so that a failure to load fails that test. */
const load = () => import('./keccak.ts')

test('equals an independent implementation for every length around the block borders', async () => {
  const { keccak256Into } = await load()
  const input = Uint32Array.from({ length: 200 }, (_, i) => Math.imul(i + 1, 2654435761))
  const output = new Uint32Array(12)
  const bytes = (words: Uint32Array) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  for (let length = 0; length <= 180; length++) {
    keccak256Into(input, 5, length, output, 3)
    expect(bytesToHex(bytes(output.subarray(3, 11)))).toBe(keccak256(bytes(input.subarray(5, 5 + length))))
  }
})

test('the empty input has its well-known hash', async () => {
  const { keccak256Into } = await load()
  const output = new Uint32Array(8)
  keccak256Into(new Uint32Array(), 0, 0, output, 0)
  expect(bytesToHex(new Uint8Array(output.buffer))).toBe(
    '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
  )
})
