import { TextStream } from '#engine/text/textStream.ts'
import type { Tokenizer } from '#engine/text/tokenizer.ts'
import type { Generator } from './generator.ts'
import type { Finish, GenerationRequest } from './request.ts'
import { StopFinder } from './stops.ts'

export interface TextRequest extends GenerationRequest {
  /** Texts at which the answer ends, without them, wherever token borders lie. */
  stop?: readonly string[]
}

/** A token beside its spelling; bytes that are no whole character are U+FFFD there. */
export interface SpelledToken {
  id: number
  text: string
  logProbability: number
}

/** A part of an answer. All texts joined are the answer. */
export interface TextPiece {
  /** Whole characters, none of which can still become part of a stop string; empty while nothing is certain. */
  text: string
  token: SpelledToken
  /** The likeliest tokens in its place, if asked for. */
  top?: readonly SpelledToken[]
  /** Tokens drawn so far, without the end token. */
  tokens: number
  finish?: Finish
  /** The stop string that ended the answer. */
  stopped?: string
}

/** Answers one request in pieces of text, one for each token. Leaving the loop early or aborting ends the request. */
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
  for await (const { token, end, logProbability, top, finish } of generator.stream(request, signal)) {
    if (!end) tokens++
    // Rows of the embedding that no token has, which many models carry, say nothing.
    let text = end || !tokenizer.has(token) ? '' : stops.push(stream.push(token))
    if (finish && stops.stopped === undefined) text += stops.push(stream.flush())
    if (finish && stops.stopped === undefined) text += stops.flush()
    const { stopped } = stops
    yield {
      text,
      token: spelled(token, logProbability),
      tokens,
      ...(top && { top: top.map((each) => spelled(each.token, each.logProbability)) }),
      ...(stopped !== undefined ? { finish: 'stop', stopped } : finish && { finish }),
    }
    if (stopped !== undefined) return
  }
}

const spell = (tokenizer: Tokenizer, id: number): string =>
  tokenizer.has(id) ? new TextDecoder().decode(tokenizer.tokenBytes(id)) : ''
