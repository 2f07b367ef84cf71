import { canonicalJson } from '#rules/canonicalJson.ts'
import { graphql, type VariablesOf } from '../graphql/document.ts'

/** Asks for a call. */
export const INFER = graphql(
  'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id } }',
)

/** What an endpoint is asked: a prompt, a conversation, or texts to embed. */
export interface Question
  extends Omit<VariablesOf<typeof INFER>['input'], 'consumer' | 'channelId' | 'endpointId' | 'maxTokens'> {
  endpointId: bigint
  /** Default 256. */
  maxTokens?: number
  /** Identifies the call: the same key gives the same answer, which is paid once, or the same failure. Default: a new one. */
  key?: string
  /** Is told the pieces of the answer to a prompt as they are generated, where the API streams them. */
  onText?(piece: string): void
}

/** The tokens that an answer has at most, unless the question says otherwise. */
export const DEFAULT_MAX_TOKENS = 256

/** What the API charges for, and what the receipt signs: a conversation, and texts to embed, count in their canonical form. */
export function textOfCall({ prompt, chat, embed }: Pick<Question, 'prompt' | 'chat' | 'embed'>): string {
  if (embed) return canonicalJson({ embed: JSON.parse(embed) })
  return prompt ?? (chat ? canonicalJson(JSON.parse(chat)) : '')
}
