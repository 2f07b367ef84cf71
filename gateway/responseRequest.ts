import { z } from 'zod'
import type { ChatTurn } from '#schema/chatRequest.ts'
import { functionTool, toolOf } from './chat.ts'
import { chatInput, formatSchema, type ToolChoice } from './chatInput.ts'
import type { AnswerRequest } from './exchange.ts'
import { argumentsOf, assistantText, plainTextOf } from './messageText.ts'
import { maxTokensField, plainFormats, readBody, samplingFields, samplingOf, seedField } from './readBody.ts'
import { type Echo, shownFormat, shownTool } from './responseObject.ts'

/** What `POST /v1/responses` takes. */

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
          ...plainFormats,
          z.object({
            type: z.literal('json_schema'),
            name: z.string().optional(),
            description: z.string().nullish(),
            strict: z.boolean().nullish(),
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
      presence_penalty: given.presence_penalty ?? 0,
      frequency_penalty: given.frequency_penalty ?? 0,
      tool_choice: choice ?? 'auto',
      tools: (given.tools ?? []).map(shownTool),
      text: { ...given.text, format: shownFormat(given.text?.format) },
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
