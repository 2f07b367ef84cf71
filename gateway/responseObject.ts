import { type ChatTool, type ChatTurn, chatOf } from '#schema/chatRequest.ts'
import type { InferInput } from '#schema/jobs.ts'
import { spelled } from './chat.ts'
import type { AnswerResult } from './followAnswer.ts'
import { argumentsOf, assistantText } from './messageText.ts'
import { receiptsOf } from './results.ts'
import { parseAnswer, type ToolCall, toolNames } from './toolCalls.ts'
import type { AnswerTokens } from './workerStream.ts'

/** What `/v1/responses` gives. The id of a response is that of its call: its job and its receipt keep it, nothing else is stored. */

/** What a response repeats of its request. */
export interface Echo {
  model: string
  instructions: string | null
  max_output_tokens: number | null
  previous_response_id: string | null
  metadata: Record<string, string>
  parallel_tool_calls: boolean
  temperature: number
  top_p: number
  presence_penalty: number
  frequency_penalty: number
  tool_choice: unknown
  tools: object[]
  text: object
  background: boolean
}

/** A tool as a response repeats it: what was not given is null. */
export const shownTool = ({ name, description, parameters, strict }: ShownTool) => ({
  type: 'function',
  name,
  description: description ?? null,
  parameters: parameters ?? null,
  strict: strict ?? false,
})
type ShownTool = {
  name: string
  description?: string | null
  parameters?: object | null
  strict?: boolean | null
}

/** The format of a text as a response repeats it. */
export const shownFormat = (format: { type: string } | null | undefined) =>
  format?.type === 'json_schema' ? { description: null, strict: false, ...format } : (format ?? { type: 'text' })

/** A stored call. */
export interface StoredCall {
  id: string
  status: string
  input: Pick<InferInput, 'endpointId' | 'maxTokens' | 'temperature' | 'topP'> &
    Partial<Pick<InferInput, 'chat' | 'prompt' | 'presencePenalty' | 'frequencyPenalty'>>
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
  const tools = (chat?.tools ?? []).map(({ function: of }: ChatTool) => shownTool(of))
  return {
    model: `endpoint:${input.endpointId}`,
    instructions: chat?.messages.find(({ role }) => role === 'system')?.content ?? null,
    max_output_tokens: input.maxTokens,
    previous_response_id: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: input.temperature,
    top_p: input.topP,
    presence_penalty: input.presencePenalty ?? 0,
    frequency_penalty: input.frequencyPenalty ?? 0,
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
  const { tokensIn, tokensOut, cachedTokens } = result
  return responseObject(id, created, echo, isCut ? 'incomplete' : 'completed', {
    ...(isCut
      ? { incomplete_details: { reason: 'max_output_tokens' } }
      : { completed_at: Math.floor(Date.now() / 1000) }),
    output: outputOf(id, result, names),
    usage: {
      input_tokens: tokensIn,
      input_tokens_details: { cached_tokens: cachedTokens },
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

export const messageItem = (id: string, status: string, content: object[]) => ({
  id: `msg_${id}`,
  type: 'message',
  status,
  role: 'assistant',
  content,
})
export const textPart = (text: string, tokens: AnswerTokens | undefined) => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: responseLogprobs(tokens),
})
export const callItem = (call: ToolCall, status: string, given = call.arguments) => ({
  id: `fc_${call.id}`,
  type: 'function_call',
  status,
  call_id: call.id,
  name: call.name,
  arguments: given,
})
export const responseLogprobs = (tokens: AnswerTokens | undefined) =>
  (tokens ?? []).map(({ token, top = [] }) => ({ ...spelled(token), top_logprobs: top.map(spelled) }))
