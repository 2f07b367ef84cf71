import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import { me } from '#graphql/test/market.ts'

/** Unmodified clients of the Model Context Protocol. */

export type Era = 'legacy' | 'auto'
/** The client speaks 2025-11-25 unless it is told to ask first. */
export const REVISION_OF: Record<Era, string> = { legacy: '2025-11-25', auto: '2026-07-28' }

export async function mcpClient(url: string, era: Era, headers: Record<string, string> = { 'x-consumer': me }) {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: era } })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers }, fetch: fetchAgain }),
  )
  onTestFinished(() => client.close())
  return client
}

/** A server that is slow closes an idle connection just when it is used again. */
const fetchAgain: typeof fetch = (...given) =>
  fetch(...given).catch((error: Error) => {
    const { code } = (error.cause ?? {}) as { code?: string }
    if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') throw error
    return fetch(...given)
  })

/** A message as any program may send it. */
export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await request(url, body, headers)
  const text = await response.text()
  const json = text.startsWith('{') ? JSON.parse(text) : JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? 'null')
  return { status: response.status, headers: response.headers, json }
}

const request = (url: string, body: unknown, headers: Record<string, string>) =>
  fetchAgain(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

export const initialize = (id = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
})
