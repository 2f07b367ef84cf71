import { z } from 'zod'

/** Reads the stream of a running answer from the worker that generates it (`workers/answerStreams.ts`). */

const spelledToken = z.object({ id: z.number(), text: z.string(), logProbability: z.number() })
const answerToken = z.object({ token: spelledToken, top: z.array(spelledToken).optional() })
/** Tokens of an answer, as a stream and a job's result have them. */
export const answerTokens = z.array(answerToken)
export type AnswerTokens = z.output<typeof answerTokens>

const line = z.union([
  z.object({ text: z.string(), tokens: answerTokens.optional() }),
  z.object({ end: z.literal(true) }),
])

export interface StreamedPiece {
  text: string
  tokens?: AnswerTokens
}

export interface StreamPlace {
  url: string
  key: string
}

/** The pieces of the running attempt. The iterator returns whether the model has ended; false when the connection broke or `signal` aborted.
 *  It reads no faster than its consumer. */
export async function* readWorkerStream(
  { url, key }: StreamPlace,
  jobId: string,
  signal: AbortSignal,
): AsyncGenerator<StreamedPiece, boolean, undefined> {
  let rest = ''
  try {
    const response = await fetch(`${url}/streams/${jobId}`, { headers: { authorization: `Bearer ${key}` }, signal })
    if (!response.ok || !response.body) return false
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + part).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) {
        if (text === '') continue
        const read = line.parse(JSON.parse(text))
        if ('end' in read) return true
        yield read
      }
    }
  } catch {
    // The worker is away: the job is run again elsewhere, or has ended.
  }
  return false
}
