import { z } from 'zod'
import type { AnswerForm, AnswerRequest, Asked } from './exchange.ts'
import type { AnswerResult } from './followAnswer.ts'
import { completionFields, maxTokensField, readBody, requireStream, samplingOf, seedField } from './readBody.ts'
import { finishReason, receiptsOf, usageOf } from './results.ts'
import type { AnswerTokens } from './workerStream.ts'

/** `POST /v1/completions`. The engine encodes a prompt as one user message, for a model that has a chat template. */

const MAX_PROMPTS = 16
const DEFAULT_TOKENS = 16

const completionBody = z.strictObject({
  ...completionFields,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(MAX_PROMPTS)], 'a text, or a list of at most 16 texts'),
  max_tokens: maxTokensField,
  logprobs: z.number().int().min(0).max(5).nullish(),
  best_of: z.number().int().nullish(),
  echo: z.literal(false, 'this server returns no prompts').nullish(),
  suffix: z.null('this server has no suffix').optional(),
})

export interface CompletionRequest extends AnswerRequest {
  includeUsage: boolean
}

export function readCompletion(body: unknown): CompletionRequest {
  const given = readBody(completionBody, body)
  requireStream(given.stream, given.stream_options)
  const prompts = [given.prompt].flat()
  const inputs = prompts.flatMap((prompt) =>
    Array.from({ length: given.n ?? 1 }, () => ({
      ...samplingOf(given),
      prompt,
      maxTokens: given.max_tokens ?? DEFAULT_TOKENS,
      ...(given.logprobs != null && { topLogprobs: given.logprobs }),
    })),
  )
  return {
    model: given.model,
    inputs,
    seed: seedField(given.seed),
    stream: given.stream ?? false,
    includeUsage: given.stream_options?.include_usage ?? false,
  }
}

export function completionForm(
  { model, inputs, includeUsage }: CompletionRequest,
  { ids, created, endpoint }: Asked,
): AnswerForm {
  const head = {
    id: `cmpl-${ids[0]}`,
    object: 'text_completion',
    created,
    model,
    system_fingerprint: `version:${endpoint.versionId}`,
  }
  const offsets = inputs.map(() => 0)
  const logprobs = (index: number, tokens: AnswerTokens | undefined) => {
    if (!tokens) return null
    const from = offsets[index] ?? 0
    const shown = legacyLogprobs(tokens, from)
    offsets[index] = from + tokens.reduce((sum, { token }) => sum + token.text.length, 0)
    return shown
  }
  const chunk = (choices: object[], more: object = includeUsage ? { usage: null } : {}) => ({
    data: { ...head, choices, ...more },
  })
  return {
    whole: (results) => ({
      ...head,
      choices: results.map((result, index) => ({
        index,
        text: result.answer,
        logprobs: logprobs(index, result.tokens?.slice(0, result.tokensOut)),
        finish_reason: finishReason(result),
      })),
      usage: usageOf(results),
      ...receiptsOf(results),
    }),
    begin: () => [],
    piece: (index, { text, tokens }) => [
      chunk([{ index, text, logprobs: logprobs(index, tokens), finish_reason: null }]),
    ],
    end: (index, result) => [chunk([{ index, text: '', logprobs: null, finish_reason: finishReason(result) }])],
    finish: (results: readonly AnswerResult[]) => [
      ...(includeUsage ? [chunk([], { usage: usageOf(results), ...receiptsOf(results) })] : []),
      { data: '[DONE]' as const },
    ],
    failure: (body) => [{ data: body }],
  }
}

function legacyLogprobs(tokens: AnswerTokens, from: number) {
  let offset = from
  return {
    tokens: tokens.map(({ token }) => token.text),
    token_logprobs: tokens.map(({ token }) => token.logProbability),
    top_logprobs: tokens.map(({ top }) =>
      top ? Object.fromEntries(top.map(({ text, logProbability }) => [text, logProbability])) : null,
    ),
    text_offset: tokens.map(({ token }) => {
      const at = offset
      offset += token.text.length
      return at
    }),
  }
}
