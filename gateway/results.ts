import type { AnswerResult } from './followAnswer.ts'

/** What the forms of OpenAI share. */

/** `length`: the answer was cut, by its limit or because its client left. */
export const finishReason = ({ finish }: Pick<AnswerResult, 'finish'>): 'stop' | 'length' =>
  finish === 'stop' ? 'stop' : 'length'

/** Tokens as charged: each answer to a prompt is a call of its own, which pays for its prompt. */
export function usageOf(results: readonly AnswerResult[]) {
  const prompt = results.reduce((sum, { tokensIn }) => sum + tokensIn, 0)
  const completion = results.reduce((sum, { tokensOut }) => sum + tokensOut, 0)
  const cached = results.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  }
}

/** The receipts of the answers, and their fees in wei. */
export const receiptsOf = (results: readonly AnswerResult[]) => ({
  receipt: results[0] && receiptOf(results[0]),
  ...(results.length > 1 && { receipts: results.map(receiptOf) }),
})

const receiptOf = ({ receiptId, fee }: AnswerResult) => ({ id: receiptId, fee })
