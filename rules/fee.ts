/** Prices in wei per 1,000 tokens, as quoted when the call began. */
export type Price = { priceIn: bigint; priceOut: bigint }

const PER = 1_000n

/** Fee of a call in wei: `ceil(tokensIn × priceIn / 1000) + ceil(tokensOut × priceOut / 1000)` (rule 7).
 *  @throws RangeError on a negative or fractional count or price. */
export function fee(price: Price, tokensIn: number | bigint, tokensOut: number | bigint): bigint {
  return part(tokensIn, price.priceIn) + part(tokensOut, price.priceOut)
}

/** What is held before a call starts: the fee if every output token allowed were used.
 *  Invariant: no call that keeps its limit costs more, so the hold always covers the fee. */
export function maximumFee(price: Price, tokensIn: number | bigint, maxTokensOut: number | bigint): bigint {
  return fee(price, tokensIn, maxTokensOut)
}

/** The most output tokens that `credit` can pay for after the prompt; 0 when it does not even cover the prompt,
 *  `undefined` when output is free. */
export function affordableTokensOut(price: Price, tokensIn: number | bigint, credit: bigint): bigint | undefined {
  const left = credit - part(tokensIn, price.priceIn)
  if (left < 0n) return 0n
  return price.priceOut === 0n ? undefined : (left * PER) / price.priceOut
}

/** Splits a hold once the call has ended: the fee is posted, the rest released.
 *  @throws RangeError when the fee exceeds the hold: the call ran past the limit it was admitted under. */
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
  return (count * price + PER - 1n) / PER
}
