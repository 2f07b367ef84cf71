import { type ChatTool, type ChatTurn, chatText } from '#schema/chatRequest.ts'
import type { CallInput } from './calls.ts'
import { badRequest } from './errors.ts'

/** From the parameters that all three forms of chat share to the input of a call. */

export type ToolChoice = 'none' | 'auto' | 'required' | { name: string }

interface Chat {
  messages: ChatTurn[]
  tools?: ChatTool[]
  choice?: ToolChoice
  /** Whether the model may make several calls at once. */
  parallel?: boolean
  /** A JSON Schema that the answer satisfies; calls of tools that are required have their own. */
  schema?: unknown
}

/** Calls at once, at most. */
const MAX_CALLS = 8

export function chatInput({ messages, tools = [], choice = 'auto', parallel = true, schema }: Chat): CallInput {
  const offered = choice === 'none' ? [] : tools
  const forced = schemaOfCalls(offered, choice, parallel) ?? schema
  let chat: string
  try {
    chat = chatText({ messages, ...(offered.length > 0 && { tools: offered }) })
  } catch (cause) {
    throw badRequest(`The conversation cannot be used: ${(cause as Error).message}`, 'messages')
  }
  return { chat, ...(forced !== undefined && { responseSchema: JSON.stringify(forced) }) }
}

/** The schema of an answer that must be a call, so that it always parses. */
function schemaOfCalls(tools: readonly ChatTool[], choice: ToolChoice, parallel: boolean): object | undefined {
  if (choice === 'none' || choice === 'auto') return undefined
  const callable = choice === 'required' ? tools : tools.filter((one) => one.function.name === choice.name)
  if (callable.length === 0)
    throw badRequest(
      choice === 'required' ? 'A call is required, but no tools are given.' : `There is no tool ${choice.name}.`,
      'tool_choice',
    )
  const definitions: Record<string, unknown> = {}
  const calls = callable.map((one) => schemaOfCall(one, definitions))
  const call = calls.length === 1 ? calls[0] : { anyOf: calls }
  const answer =
    choice === 'required' && parallel ? { type: 'array', items: call, minItems: 1, maxItems: MAX_CALLS } : call
  return { ...answer, ...(Object.keys(definitions).length > 0 && { $defs: definitions }) }
}

function schemaOfCall({ function: { name, parameters } }: ChatTool, definitions: Record<string, unknown>): object {
  const given = (parameters ?? { type: 'object', properties: {} }) as Record<string, unknown>
  return {
    type: 'object',
    properties: { name: { const: name }, arguments: withoutDefinitions(given, name, definitions) },
    required: ['name', 'arguments'],
    additionalProperties: false,
  }
}

/** The parameters as a part of another schema: their definitions move to its root, under the tool's name. */
function withoutDefinitions(
  schema: Record<string, unknown>,
  tool: string,
  definitions: Record<string, unknown>,
): unknown {
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        key === '$ref' && typeof item === 'string'
          ? item.replace(/^#\/(\$defs|definitions)\//, `#/$defs/${tool}.`).replace(/^#$/, `#/$defs/${tool}`)
          : moved(item),
      ]),
    )
  }
  const { $defs = {}, definitions: older = {}, ...own } = schema
  for (const [name, definition] of Object.entries({ ...(older as object), ...($defs as object) }))
    definitions[`${tool}.${name}`] = moved(definition)
  const whole = moved(own)
  if (JSON.stringify(whole).includes(`"#/$defs/${tool}"`)) definitions[tool] = whole
  return whole
}

/** The schema of `response_format`. */
export function formatSchema(
  format: { type: string; schema?: unknown; json_schema?: { schema?: unknown } } | null | undefined,
): unknown {
  if (format?.type === 'json_object') return { type: 'object' }
  if (format?.type === 'json_schema') return format.schema ?? format.json_schema?.schema ?? { type: 'object' }
  return undefined
}
