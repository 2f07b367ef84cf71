import { TextStream } from '#engine/text/textStream.ts'
import type { Tokenizer } from '#engine/text/tokenizer.ts'
import type { Generator } from './generator.ts'
import type { Finish, GenerationRequest } from './request.ts'
import { StopFinder } from './stops.ts'

export interface TextRequest extends GenerationRequest {
  /** Stop strings: the answer ends before the first one, wherever token boundaries are. */
  stop?: readonly string[]
}

/** A token with its text, in which bytes of incomplete characters are U+FFFD. */
export interface SpelledToken {
  id: number
  text: string
  logProbability: number
}

/** A piece of an answer. All texts concatenated are the answer. */
export interface TextPiece {
  /** Whole characters that cannot become part of a stop string; may be empty. */
  text: string
  token: SpelledToken
  /** The most likely tokens at its position, if requested. */
  top?: readonly SpelledToken[]
  /** Number of tokens sampled so far, without the end token. */
  tokens: number
  /** Tokens of the prompt that were not read again. */
  cachedTokens: number
  finish?: Finish
  /** The stop string that ended the answer. */
  stopped?: string
}

/** Streams the answer to one request, one piece of text per token. Leaving the loop early, or aborting, ends the request. */
export async function* streamText(
  generator: Generator,
  tokenizer: Tokenizer,
  { stop = [], ...request }: TextRequest,
  signal?: AbortSignal,
): AsyncGenerator<TextPiece, void, undefined> {
  const stream = new TextStream(tokenizer, { skipSpecial: true })
  const stops = new StopFinder(stop)
  const spelled = (id: number, logProbability: number): SpelledToken => ({
    id,
    text: spell(tokenizer, id),
    logProbability,
  })
  let tokens = 0
  for await (const { token, end, logProbability, top, finish, cachedTokens } of generator.stream(request, signal)) {
    if (!end) tokens++
    // Many models have more embedding rows than tokens; the extra ids have no text.
    let text = end || !tokenizer.has(token) ? '' : stops.push(stream.push(token))
    if (!end && tokenizer.specialIds.has(token)) text += stops.meet(spell(tokenizer, token))
    if (finish && stops.stopped === undefined) text += stops.push(stream.flush())
    if (finish && stops.stopped === undefined) text += stops.flush()
    const { stopped } = stops
    yield {
      text,
      token: spelled(token, logProbability),
      tokens,
      cachedTokens,
      ...(top && { top: top.map((each) => spelled(each.token, each.logProbability)) }),
      ...(stopped !== undefined ? { finish: 'stop', stopped } : finish && { finish }),
    }
    if (stopped !== undefined) return
  }
}

const spell = (tokenizer: Tokenizer, id: number): string =>
  tokenizer.has(id) ? new TextDecoder().decode(tokenizer.tokenBytes(id)) : ''
