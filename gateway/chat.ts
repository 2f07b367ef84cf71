import { z } from 'zod'
import type { ChatTool, ChatTurn } from '#schema/chatRequest.ts'
import { AnswerText } from './answerText.ts'
import { chatInput, formatSchema, type ToolChoice } from './chatInput.ts'
import type { AnswerForm, AnswerRequest, Asked } from './exchange.ts'
import { argumentsOf, assistantText, plainTextOf } from './messageText.ts'
import {
  completionFields,
  maxTokensField,
  plainFormats,
  readBody,
  requireStream,
  samplingOf,
  seedField,
} from './readBody.ts'
import { finishReason, receiptsOf, usageOf } from './results.ts'
import { parseAnswer, toolNames } from './toolCalls.ts'
import type { AnswerTokens } from './workerStream.ts'

/** `POST /v1/chat/completions`. */

const DEFAULT_TOKENS = 512

const parts = z.union(
  [
    z.string(),
    z.array(z.object({ type: z.literal('text'), text: z.string() })),
    z.array(z.object({ type: z.literal('refusal'), refusal: z.string() })),
  ],
  'a text, or parts of the type text: the models that are served here read text only',
)
const toolCall = z.object({
  id: z.string(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string(), arguments: z.string() }),
})
const name = z.string().nullish()
const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer', 'user']), content: parts, name }),
  z.object({ role: z.literal('assistant'), content: parts.nullish(), name, tool_calls: z.array(toolCall).nullish() }),
  z.object({ role: z.literal('tool'), content: parts, tool_call_id: z.string() }),
])
export const functionTool = z.object({
  name: z.string().regex(/^[\w-]{1,64}$/, '1 to 64 letters, digits, _ or -'),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.json()).nullish(),
  strict: z.boolean().nullish(),
})

const chatBody = z.strictObject({
  ...completionFields,
  messages: z.array(message).min(1),
  max_tokens: maxTokensField,
  max_completion_tokens: maxTokensField,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  response_format: z
    .discriminatedUnion('type', [
      ...plainFormats,
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({ name: z.string().optional(), schema: z.record(z.string(), z.json()).optional() }),
      }),
    ])
    .nullish(),
  tools: z.array(z.object({ type: z.literal('function'), function: functionTool })).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  modalities: z.array(z.literal('text')).nullish(),
  // Without effect on an answer.
  store: z.boolean().nullish(),
  reasoning_effort: z.string().nullish(),
  verbosity: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
})

export interface ChatCompletionRequest extends AnswerRequest {
  includeUsage: boolean
}

export function readChatCompletion(body: unknown): ChatCompletionRequest {
  const given = readBody(chatBody, body)
  requireStream(given.stream, given.stream_options)
  const { tool_choice: choice } = given
  const chosen: ToolChoice | undefined =
    typeof choice === 'object' && choice !== null ? { name: choice.function.name } : (choice ?? undefined)
  const input = {
    ...samplingOf(given),
    ...chatInput({
      messages: given.messages.map(turnOf),
      tools: given.tools?.map((one) => toolOf(one.function)),
      choice: chosen,
      parallel: given.parallel_tool_calls ?? true,
      schema: formatSchema(given.response_format),
    }),
    maxTokens: given.max_completion_tokens ?? given.max_tokens ?? DEFAULT_TOKENS,
    ...((given.logprobs || given.top_logprobs != null) && { topLogprobs: given.top_logprobs ?? 0 }),
  }
  return {
    model: given.model,
    inputs: Array.from({ length: given.n ?? 1 }, () => input),
    seed: seedField(given.seed),
    stream: given.stream ?? false,
    includeUsage: given.stream_options?.include_usage ?? false,
  }
}

