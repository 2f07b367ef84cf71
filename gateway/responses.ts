import { z } from 'zod'
import { type ChatTool, type ChatTurn, chatOf } from '#schema/chatRequest.ts'
import { AnswerText } from './answerText.ts'
import { functionTool, spelled, toolOf } from './chat.ts'
import { chatInput, formatSchema, type ToolChoice } from './chatInput.ts'
import type { ErrorBody } from './errors.ts'
import type { SentEvent } from './eventStream.ts'
import type { AnswerForm, AnswerRequest, Asked } from './exchange.ts'
import type { AnswerResult } from './followAnswer.ts'
import { argumentsOf, assistantText, plainTextOf } from './messageText.ts'
import { maxTokensField, readBody, samplingFields, samplingOf, seedField } from './readBody.ts'
import { receiptsOf } from './results.ts'
import { parseAnswer, type ToolCall, toolNames } from './toolCalls.ts'
import type { AnswerTokens } from './workerStream.ts'

/** `/v1/responses`. The id of a response is that of its call: its job and its receipt keep it, nothing else is stored. */

const DEFAULT_TOKENS = 512

const parts = z.union(
  [
    z.string(),
    z.array(z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() })),
    z.array(z.object({ type: z.literal('refusal'), refusal: z.string() })),
  ],
  'a text, or parts of the type input_text or output_text: the models that are served here read text only',
)
const item = z.union([
  z.object({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal('function_call_output'), call_id: z.string(), output: parts }),
  z.object({
    type: z.literal('message').optional(),
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: parts,
  }),
])

const responseBody = z.strictObject({
  ...samplingFields,
  input: z.union(
    [z.string(), z.array(item)],
    'a text, or a list of messages, function_call and function_call_output items',
  ),
  instructions: z.string().nullish(),
  max_output_tokens: maxTokensField,
  previous_response_id: z.string().nullish(),
  tools: z
    .array(functionTool.extend({ type: z.literal('function', 'only function tools are offered here') }))
    .nullish(),
  tool_choice: z
    .union([z.enum(['none', 'auto', 'required']), z.object({ type: z.literal('function'), name: z.string() })])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z
    .object({
      format: z
        .discriminatedUnion('type', [
          z.object({ type: z.literal('text') }),
          z.object({ type: z.literal('json_object') }),
          z.object({
            type: z.literal('json_schema'),
            name: z.string().optional(),
            schema: z.record(z.string(), z.json()),
          }),
        ])
        .nullish(),
      verbosity: z.string().nullish(),
    })
    .nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  include: z.array(z.string()).nullish(),
  background: z.boolean().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  truncation: z.enum(['disabled', 'auto']).nullish(),
  // Without effect on an answer.
  stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).nullish(),
  store: z.boolean().nullish(),
  reasoning: z.object({}).nullish(),
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  service_tier: z.string().nullish(),
  max_tool_calls: z.number().nullish(),
})

/** What a response repeats of its request. */
interface Echo {
  model: string
  instructions: string | null
  max_output_tokens: number | null
  previous_response_id: string | null
  metadata: Record<string, string>
  parallel_tool_calls: boolean
  temperature: number
  top_p: number
  tool_choice: unknown
  tools: object[]
  text: object
  background: boolean
}

export interface ResponseRequest extends AnswerRequest {
  echo: Echo
  background: boolean
}

/** @param before the conversation of `previous_response_id`. */
export async function readResponse(
  body: unknown,
  before: (id: string) => Promise<ChatTurn[]>,
): Promise<ResponseRequest> {
  const given = readBody(responseBody, body)
  const earlier = given.previous_response_id ? await before(given.previous_response_id) : []
  const messages: ChatTurn[] = [
    ...(given.instructions ? [{ role: 'system' as const, content: given.instructions }] : []),
    ...earlier,
    ...turnsOf(given.input),
  ]
  const { tool_choice: choice } = given
  const chosen: ToolChoice | undefined =
    typeof choice === 'object' && choice !== null ? { name: choice.name } : (choice ?? undefined)
  const withLogprobs = given.top_logprobs != null || given.include?.includes('message.output_text.logprobs')
  const input = {
    ...samplingOf(given),
    ...chatInput({
      messages,
      tools: given.tools?.map(toolOf),
      choice: chosen,
      parallel: given.parallel_tool_calls ?? true,
      schema: formatSchema(given.text?.format),
    }),
    maxTokens: given.max_output_tokens ?? DEFAULT_TOKENS,
    ...(withLogprobs && { topLogprobs: given.top_logprobs ?? 0 }),
  }
  return {
    model: given.model,
    inputs: [input],
    seed: seedField(given.seed),
    stream: given.stream ?? false,
    background: given.background ?? false,
    echo: {
      model: given.model,
      instructions: given.instructions ?? null,
      max_output_tokens: given.max_output_tokens ?? null,
      previous_response_id: given.previous_response_id ?? null,
      metadata: given.metadata ?? {},
      parallel_tool_calls: given.parallel_tool_calls ?? true,
      temperature: given.temperature ?? 1,
      top_p: given.top_p ?? 1,
      tool_choice: choice ?? 'auto',
      tools: (given.tools ?? []).map((one) => ({ ...one, strict: one.strict ?? false })),
      text: given.text ?? { format: { type: 'text' } },
      background: given.background ?? false,
    },
  }
}

