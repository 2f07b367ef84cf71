import { z } from 'zod'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'

/** A conversation in the place of a prompt, in the form that chat templates read. Wherever a call has one text as its prompt (in its receipt, what the
 *  receipt signs, what is charged at most), a conversation has its canonical JSON. No prompt may have that form, so that the text alone tells which of both
 *  it is. */

const MAX_MESSAGES = 512
const MAX_TOOLS = 128

const toolCall = z.strictObject({
  id: z.string().min(1).max(200),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1).max(64), arguments: z.json() }),
})
const content = z.string()
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'user']), content }),
  z.strictObject({ role: z.literal('assistant'), content, tool_calls: z.array(toolCall).min(1).max(64).optional() }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().min(1).max(200) }),
])
const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[\w-]{1,64}$/, 'expected 1 to 64 letters, digits, _ or -'),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.json()).optional(),
  }),
})
const chatRequest = z.strictObject({
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  tools: z.array(tool).min(1).max(MAX_TOOLS).optional(),
})

export type ChatRequest = z.output<typeof chatRequest>
export type ChatTurn = ChatRequest['messages'][number]
export type ChatTool = z.output<typeof tool>

/** The canonical JSON of a conversation. @throws Error that says what is wrong with it. */
export function chatText(request: unknown): string {
  const read = chatRequest.safeParse(request)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Error(`${issue?.path.join('.') || 'it'}: ${issue?.message}`)
  }
  return canonicalJson(read.data as CanonicalValue)
}

/** The conversation, when this text of a call is one. */
export function chatOf(text: string): ChatRequest | undefined {
  if (!text.startsWith('{"messages":[')) return undefined
  try {
    const request = JSON.parse(text)
    return chatText(request) === text ? request : undefined
  } catch {
    return undefined
  }
}
