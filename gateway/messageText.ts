import type { ChatTurn } from '#schema/chatRequest.ts'

/** Parts of messages as the texts that templates read. */

type Part = { text: string } | { refusal: string }

export const plainTextOf = (content: string | readonly Part[] | null | undefined): string =>
  typeof content === 'string'
    ? content
    : (content ?? []).map((part) => ('text' in part ? part.text : part.refusal)).join('')

type AssistantTurn = Extract<ChatTurn, { role: 'assistant' }>
type CalledTools = NonNullable<AssistantTurn['tool_calls']>

/** The arguments of a call as templates read them: an object, when the JSON of a model is one. */
export function argumentsOf(json: string): CalledTools[number]['function']['arguments'] {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

export const assistantText = (content: string, calls: CalledTools | undefined): AssistantTurn => ({
  role: 'assistant',
  content,
  ...(calls?.length && { tool_calls: calls }),
})