function turnsOf(input: z.output<typeof responseBody>['input']): ChatTurn[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  return input.map((one): ChatTurn => {
    if ('output' in one) return { role: 'tool', content: plainTextOf(one.output), tool_call_id: one.call_id }
    if ('arguments' in one)
      return assistantText('', [
        { id: one.call_id, type: 'function', function: { name: one.name, arguments: argumentsOf(one.arguments) } },
      ])
    const content = plainTextOf(one.content)
    if (one.role === 'assistant') return { role: 'assistant', content }
    return { role: one.role === 'user' ? 'user' : 'system', content }
  })
}

/** A stored call. */
export interface StoredCall {
  id: string
  status: string
  input: { chat?: string; prompt?: string; endpointId: string; maxTokens: number; temperature: number; topP: number }
  createdAt: Date
}

/** The conversation of a call with its answer, for the next one. The instructions of one response do not hold for the next. */
export function conversationOf({ id, input }: StoredCall, answer: string): ChatTurn[] {
  const chat = input.chat === undefined ? undefined : chatOf(input.chat)
  const before = (chat?.messages ?? []).filter(({ role }) => role !== 'system')
  const { content, calls } = parseAnswer(answer, toolNames(input.chat), id)
  const called = calls.map((call) => ({
    id: call.id,
    type: 'function' as const,
    function: { name: call.name, arguments: argumentsOf(call.arguments) },
  }))
  return [...before, assistantText(content, called)]
}

/** What is known of the request of a stored call. */
export function echoOf({ input }: StoredCall): Echo {
  const chat = input.chat === undefined ? undefined : chatOf(input.chat)
  const tools = (chat?.tools ?? []).map(({ function: of }: ChatTool) => ({ type: 'function', ...of, strict: false }))
  return {
    model: `endpoint:${input.endpointId}`,
    instructions: chat?.messages.find(({ role }) => role === 'system')?.content ?? null,
    max_output_tokens: input.maxTokens,
    previous_response_id: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: input.temperature,
    top_p: input.topP,
    tool_choice: 'auto',
    tools,
    text: { format: { type: 'text' } },
    background: false,
  }
}

type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

/** A response without output. */
export function responseObject(id: string, created: number, echo: Echo, status: ResponseStatus, more: object = {}) {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: created,
    status,
    completed_at: null,
    error: null,
    incomplete_details: null,
    output: [] as object[],
    usage: null as object | null,
    ...echo,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: true,
    top_logprobs: 0,
    truncation: 'disabled',
    presence_penalty: 0,
    frequency_penalty: 0,
    max_tool_calls: null,
    safety_identifier: null,
    prompt_cache_key: null,
    user: null,
    ...more,
  }
}

export function completedResponse(
  id: string,
  created: number,
  echo: Echo,
  result: AnswerResult,
  names: readonly string[],
) {
  const isCut = result.finish !== 'stop'
  const { tokensIn, tokensOut } = result
  return responseObject(id, created, echo, isCut ? 'incomplete' : 'completed', {
    ...(isCut
      ? { incomplete_details: { reason: 'max_output_tokens' } }
      : { completed_at: Math.floor(Date.now() / 1000) }),
    output: outputOf(id, result, names),
    usage: {
      input_tokens: tokensIn,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: tokensOut,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: tokensIn + tokensOut,
    },
    ...receiptsOf([result]),
  })
}