function turnOf(given: z.output<typeof message>): ChatTurn {
  if (given.role === 'tool')
    return { role: 'tool', content: plainTextOf(given.content), tool_call_id: given.tool_call_id }
  if (given.role !== 'assistant')
    return { role: given.role === 'user' ? 'user' : 'system', content: plainTextOf(given.content) }
  const calls = given.tool_calls?.map(({ id, function: called }) => ({
    id,
    type: 'function' as const,
    function: { name: called.name, arguments: argumentsOf(called.arguments) },
  }))
  return assistantText(plainTextOf(given.content), calls)
}

/** A tool in the form that templates read. */
export const toolOf = ({ name, description, parameters }: z.output<typeof functionTool>): ChatTool => ({
  type: 'function',
  function: { name, ...(description != null && { description }), ...(parameters != null && { parameters }) },
})

export function chatForm(
  { model, inputs, includeUsage }: ChatCompletionRequest,
  { ids, created, endpoint }: Asked,
): AnswerForm {
  const head = { id: `chatcmpl-${ids[0]}`, created, model, system_fingerprint: `version:${endpoint.versionId}` }
  const names = toolNames(inputs[0]?.chat)
  const texts = ids.map(() => new AnswerText(names))
  const chunk = (index: number, delta: object, tokens: AnswerTokens | undefined, finish: string | null = null) => ({
    data: {
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index, delta, logprobs: logprobsOf(tokens), finish_reason: finish }],
      ...(includeUsage && { usage: null }),
    },
  })
  return {
    whole: (results) => ({
      ...head,
      object: 'chat.completion',
      choices: results.map((result, index) => {
        const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
        return {
          index,
          message: {
            role: 'assistant',
            content: calls.length > 0 && content === '' ? null : content,
            refusal: null,
            ...(calls.length > 0 && { tool_calls: calls.map(shownCall) }),
          },
          logprobs: logprobsOf(result.tokens?.slice(0, result.tokensOut)),
          finish_reason: calls.length > 0 ? 'tool_calls' : finishReason(result),
        }
      }),
      usage: usageOf(results),
      ...receiptsOf(results),
    }),
    begin: () => ids.map((_, index) => chunk(index, { role: 'assistant', content: '', refusal: null }, undefined)),
    piece(index, piece) {
      const fresh = texts[index]?.next(piece)
      return fresh ? [chunk(index, { content: fresh.text }, fresh.tokens)] : []
    },
    end(index, result) {
      const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
      const rest = texts[index]?.rest(content)
      const deltas: object[] = rest?.text ? [{ content: rest.text }] : []
      if (calls.length > 0)
        deltas.push({ tool_calls: calls.map((call, place) => ({ index: place, ...shownCall(call) })) })
      if (deltas.length === 0 && rest?.tokens?.length) deltas.push({ content: '' })
      const finish = calls.length > 0 ? 'tool_calls' : finishReason(result)
      return [
        ...deltas.map((delta, place) => chunk(index, delta, place === 0 ? rest?.tokens : undefined)),
        chunk(index, {}, undefined, finish),
      ]
    },
    finish: (results) => [
      ...(includeUsage
        ? [
            {
              data: {
                ...head,
                object: 'chat.completion.chunk',
                choices: [],
                usage: usageOf(results),
                ...receiptsOf(results),
              },
            },
          ]
        : []),
      { data: '[DONE]' as const },
    ],
    failure: (body) => [{ data: body }],
  }
}

const shownCall = ({ id, name, arguments: given }: { id: string; name: string; arguments: string }) => ({
  id,
  type: 'function',
  function: { name, arguments: given },
})

/** The logarithms of probabilities in the form of chat completions. */
export function logprobsOf(tokens: AnswerTokens | undefined) {
  if (!tokens) return null
  return {
    content: tokens.map(({ token, top = [] }) => ({ ...spelled(token), top_logprobs: top.map(spelled) })),
    refusal: null,
  }
}

export const spelled = ({ text, logProbability }: { text: string; logProbability: number }) => ({
  token: text,
  logprob: logProbability,
  bytes: [...new TextEncoder().encode(text)],
})
