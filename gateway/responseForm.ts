import { AnswerText } from './answerText.ts'
import type { ErrorBody } from './errors.ts'
import type { SentEvent } from './eventStream.ts'
import type { AnswerForm, Asked } from './exchange.ts'
import type { AnswerResult } from './followAnswer.ts'
import {
  callItem,
  completedResponse,
  messageItem,
  responseLogprobs,
  responseObject,
  textPart,
} from './responseObject.ts'
import type { ResponseRequest } from './responseRequest.ts'
import { parseAnswer, type ToolCall, toolNames } from './toolCalls.ts'
import type { AnswerTokens } from './workerStream.ts'

/** The events of a response. */

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
      event('error', { ...error, type: 'error', error }), // as OpenAI's clients read it, and as Open Responses has it
    ],
  }
}
