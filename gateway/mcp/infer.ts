import type { ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { cancelCalls, readTerms, startCalls } from '../calls.ts'
import { chatInput } from '../chatInput.ts'
import { badRequest } from '../errors.ts'
import type { Gateway } from '../exchange.ts'
import { type AnswerResult, followAnswer } from '../followAnswer.ts'
import type { Sender } from './caller.ts'
import type { Tool } from './tool.ts'

const MAX_CHARACTERS = 32_768

const input = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(200)
    .describe('The model: an id that `list_models` gives, or `endpoint:1`, `version:1`, `model:1`.'),
  prompt: z.string().min(1).max(MAX_CHARACTERS).optional().describe('The prompt; or give `messages`.'),
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string().max(MAX_CHARACTERS) }))
    .min(1)
    .max(512)
    .optional()
    .describe('A conversation in the place of a prompt.'),
  maxTokens: z.number().int().min(1).max(4096).default(256).describe('The most tokens that the answer may have.'),
  temperature: z.number().min(0).max(2).default(0).describe('0 always takes the most likely token.'),
  topP: z.number().min(0.01).max(1).default(1).describe('The probability mass of nucleus sampling.'),
  stop: z.array(z.string().min(1).max(200)).max(8).optional().describe('The answer ends before the first of these.'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe('The same seed gives the same answer.'),
  schema: z.record(z.string(), z.json()).optional().describe('A JSON Schema that the answer satisfies.'),
  open: z
    .boolean()
    .optional()
    .describe('Whether everybody may read prompt and answer. Only then those whose data it came from share its fee.'),
  idempotencyKey: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A call with a key that was used before is not made again: it gives the first one’s answer.'),
})

const output = z.object({
  text: z.string().describe('The answer.'),
  finish: z.enum(['stop', 'length', 'cancelled']).describe('Why it ended.'),
  tokensIn: z.number().int(),
  tokensOut: z.number().int(),
  fee: z.string().describe('What the call costs, in wei.'),
  receipt: z.string().describe('The id of the signed receipt.'),
  endpoint: z.string(),
  version: z.string().describe('The version that answered: `lineage` tells where it came from.'),
})

/** A call of a model: started, paid, limited and cancelled like one at `/v1`. With a progress token, the text is told as it is generated. */
export const inferTool = (gateway: Gateway): Tool<typeof input, typeof output> => ({
  name: 'infer',
  title: 'Ask a model',
  description:
    'Asks a community-owned model, and pays for its answer from the prepaid credit of the caller. The answer has a signed receipt, by which its fee reaches the people whose data, judgement and work made the model.',
  input,
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async run(given, sender, context) {
    const { services, models } = gateway
    const terms = termsOf(given, sender)
    const endpoint = await models.find(given.model, terms.consumer)
    const ids = await startCalls(services, terms, endpoint, [callInput(given)], given.seed)
    try {
      const {
        answer: text,
        receiptId: receipt,
        finish,
        tokensIn,
        tokensOut,
        fee,
      } = await follow(gateway, ids, sender, context)
      const result = { text, finish, tokensIn, tokensOut, fee, receipt }
      return {
        result: { ...result, endpoint: endpoint.id, version: endpoint.versionId },
        content: [
          { type: 'text', text },
          { type: 'resource_link', uri: `modelcommons://receipts/${receipt}`, name: `receipt ${receipt}` },
        ],
      }
    } catch (error) {
      if (terms.idempotencyKey === undefined) await cancelCalls(services, ids)
      throw error
    }
  },
})

function termsOf({ open, idempotencyKey }: z.output<typeof input>, { caller, headers }: Sender) {
  const terms = readTerms(caller, headers)
  return { ...terms, open: open ?? terms.open, idempotencyKey: idempotencyKey ?? terms.idempotencyKey }
}

function callInput({ prompt, messages, schema, maxTokens, temperature, topP, stop }: z.output<typeof input>) {
  if ((prompt === undefined) === (messages === undefined))
    throw badRequest('Give either `prompt` or `messages`.', 'prompt')
  return {
    ...(messages
      ? chatInput({ messages, schema })
      : { prompt, ...(schema && { responseSchema: JSON.stringify(schema) }) }),
    ...{ maxTokens, temperature, topP },
    ...(stop && { stop }),
  }
}

/** Reads an answer to its end, and tells of its progress. */
async function follow(
  { services }: Gateway,
  [id = '']: readonly string[],
  { caller }: Sender,
  { mcpReq: { signal, _meta, notify } }: ServerContext,
): Promise<AnswerResult> {
  const progressToken = _meta?.progressToken
  const access = services.access.watch(caller)
  const answer = followAnswer(services, id, {
    signal: AbortSignal.any([signal, access.ended]),
    stream: progressToken !== undefined,
  })
  try {
    for (let progress = 1; ; progress++) {
      const next = await answer.next()
      if (next.done) return next.value
      if (progressToken !== undefined)
        await notify({
          method: 'notifications/progress',
          params: { progressToken, progress, message: next.value.text },
        })
    }
  } finally {
    access.stop()
  }
}