function outputOf(id: string, result: AnswerResult, names: readonly string[]): object[] {
  const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
  const status = result.finish === 'stop' ? 'completed' : 'incomplete'
  const message = messageItem(id, status, [textPart(content, result.tokens?.slice(0, result.tokensOut))])
  return [
    ...(content !== '' || calls.length === 0 ? [message] : []),
    ...calls.map((call) => callItem(call, 'completed')),
  ]
}

const messageItem = (id: string, status: string, content: object[]) => ({
  id: `msg_${id}`,
  type: 'message',
  status,
  role: 'assistant',
  content,
})
const textPart = (text: string, tokens: AnswerTokens | undefined) => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: responseLogprobs(tokens),
})
const callItem = (call: ToolCall, status: string, given = call.arguments) => ({
  id: `fc_${call.id}`,
  type: 'function_call',
  status,
  call_id: call.id,
  name: call.name,
  arguments: given,
})
const responseLogprobs = (tokens: AnswerTokens | undefined) =>
  (tokens ?? []).map(({ token, top = [] }) => ({ ...spelled(token), top_logprobs: top.map(spelled) }))

export function responseForm(
  { echo, inputs }: Pick<ResponseRequest, 'echo' | 'inputs'>,
  { ids: [id = ''], created }: Pick<Asked, 'ids' | 'created'>,
): AnswerForm {
  const names = toolNames(inputs[0]?.chat)
  const text = new AnswerText(names)
  let number = 0
  const event = (type: string, more: object): SentEvent => ({
    event: type,
    data: { type, sequence_number: number++, ...more },
  })
  const place = { item_id: `msg_${id}`, output_index: 0, content_index: 0 }
  let isOpen = false
  /** Of the message, before its first text. */
  const openMessage = () => {
    if (isOpen) return []
    isOpen = true
    return [
      event('response.output_item.added', { output_index: 0, item: messageItem(id, 'in_progress', []) }),
      event('response.content_part.added', { ...place, part: textPart('', undefined) }),
    ]
  }
  const delta = (fresh: string, tokens: AnswerTokens | undefined) =>
    event('response.output_text.delta', { ...place, delta: fresh, logprobs: responseLogprobs(tokens) })
  const callEvents = (call: ToolCall, index: number) => {
    const at = { item_id: `fc_${call.id}`, output_index: index }
    return [
      event('response.output_item.added', { output_index: index, item: callItem(call, 'in_progress', '') }),
      event('response.function_call_arguments.delta', { ...at, delta: call.arguments }),
      event('response.function_call_arguments.done', { ...at, name: call.name, arguments: call.arguments }),
      event('response.output_item.done', { output_index: index, item: callItem(call, 'completed') }),
    ]
  }
  return {
    whole: ([result]) => completedResponse(id, created, echo, result as AnswerResult, names),
    begin: () => [
      event('response.created', { response: responseObject(id, created, echo, 'in_progress') }),
      event('response.in_progress', { response: responseObject(id, created, echo, 'in_progress') }),
    ],
    piece(_, piece) {
      const fresh = text.next(piece)
      return fresh ? [...openMessage(), delta(fresh.text, fresh.tokens)] : []
    },
    end(_, result) {
      const { content, calls } = parseAnswer(result.answer, names, result.receiptId)
      const events: SentEvent[] = []
      const rest = text.rest(content)
      if (rest.text !== '' || (calls.length === 0 && !isOpen))
        events.push(...openMessage(), delta(rest.text, rest.tokens))
      if (isOpen) {
        const part = textPart(content, result.tokens?.slice(0, result.tokensOut))
        const status = result.finish === 'stop' ? 'completed' : 'incomplete'
        events.push(
          event('response.output_text.done', { ...place, text: content, logprobs: part.logprobs }),
          event('response.content_part.done', { ...place, part }),
          event('response.output_item.done', { output_index: 0, item: messageItem(id, status, [part]) }),
        )
      }
      return [...events, ...calls.flatMap((call, index) => callEvents(call, index + (isOpen ? 1 : 0)))]
    },
    finish([result]) {
      const response = completedResponse(id, created, echo, result as AnswerResult, names)
      return [event(`response.${response.status}`, { response })]
    },
    failure: ({ error }: ErrorBody) => [
      event('error', { code: error.code, message: error.message, param: error.param }),
    ],
  }
}
