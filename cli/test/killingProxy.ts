import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request at which a program is killed: before the server has it, or when the server has done it and the program has no answer yet. */
export interface KillPoint {
  /** Counted from 1, over the API and the node. */
  request: number
  answered: boolean
}

/** An HTTP proxy between a program and what it talks to, an API and a node, that kills the program at a chosen request. */
export async function killingProxy(api: string, node: string) {
  let seen = 0
  let armed: (KillPoint & { kill(): void }) | undefined
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const due = ++seen === armed?.request ? armed : undefined
    if (due && !due.answered) return due.kill()
    const path = request.url ?? ''
    const target = path.startsWith(NODE) ? node : `${api}${path}`
    const { 'content-type': type = '', method = 'GET' } = { ...request.headers, method: request.method }
    const answer = await fetch(target, { method, ...(body.length && { body, headers: { 'content-type': type } }) })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (due) return due.kill()
    const answeredType = answer.headers.get('content-type') ?? 'application/octet-stream'
    response.writeHead(answer.status, { 'content-type': answeredType }).end(bytes)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    api: url,
    node: `${url}${NODE}`,
    /** Requests are counted from here on. Without a point nothing is killed. */
    arm(point?: KillPoint, kill = () => {}) {
      seen = 0
      armed = point && { ...point, kill }
    },
    seen: () => seen,
  }
}

const NODE = '/node-of-the-chain'

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}
