import type { ChatMessage, ChatTemplate } from './chat.ts'

/** A conversation, and the tools that the model may call, in the form that templates of Hugging Face models read. */
export interface Conversation {
  messages: readonly ChatMessage[]
  tools?: readonly object[]
}

/** What is rendered for a prompt. A template that knows no tools gets them, and earlier calls of them, as texts. */
export function conversationFor(
  { source }: Pick<ChatTemplate, 'source'>,
  prompt: string | Conversation,
): { messages: ChatMessage[]; variables?: Record<string, unknown> } {
  if (typeof prompt === 'string') return { messages: [{ role: 'user', content: prompt }] }
  const { tools } = prompt
  const messages = /\btool_calls\b/.test(source) ? [...prompt.messages] : prompt.messages.map(callsAsText)
  if (!tools) return { messages }
  if (/\btools\b/.test(source)) return { messages, variables: { tools } }
  return { messages: [{ role: 'system', content: toolsText(tools) }, ...messages] }
}

function callsAsText(message: ChatMessage): ChatMessage {
  const calls = message.tool_calls as { function: object }[] | undefined
  if (!calls) return message
  const texts = calls.map((call) => JSON.stringify(call.function))
  return { role: message.role, content: [message.content, ...texts].filter(Boolean).join('\n') }
}

const toolsText = (tools: readonly object[]): string =>
  `You may call these functions:\n${JSON.stringify(tools)}\nTo call one, answer only with {"name": <its name>, "arguments": <an object>}.`
