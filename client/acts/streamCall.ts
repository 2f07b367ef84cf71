import type { Client } from '../client.ts'
import { ApiRefusal } from '../errors.ts'

export interface StreamedCall {
  endpointId: bigint
  prompt: string
  maxTokens: number
  consumer: string
  channelId: string | null
  /** The same key gives the same call. */
  key: string
  /** Is told each piece of the answer as it is generated; from the beginning, when the call is followed again. */
  onText(piece: string): void
}

/** Starts a call over `/v1`, and follows its answer. @returns the id of its job; undefined where the API has no `/v1`, or refuses the call there. */
export async function streamCall(client: Client, call: StreamedCall): Promise<string | undefined> {
  const { endpointId, prompt, maxTokens, consumer, channelId, key, onText } = call
  const headers = {
    ...{ 'content-type': 'application/json', 'x-consumer': consumer, 'idempotency-key': key },
    ...(channelId && { 'x-channel': channelId }),
  }
  const body = JSON.stringify({ model: `endpoint:${endpointId}`, prompt, max_tokens: maxTokens, stream: true })
  const response = await client.request('/v1/completions', { method: 'POST', headers, body }).catch((error) => {
    if (error instanceof ApiRefusal) return undefined
    throw error
  })
  const id = response?.headers.get('x-receipt-id') ?? undefined
  // A stream that is cut says nothing about the call, which goes on: its job has the whole answer.
  if (id && response?.body) await readPieces(response.body, onText).catch(() => {})
  return id
}

/** Server-sent events, of which each has one line of data. */
async function readPieces(body: ReadableStream<Uint8Array>, onText: (piece: string) => void): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read()
    if (done) return
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const { choices } = JSON.parse(line.slice('data: '.length)) as { choices?: { text?: string }[] }
      if (choices?.[0]?.text) onText(choices[0].text)
    }
  }
}
