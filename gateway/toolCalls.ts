import { type ChatTool, chatOf } from '#schema/chatRequest.ts'

/** Calls of tools in the text of an answer: what a schema has forced, or one of the forms in which models are trained to write them. */

export interface ToolCall {
  id: string
  name: string
  /** As JSON. */
  arguments: string
}

export interface ParsedAnswer {
  content: string
  calls: ToolCall[]
}

const OPEN = '<tool_call>'
const TAGGED = /<tool_call>\s*([\s\S]*?)\s*(?:<\/tool_call>|$)/g

/** The names of the tools that were offered in the text of a call. */
export const toolNames = (prompt: string | undefined): string[] =>
  prompt === undefined ? [] : (chatOf(prompt)?.tools ?? []).map((one: ChatTool) => one.function.name)

/** Splits an answer. `names` are the tools that were offered; without any, all of it is content. */
export function parseAnswer(text: string, names: readonly string[], jobId: string): ParsedAnswer {
  if (names.length === 0) return { content: text, calls: [] }
  const at = text.indexOf(OPEN)
  const found =
    at < 0
      ? callsIn(text, names)
      : [...text.slice(at).matchAll(TAGGED)].flatMap(([, json = '']) => callsIn(json, names))
  if (found.length === 0) return { content: text, calls: [] }
  return {
    content: at < 0 ? '' : text.slice(0, at).trimEnd(),
    calls: found.map((call, index) => ({ id: `call_${jobId.slice(0, 22)}${index}`, ...call })),
  }
}

function callsIn(json: string, names: readonly string[]): Omit<ToolCall, 'id'>[] {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return []
  }
  const calls = [value].flat().map((one) => {
    const { name, arguments: given, parameters } = (one ?? {}) as Record<string, unknown>
    const values = given ?? parameters ?? {}
    return typeof name === 'string' && names.includes(name) && typeof values === 'object'
      ? { name, arguments: JSON.stringify(values) }
      : undefined
  })
  return calls.every((call) => call !== undefined) ? calls : []
}

/** The part of a text that is certainly content, while the answer goes on: what may become a call is held back. */
export function certainContent(text: string, names: readonly string[]): string {
  if (names.length === 0) return text
  if (/^\s*([[{]|$)/.test(text)) return ''
  const at = text.indexOf(OPEN)
  if (at >= 0) return text.slice(0, at).trimEnd()
  for (let length = Math.min(OPEN.length - 1, text.length); length > 0; length--)
    if (OPEN.startsWith(text.slice(-length))) return text.slice(0, -length).trimEnd()
  return text.trimEnd()
}
