import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { must } from '#test/must.ts'

/** What a node may do instead of a correct answer. `undefined` lets the call through. */
export type NodeFault =
  | { result: unknown }
  | { error: { code: number; message: string } }
  | { status: number; headers?: Record<string, string> }
  | { delayMs: number }
  | 'hangUp'
  | undefined

export interface Call {
  id: number
  method: string
  params: unknown[]
}

/** A JSON-RPC endpoint in front of a real one, with faults that a test decides. */
export class FaultyNode {
  fault: (call: Call) => NodeFault = () => undefined
  /** The HTTP status of WebSocket handshakes. */
  handshakeStatus = 501
  readonly calls = new Map<string, number>()
  private server: Server | undefined
  private port = 0

  constructor(private readonly target: string) {}

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get isDown() {
    return this.server === undefined
  }

  async up() {
    this.server = createServer(async (request, response) => {
      const body = JSON.parse(await text(request)) as Call | Call[]
      const calls = Array.isArray(body) ? body : [body]
      for (const { method } of calls) this.calls.set(method, (this.calls.get(method) ?? 0) + 1)
      const faults = calls.map((call) => this.fault(call))
      for (const fault of faults) if (typeof fault === 'object' && 'delayMs' in fault) await sleep(fault.delayMs)
      const status = faults.find((fault) => typeof fault === 'object' && 'status' in fault) as
        | { status: number; headers?: Record<string, string> }
        | undefined
      if (response.destroyed) return // nobody waits any more
      if (faults.includes('hangUp')) return void response.socket?.destroy()
      if (status) return void response.writeHead(status.status, status.headers).end('<html>busy</html>')
      const forwarded = await this.forward(calls).catch(() => undefined)
      if (!forwarded) return void response.socket?.destroy() // the node behind has ended
      const answers = forwarded.map((answer, index) => {
        const fault = faults[index]
        if (!fault || fault === 'hangUp' || 'delayMs' in fault || 'status' in fault) return answer
        return { jsonrpc: '2.0', id: must(calls[index]).id, ...fault }
      })
      // In reverse order: a client must match answers by id.
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(body) ? answers.reverse() : answers[0]))
    })
    this.server.on('upgrade', (_request, socket) => socket.end(`HTTP/1.1 ${this.handshakeStatus} Refused\r\n\r\n`))
    await new Promise<void>((done) => must(this.server).listen(this.port, '127.0.0.1', done))
    this.port = (this.server.address() as AddressInfo).port
    return this
  }

  async down() {
    const server = this.server
    this.server = undefined
    server?.closeAllConnections()
    await new Promise<void>((done) => (server ? server.close(() => done()) : done()))
  }

  private async forward(calls: Call[]): Promise<object[]> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(this.target, { method: 'POST', headers, body: JSON.stringify(calls) })
    const answers = (await response.json()) as { id: number }[]
    return calls.map(({ id }) => must(answers.find((answer) => answer.id === id)))
  }
}

async function text(request: IncomingMessage) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

export async function faultyNode(url: string): Promise<FaultyNode> {
  const node = await new FaultyNode(url).up()
  onTestFinished(() => node.down())
  return node
}

export interface NodeLog {
  address: string
  blockNumber: string
}

/** Leaves out logs of answers about ranges, or about single blocks. */
export function leavingOut(
  node: FaultyNode,
  asked: 'range' | 'block',
  isLeftOut: (log: NodeLog, all: NodeLog[]) => boolean,
) {
  const { forward } = node as unknown as { forward(calls: Call[]): Promise<{ result?: NodeLog[] }[]> }
  const left = { out: 0, isOver: false }
  Object.assign(node, {
    async forward(calls: Call[]) {
      const answers = await forward.call(node, calls)
      for (const [place, { method, params }] of calls.entries()) {
        const answer = must(answers[place])
        const isRange = method === 'eth_getLogs' && 'fromBlock' in (params[0] as object)
        const isAsked = method === 'eth_getLogs' && isRange === (asked === 'range')
        if (!isAsked || !answer.result || left.isOver) continue
        const all = answer.result
        answer.result = all.filter((log) => !isLeftOut(log, all))
        left.out += all.length - answer.result.length
      }
      return answers
    },
  })
  return left
}
