/** Rule 7 (fee): the price of a call, and what is reserved before it. */

/** Prices in wei per 1,000 tokens, as quoted when the call began. */
export type Price = { priceIn: bigint; priceOut: bigint }

/** Tokens that a price is for. */
const PRICE_UNIT_TOKENS = 1_000n

/**
 * Fee of a call in wei: `⌈tokensIn × priceIn / 1000⌉ + ⌈tokensOut × priceOut / 1000⌉`.
 * @throws RangeError on a negative or fractional count or price.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fee } from '#rules/fee.ts'
 *
 * assert.equal(fee({ priceIn: 2_000n, priceOut: 3n }, 10, 1), 21n) // 20 + ⌈0.003⌉ wei
 * ```
 */
export function fee(price: Price, tokensIn: number | bigint, tokensOut: number | bigint): bigint {
  return part(tokensIn, price.priceIn) + part(tokensOut, price.priceOut)
}

/** Upper bound for the tokens that a chat template adds. */
const TEMPLATE_TOKENS = 64

/** An upper bound for the input tokens of a prompt: a byte-level tokenizer makes at most one token of each byte. */
export const maxPromptTokens = (prompt: string): number => new TextEncoder().encode(prompt).length + TEMPLATE_TOKENS

/** What is reserved before a call starts: the fee if it uses every output token that is allowed. Invariant: a call within its limit never
 *  costs more, so the reservation always covers the fee. */
export function maximumFee(price: Price, tokensIn: number | bigint, maxTokensOut: number | bigint): bigint {
  return fee(price, tokensIn, maxTokensOut)
}

/**
 * The number of output tokens that `credit` (wei) can pay for after the prompt; 0 when it does not cover the prompt, `undefined` when
 * output is free.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { affordableTokensOut } from '#rules/fee.ts'
 *
 * assert.equal(affordableTokensOut({ priceIn: 1_000n, priceOut: 2_000n }, 10, 110n), 50n)
 * ```
 */
export function affordableTokensOut(price: Price, tokensIn: number | bigint, credit: bigint): bigint | undefined {
  const left = credit - part(tokensIn, price.priceIn)
  if (left < 0n) return 0n
  return price.priceOut === 0n ? undefined : (left * PRICE_UNIT_TOKENS) / price.priceOut
}

/** Splits a reservation after the call: the fee is posted, the rest released.
 *  @throws RangeError when the fee exceeds the reservation, because the call ran past its limit. */
export function settleHold(hold: bigint, charged: bigint): { posted: bigint; released: bigint } {
  if (charged < 0n || charged > hold)
    throw new RangeError(
      `Fee ${charged} does not fit the hold ${hold}. Post at most the hold and stop the call at its limit.`,
    )
  return { posted: charged, released: hold - charged }
}

function part(tokens: number | bigint, price: bigint): bigint {
  if (typeof tokens === 'number' && !Number.isSafeInteger(tokens))
    throw new RangeError(`Token count ${tokens} is not a whole number.`)
  const count = BigInt(tokens)
  if (count < 0n || price < 0n) throw new RangeError(`Token count ${count} and price ${price} must not be negative.`)
  return (count * price + PRICE_UNIT_TOKENS - 1n) / PRICE_UNIT_TOKENS
}
