import { z } from 'zod'
import { floatsOf, MAX_EMBEDDED_TEXTS, vectorsOf } from '#schema/embeddingRequest.ts'
import { badRequest } from './errors.ts'
import type { AnswerForm, AnswerRequest } from './exchange.ts'
import { readBody } from './readBody.ts'
import { receiptsOf } from './results.ts'

/** `POST /v1/embeddings`: one call for all texts of a request. */

const text = z.string().min(1, 'a text has at least one character')
const tokens = z.array(z.number().int().min(0)).min(1)
const atMost = <T extends z.ZodType>(one: T) =>
  z.array(one).min(1).max(MAX_EMBEDDED_TEXTS, `at most ${MAX_EMBEDDED_TEXTS} texts to one request`)

const embeddingBody = z.strictObject({
  model: z.string().min(1),
  input: z.union(
    [text, tokens, atMost(text), atMost(tokens)],
    `a text, a list of token ids, or at most ${MAX_EMBEDDED_TEXTS} of one of them, none of them empty`,
  ),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().nullish(),
  user: z.string().nullish(),
})

export interface EmbeddingsRequest extends AnswerRequest {
  stream: false
  asFloats: boolean
}

export function readEmbeddings(body: unknown): EmbeddingsRequest {
  const { model, input, encoding_format, dimensions } = readBody(embeddingBody, body)
  if (dimensions != null)
    throw badRequest(
      'The vectors of a model that is served here have one size, that of its hidden states: a part of them means nothing. Leave dimensions out.',
      'dimensions',
      'unsupported_parameter',
    )
  const isOne = typeof input === 'string' || typeof input[0] === 'number'
  return {
    model,
    inputs: [{ embed: JSON.stringify(isOne ? [input] : input) }],
    stream: false,
    asFloats: encoding_format !== 'base64',
  }
}

export const embeddingsForm = ({ model, asFloats }: EmbeddingsRequest): Pick<AnswerForm, 'whole'> => ({
  whole: (results) => {
    const tokensIn = results.reduce((sum, one) => sum + one.tokensIn, 0)
    const vectors = results.flatMap(({ answer }) => vectorsOf(answer))
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: asFloats ? floatsOf(vector) : vector,
      })),
      model,
      usage: { prompt_tokens: tokensIn, total_tokens: tokensIn },
      ...receiptsOf(results),
    }
  },
})
