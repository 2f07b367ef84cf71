import type { CallToolResult, McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Services } from '#graphql/context.ts'
import { describeFailure } from '../errors.ts'
import { type Sender, senderIn } from './caller.ts'

/** A tool: what it takes and gives are schemas, which clients see, and which each call is checked with. */
export interface Tool<Input extends z.ZodObject, Output extends z.ZodObject> {
  name: string
  title: string
  description: string
  input: Input
  output: Output
  annotations: ToolAnnotations
  /** `content`: what a model reads in place of the JSON of `result`. */
  run(
    input: z.output<Input>,
    sender: Sender,
    context: ServerContext,
  ): Promise<{ result: z.input<Output>; content?: CallToolResult['content'] }>
}

/** @param log gets what is unexpected; the client is told a reference to it. */
export function addTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  server: McpServer,
  { log }: Pick<Services, 'log'>,
  { name, title, description, input, output, annotations, run }: Tool<Input, Output>,
): void {
  const config = { title, description, inputSchema: input, outputSchema: output, annotations }
  server.registerTool<z.ZodObject, z.ZodObject>(name, config, async (given, context): Promise<CallToolResult> => {
    try {
      const { result, content } = await run(given as z.output<Input>, senderIn(context), context)
      return {
        content: content ?? [{ type: 'text', text: JSON.stringify(result) }],
        structuredContent: result as Record<string, unknown>,
      }
    } catch (error) {
      if (context.mcpReq.signal.aborted) throw error // nobody reads it
      const { message, code } = describeFailure(error, log).body.error
      return { isError: true, content: [{ type: 'text', text: `${code ?? 'error'}: ${message}` }] }
    }
  })
}
