import { randomBytes, randomUUID } from 'node:crypto'
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type InputRequests,
  inputRequired,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { addSuiteTool } from './suiteTools.ts'

/** The suite's tools that ask their client for more: since 2026-07-28 by results that the client answers with another request. */

type Rounds = { name?: string; round?: number; nonce: string }

/** What goes through the client is sealed, so that a client cannot write it. */
export const sealedState = createRequestStateCodec<Rounds>({ key: randomBytes(32) })
const seal = (state: Omit<Rounds, 'nonce'> = {}) => sealedState.mint({ ...state, nonce: randomUUID() })

const form = (message: string, property: string, type = 'string') =>
  inputRequired.elicit({
    message,
    requestedSchema: {
      type: 'object',
      properties: { [property]: { type } } as Record<string, { type: 'string' }>,
      required: [property],
    },
  })
const completion = (said: string) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: said } }], maxTokens: 50 })
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
const accepted = ({ mcpReq }: ServerContext, key: string) =>
  acceptedContent<Record<string, unknown>>(mcpReq.inputResponses, key)

export function addSuiteRounds(server: McpServer): void {
  const add = (name: string, handler: Parameters<typeof addSuiteTool>[2]) =>
    addSuiteTool(server, `test_input_required_result_${name}`, handler)
  addSuiteTool(server, 'test_missing_capability', ({ mcpReq }) =>
    mcpReq.inputResponses ? text('done') : inputRequired({ inputRequests: { llm_answer: completion('ping') } }),
  )
  add('elicitation', (context) => {
    const name = accepted(context, 'user_name')?.name
    if (typeof name === 'string') return text(`Hello, ${name}!`)
    return inputRequired({ inputRequests: { user_name: form('What is your name?', 'name') } })
  })
  add('sampling', ({ mcpReq: { inputResponses } }) => {
    const said = inputResponses?.capital_question
    if (said) return text(JSON.stringify(said))
    return inputRequired({ inputRequests: { capital_question: completion('What is the capital of France?') } })
  })
  add('list_roots', ({ mcpReq: { inputResponses } }) => {
    const said = inputResponses?.client_roots
    return said
      ? text(JSON.stringify(said))
      : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  })
  add('multiple_inputs', async (context) => {
    const { inputResponses = {} } = context.mcpReq
    if (accepted(context, 'user_name') && inputResponses.greeting && inputResponses.client_roots)
      return text(JSON.stringify(inputResponses))
    return inputRequired({
      inputRequests: {
        user_name: form('What is your name?', 'name'),
        greeting: completion('Generate a greeting'),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await seal(),
    })
  })
  add('multi_round', async (context) => {
    const { round = 0, name } = context.mcpReq.requestState<Rounds>() ?? {}
    if (round === 0)
      return inputRequired({
        inputRequests: { step1: form('What is your name?', 'name') },
        requestState: await seal({ round: 1 }),
      })
    if (round === 1)
      return inputRequired({
        inputRequests: { step2: form('What is your favorite color?', 'color') },
        requestState: await seal({ round: 2, name: String(accepted(context, 'step1')?.name) }),
      })
    return text(`${name} likes ${accepted(context, 'step2')?.color}`)
  })
  for (const [name, said] of [
    ['request_state', 'state-ok'],
    ['tampered_state', 'integrity-ok'],
  ] as const)
    add(name, async (context) => {
      if (context.mcpReq.requestState() !== undefined && accepted(context, 'confirm')) return text(said)
      return inputRequired({
        inputRequests: { confirm: form('Please confirm', 'ok', 'boolean') },
        requestState: await seal(),
      })
    })
  add('capabilities', ({ mcpReq: { inputResponses, envelope } }) => {
    const can = (envelope as Record<string, ClientCapabilities> | undefined)?.[CLIENT_CAPABILITIES_META_KEY]
    const inputRequests: InputRequests = {
      ...(can?.elicitation && { user_name: form('What is your name?', 'name') }),
      ...(can?.sampling && { greeting: completion('Generate a short greeting') }),
      ...(can?.roots && { client_roots: inputRequired.listRoots() }),
    }
    const isDone = inputResponses !== undefined || Object.keys(inputRequests).length === 0
    return isDone ? text('done') : inputRequired({ inputRequests })
  })
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'test_input_required_result_prompt' },
    (given: unknown) => {
      const said = accepted(given as ServerContext, 'user_context')?.context
      if (typeof said !== 'string')
        return inputRequired({
          inputRequests: { user_context: form('What context should the prompt use?', 'context') },
        })
      return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: said } }] }
    },
  )
}
