import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatedChain } from './chain.ts'
import type { Random } from './random.ts'

/** A JSON-RPC server over HTTP in front of a simulated chain: it errs, lags, caps ranges, hangs up and answers out of order. */
export class SimulatedNode {
  honest = false
  private readonly server: Server

  constructor(
    private readonly chain: SimulatedChain,
    private readonly random: Random,
  ) {
    this.server = createServer(async (request, response) => {
      const body = JSON.parse(await text(request))
      const calls = (Array.isArray(body) ? body : [body]) as Call[]
      const luck = this.honest ? -1 : this.random(24)
      if (luck === 0) return void response.writeHead(503).end('busy')
      if (luck === 1) return void response.writeHead(429).end('slow down')
      if (luck === 2) return void response.socket?.destroy()
      const answers = calls.map((call) => ({ jsonrpc: '2.0', id: call.id, ...this.answer(call) }))
      response.end(JSON.stringify(Array.isArray(body) ? answers.reverse() : answers[0]))
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop() {
    this.server.closeAllConnections()
    await new Promise<void>((done) => this.server.close(() => done()))
  }

  private answer({ method, params }: Call): object {
    const luck = this.honest ? -1 : this.random(40)
    const [first] = params as [{ fromBlock?: string; toBlock?: string } | string]
    if (luck === 0 && method !== 'eth_chainId') return { error: { code: -32000, message: 'header not found' } }
    if (luck === 1 && method === 'eth_getBlockByNumber') return { result: null }
    if (luck < 6 && luck >= 0 && first === 'latest')
      return this.ask(method, [`0x${Math.max(0, this.chain.head - this.random(4)).toString(16)}`])
    if (
      !this.honest &&
      typeof first === 'object' &&
      first.toBlock &&
      Number(first.toBlock) - Number(first.fromBlock) >= 8
    )
      return { error: { code: -32005, message: 'limited to an 8 block range' } }
    return this.ask(method, params)
  }

  private ask(method: string, params: unknown[]): object {
    try {
      return { result: this.chain.answer(method, params) }
    } catch (error) {
      return { error: { code: -32000, message: (error as Error).message } }
    }
  }
}

interface Call {
  id: number
  method: string
  params: unknown[]
}

async function text(request: IncomingMessage) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}
