import {
  type CallToolResult,
  fromJsonSchema,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
  type ServerNotifier,
} from '@modelcontextprotocol/server'
import { z } from 'zod'

/** The tools that the conformance suite calls by name, as its scenarios describe them. Our own tools have none of these contents. */

/** One red pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='

type Content = CallToolResult | InputRequiredResult
type Handler = (context: ServerContext, given: Record<string, unknown>) => Promise<Content> | Content

const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
const resource = (uri: string, said: string, mimeType = 'text/plain') =>
  ({ type: 'resource', resource: { uri, mimeType, text: said } }) as const
const image = { type: 'image', data: PNG, mimeType: 'image/png' } as const

export function addSuiteTool(
  server: McpServer,
  name: string,
  handler: Handler,
  input: z.ZodObject = z.object({}),
): void {
  server.registerTool(name, { description: name, inputSchema: input }, (given, context) => handler(context, given))
}

export function addSuiteTools(server: McpServer, notify: ServerNotifier): void {
  const add = (name: string, handler: Handler, input?: z.ZodObject) => addSuiteTool(server, name, handler, input)
  add('test_simple_text', () => text('This is a simple text response for testing.'))
  add('test_image_content', () => ({ content: [image] }))
  add('test_audio_content', () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }))
  add('test_embedded_resource', () => ({
    content: [resource('test://embedded-resource', 'This is an embedded resource content.')],
  }))
  add('test_multiple_content_types', () => ({
    content: [
      ...text('Multiple content types test:').content,
      image,
      resource('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json'),
    ],
  }))
  add('test_error_handling', () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  add('test_tool_with_logging', async ({ mcpReq }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed'])
      await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } })
    return text('Tool with logging executed successfully')
  })
  add('test_logging_tool', async ({ mcpReq }) => {
    await mcpReq.log('info', 'only when the request wants it')
    return text('logged')
  })
  add('test_tool_with_progress', async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    if (progressToken !== undefined)
      for (const progress of [0, 50, 100])
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
    return text('done')
  })
  add('test_streaming_elicitation', () => text('no request of its own'))
  add('test_reconnection', ({ http }) => {
    http?.closeSSE?.()
    return text('Reconnection test completed successfully')
  })
  add('test_trigger_tool_change', () => {
    notify.toolsChanged()
    return text('told')
  })
  add('test_trigger_prompt_change', () => {
    notify.promptsChanged()
    return text('told')
  })
  add(
    'test_sampling',
    async ({ mcpReq }, { prompt }) => {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: String(prompt) } }]
      const { content } = await mcpReq.send({ method: 'sampling/createMessage', params: { messages, maxTokens: 100 } })
      return text(`LLM response: ${JSON.stringify(content)}`)
    },
    z.object({ prompt: z.string() }),
  )
  addForms(server)
  addSchemas(server)
}

const option = (n: string, title: string) => ({ const: n, title })
const options = ['value1', 'value2', 'value3'].map((name, at) => option(name, `Option ${at + 1}`))
const names = ['option1', 'option2', 'option3']
const several = { type: 'array', minItems: 1, maxItems: 3 }

const FORMS: Record<string, { type: string; [key: string]: unknown }> = {
  test_elicitation: { type: 'object', properties: { response: { type: 'string' } }, required: ['response'] },
  test_elicitation_sep1034_defaults: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
    required: [],
  },
  test_elicitation_sep1330_enums: {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: names },
      titledSingle: { type: 'string', oneOf: options },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
      untitledMulti: { ...several, items: { type: 'string', enum: names } },
      titledMulti: { ...several, items: { anyOf: options } },
    },
    required: [],
  },
}

function addForms(server: McpServer): void {
  for (const [name, requestedSchema] of Object.entries(FORMS))
    addSuiteTool(
      server,
      name,
      async ({ mcpReq }, { message = 'Fill the form.' }) => {
        const params = { message: String(message), requestedSchema }
        const { action, content = {} } = await mcpReq.elicitInput(
          params as unknown as Parameters<typeof mcpReq.elicitInput>[0],
        )
        return text(`User response: action=${action}, content=${JSON.stringify(content)}`)
      },
      z.object({ message: z.string().optional() }),
    )
}

/** Written out, so that nothing of the schemas is lost on the way. */
function addSchemas(server: McpServer): void {
  const region = { type: 'string', 'x-mcp-header': 'Region' } as const
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'An argument that is repeated in a header.',
      inputSchema: fromJsonSchema<object>({ type: 'object', properties: { region, level: { type: 'integer' } } }),
    },
    async (given) => text(JSON.stringify(given)),
  )
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Keywords of JSON Schema 2020-12.',
      inputSchema: fromJsonSchema<object>({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      }),
    },
    async (given) => text(JSON.stringify(given)),
  )
}
