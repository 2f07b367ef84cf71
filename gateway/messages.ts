import { z } from 'zod'
import type { ChatTurn } from '#schema/chatRequest.ts'
import { AnswerText } from './answerText.ts'
import { chatInput, type ToolChoice } from './chatInput.ts'
import type { ErrorBody } from './errors.ts'
import type { SentEvent } from './eventStream.ts'
import type { AnswerForm, AnswerRequest, Asked } from './exchange.ts'
import type { AnswerResult } from './followAnswer.ts'
import { assistantText, plainTextOf } from './messageText.ts'
import { maxTokensField, readBody, samplingOf } from './readBody.ts'
import { receiptsOf } from './results.ts'
import { parseAnswer, type ToolCall, toolNames } from './toolCalls.ts'

/** `POST /v1/messages`: the same calls in the form of Anthropic's API. */

const textBlock = z.object({ type: z.literal('text'), text: z.string() })
const block = z.discriminatedUnion('type', [
  textBlock,
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.record(z.string(), z.json()) }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(textBlock)]).optional(),
    is_error: z.boolean().optional(),
  }),
])

const messagesBody = z.strictObject({
  model: z.string().min(1),
  max_tokens: maxTokensField.unwrap().unwrap(),
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(block)]) }))
    .min(1),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0.01).max(1).optional(),
  stop_sequences: z.array(z.string().min(1).max(200)).max(8).optional(),
  stream: z.boolean().optional(),
  tools: z
    .array(
      z.object({
        name: z.string().regex(/^[\w-]{1,64}$/, '1 to 64 letters, digits, _ or -'),
        description: z.string().optional(),
        input_schema: z.record(z.string(), z.json()),
      }),
    )
    .optional(),
  tool_choice: z
    .object({
      type: z.enum(['auto', 'any', 'tool', 'none']),
      name: z.string().optional(),
      disable_parallel_tool_use: z.boolean().optional(),
    })
    .optional(),
  metadata: z.object({}).optional(),
})

export function readMessages(body: unknown): AnswerRequest {
  const given = readBody(messagesBody, body)
  const { tool_choice: choice } = given
  const chosen: Record<'auto' | 'any' | 'tool' | 'none', ToolChoice> = {
    auto: 'auto',
    any: 'required',
    none: 'none',
    tool: { name: choice?.name ?? '' },
  }
  const system = plainTextOf(given.system)
  return {
    model: given.model,
    inputs: [
      {
        ...samplingOf({
          temperature: given.temperature,
          top_p: given.top_p,
          stop: given.stop_sequences,
          repetition_penalty: null,
        }),
        ...chatInput({
          messages: [
            ...(system ? [{ role: 'system' as const, content: system }] : []),
            ...given.messages.flatMap(turnsOfMessage),
          ],
          tools: given.tools?.map(({ name, description, input_schema: parameters }) => ({
            type: 'function' as const,
            function: { name, ...(description !== undefined && { description }), parameters },
          })),
          choice: choice && chosen[choice.type],
          parallel: !choice?.disable_parallel_tool_use,
        }),
        maxTokens: given.max_tokens,
      },
    ],
    stream: given.stream ?? false,
  }
}

/** A message may have results of tools beside texts: each is a message of its own for templates. */
function turnsOfMessage({ role, content }: z.output<typeof messagesBody>['messages'][number]): ChatTurn[] {
  if (typeof content === 'string') return [{ role, content }]
  const texts = content.flatMap((one) => (one.type === 'text' ? [one] : []))
  const calls = content.flatMap((one) =>
    one.type === 'tool_use'
      ? [{ id: one.id, type: 'function' as const, function: { name: one.name, arguments: one.input } }]
      : [],
  )
  if (role === 'assistant') return [assistantText(plainTextOf(texts), calls)]
  const results = content.flatMap((one): ChatTurn[] =>
    one.type === 'tool_result'
      ? [{ role: 'tool', content: plainTextOf(one.content), tool_call_id: one.tool_use_id }]
      : [],
  )
  return [...results, ...(texts.length > 0 ? [{ role: 'user' as const, content: plainTextOf(texts) }] : [])]
}

export function messagesForm({ model, inputs }: AnswerRequest, { ids: [id = ''] }: Asked): AnswerForm {
  const names = toolNames(inputs[0]?.chat)
  const text = new AnswerText(names)
  const head = { id: `msg_${id}`, type: 'message', role: 'assistant', model }
  const event = (type: string, more: object): SentEvent => ({ event: type, data: { type, ...more } })
  let isOpen = false
  const delta = (fresh: string) => {
    const events = isOpen ? [] : [event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })]
    isOpen = true
    return [...events, event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: fresh } })]
  }
  const toolEvents = (call: ToolCall, index: number) => [
    event('content_block_start', { index, content_block: { ...toolUse(call), input: {} } }),
    event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: call.arguments } }),
    event('content_block_stop', { index }),
  ]
  const usage = ({ tokensIn, tokensOut, cachedTokens }: AnswerResult) => ({
    input_tokens: tokensIn - cachedTokens,
    cache_read_input_tokens: cachedTokens,
    output_tokens: tokensOut,
  })
  return {
    whole(results) {
      const result = results[0] as AnswerResult
      const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
      return {
        ...head,
        content: [
          ...(content !== '' || calls.length === 0 ? [{ type: 'text', text: content }] : []),
          ...calls.map(toolUse),
        ],
        ...stopOf(result, calls),
        usage: usage(result),
        ...receiptsOf(results),
      }
    },
    begin: () => [
      event('message_start', {
        message: {
          ...head,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 0, output_tokens: 0 },
        },
      }),
    ],
    piece(_, piece) {
      const fresh = text.next(piece)
      return fresh ? delta(fresh.text) : []
    },
    end(_, result) {
      const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
      const rest = text.rest(content)
      const events = rest.text !== '' || (calls.length === 0 && !isOpen) ? delta(rest.text) : []
      if (isOpen) events.push(event('content_block_stop', { index: 0 }))
      events.push(...calls.flatMap((call, index) => toolEvents(call, index + (isOpen ? 1 : 0))))
      events.push(
        event('message_delta', { delta: stopOf(result, calls), usage: usage(result), ...receiptsOf([result]) }),
      )
      return events
    },
    finish: () => [event('message_stop', {})],
    failure: (body) => [{ event: 'error', data: anthropicError(500, body) }],
  }
}

const toolUse = ({ id, name, arguments: given }: ToolCall) => ({ type: 'tool_use', id, name, input: JSON.parse(given) })

const stopOf = ({ finish, stopped }: AnswerResult, calls: readonly ToolCall[]) => ({
  stop_reason:
    calls.length > 0
      ? 'tool_use'
      : finish !== 'stop'
        ? 'max_tokens'
        : stopped === undefined
          ? 'end_turn'
          : 'stop_sequence',
  stop_sequence: stopped ?? null,
})

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
}

/** An error in Anthropic's form. */
export const anthropicError = (status: number, { error }: ErrorBody) => ({
  type: 'error',
  error: { type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'), message: error.message },
})
