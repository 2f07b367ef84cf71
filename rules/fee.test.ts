import fc from 'fast-check'
import { expect, test } from 'vitest'
import { affordableTokensOut, fee, maximumFee, maxPromptTokens, settleHold } from './fee.ts'

test('input and output are rounded up separately', () => {
  expect(fee({ priceIn: 1n, priceOut: 1n }, 1, 1)).toBe(2n)
  expect(fee({ priceIn: 1_500n, priceOut: 3_000n }, 10, 7)).toBe(15n + 21n)
  expect(fee({ priceIn: 0n, priceOut: 0n }, 10, 7)).toBe(0n)
})

test('a prompt has at most a token for each byte, and those of the chat template', () => {
  expect(maxPromptTokens('')).toBe(64)
  expect(maxPromptTokens('aé漢😀')).toBe(64 + 1 + 2 + 3 + 4)
})

test('the hold covers every call within its limit, and is divided without loss', () => {
  const count = fc.integer({ min: 0, max: 1_000_000 })
  const price = fc.bigInt({ min: 0n, max: 10n ** 20n })
  fc.assert(
    fc.property(count, count, count, price, price, (input, out, more, priceIn, priceOut) => {
      const hold = maximumFee({ priceIn, priceOut }, input, out + more)
      const { posted, released } = settleHold(hold, fee({ priceIn, priceOut }, input, out))
      expect(posted + released).toBe(hold)
      const affordable = affordableTokensOut({ priceIn, priceOut }, input, hold)
      expect(affordable === undefined).toBe(priceOut === 0n)
      if (affordable !== undefined) {
        expect(affordable >= BigInt(out + more)).toBe(true)
        expect(fee({ priceIn, priceOut }, input, affordable) <= hold).toBe(true)
        expect(fee({ priceIn, priceOut }, input, affordable + 1n) > hold).toBe(true)
      }
    }),
  )
})

test('credit for the prompt alone buys no output; free output has no limit', () => {
  expect(affordableTokensOut({ priceIn: 1_000n, priceOut: 1n }, 10, 9n)).toBe(0n)
  expect(affordableTokensOut({ priceIn: 1_000n, priceOut: 1n }, 10, 10n)).toBe(0n)
  expect(affordableTokensOut({ priceIn: 1_000n, priceOut: 0n }, 10, 10n)).toBe(undefined)
})

test('a free call releases its whole hold, the most expensive one nothing', () => {
  expect(settleHold(5n, 0n)).toEqual({ posted: 0n, released: 5n })
  expect(settleHold(5n, 5n)).toEqual({ posted: 5n, released: 0n })
})

test('bad counts and a fee above the hold are refused with the reason', () => {
  expect(() => fee({ priceIn: 1n, priceOut: 1n }, 1.5, 0)).toThrow(/whole number/)
  expect(() => fee({ priceIn: 1n, priceOut: 1n }, -1, 0)).toThrow(/negative/)
  expect(() => fee({ priceIn: -1n, priceOut: 1n }, 1, 0)).toThrow(/negative/)
  expect(() => settleHold(5n, 6n)).toThrow(/stop the call/)
  expect(() => settleHold(5n, -1n)).toThrow(/does not fit/)
})
