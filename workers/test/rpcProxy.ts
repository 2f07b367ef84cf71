import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { keccak256 } from 'viem'
import { onTestFinished } from 'vitest'

export type SendMode =
  /** Forwards requests and answers. */
  | 'pass'
  /** The node never receives the transaction. */
  | 'swallow'
  /** The node receives the transaction, but its answer is lost. */
  | 'mute'
  /** The node answers as if it had the transaction, and forgets it. */
  | 'lose'
  /** The node receives the transaction, and answers with the error `state.says`. */
  | 'refuse'

/** A JSON-RPC proxy in front of a real node; it loses `eth_sendRawTransaction` requests or answers, depending on `state.mode`. */
export async function rpcProxy(target: string) {
  const state = { mode: 'pass' as SendMode, received: 0, says: '' }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const sends = body.includes('eth_sendRawTransaction')
    if (sends && state.mode === 'swallow') state.received++
    if (sends && state.mode === 'swallow') return
    if (sends && state.mode === 'lose') {
      state.received++
      const { id, params } = JSON.parse(body)
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: keccak256(params[0]) }))
      return
    }
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const text = await answer.text()
    if (sends) state.received++
    if (sends && state.mode === 'mute') return
    if (sends && state.mode === 'refuse') {
      const error = { code: -32000, message: state.says }
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, error }))
      return
    }
    response.setHeader('content-type', 'application/json').end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, state }
}
