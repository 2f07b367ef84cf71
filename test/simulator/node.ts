import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '#test/must.ts'
import { answerFrom, type ChainView, type LogCriteria, type SimulatedChain } from './chain.ts'
import type { Coverage } from './coverage.ts'
import { pick, type SeededRandom, seededRandomAt } from './random.ts'

/** A JSON-RPC server over HTTP in front of a simulated chain, which lies, lags and dies. **The indexer's own questions are the
 *  clock**: what happens, happens at a question's number, never at a time of the day, so that a seed means the same run on any
 *  machine. */

/** How likely each misbehaviour is against the others, for one request. */
export const SIMULATED_FAULTS = {
  busy: 2,
  throttled: 2,
  'hung up': 2,
  'no JSON': 1,
  slow: 2,
  'too late': 1,
  refused: 2,
  'block withheld': 3,
  'answer dropped': 2,
  'stale head': 5,
  'other fork': 5,
  'logs withheld': 5,
} as const

export type SimulatedFault = keyof typeof SIMULATED_FAULTS

/** Those that any request can meet. */
const ANY_REQUEST: ReadonlySet<SimulatedFault> = new Set([
  'busy',
  'throttled',
  'hung up',
  'no JSON',
  'slow',
  'too late',
  'refused',
  'stale head',
])

/** Longer than the simulated indexer waits. */
export const TOO_LATE_MS = 400

interface Call {
  id: number
  method: string
  params: unknown[]
}

export interface NodeBehaviour {
  /** One request in so many goes wrong; 0: none. */
  oneIn: number
  /** The most blocks in one `eth_getLogs`; 0: any number. */
  rangeLimit: number
  /** The most logs in one answer; 0: any number. */
  resultLimit: number
  /** There are other endpoints, so that this one may lie about ranges, too. */
  quorum?: boolean
}

const asksRange = ({ method, params }: Call) => method === 'eth_getLogs' && !(params[0] as LogCriteria).blockHash

export const HONEST: NodeBehaviour = { oneIn: 0, rangeLimit: 0, resultLimit: 0 }

/** Endpoints of a quorum: the first lies, and dies; the others are slow to be asked, and right. */
const ENDPOINTS = 3

export class SimulatedNode {
  behaviour: NodeBehaviour = HONEST
  /** Requests that will find nobody. */
  refusedRequests = 0
  /** Looks at the newest block, and requests since the last one. */
  poll = 0
  private offset = 0
  /** Whose questions are answered: a run that is over gets no answer. */
  run = 0
  /** Called before each answer, with the clock. */
  onTick: (poll: number, offset: number) => void = () => {}
  /** Questions that went wrong and may come again. */
  private readonly failedRequests = new Set<string>()
  /** A node that held back a block's logs once says them when asked again: an index that was behind. */
  private readonly withheld = new Set<string>()
  private readonly server: Server

  constructor(
    private readonly chain: SimulatedChain,
    private readonly seed: number,
    private readonly coverage: Coverage,
  ) {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch(() => response.socket?.destroy())
    })
    this.server.keepAliveTimeout = 60_000
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
  }

  /** Where a run asks: at one endpoint, or at several that it can compare. */
  urlOf(run: number, quorum = false) {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${run}/`
    return Array.from({ length: quorum ? ENDPOINTS : 1 }, (_, endpoint) => url + endpoint).join(',')
  }

  /** The node's process is gone: every connection breaks. */
  die(requests: number) {
    this.refusedRequests = requests
    this.server.closeAllConnections()
  }

  async stop() {
    this.server.closeAllConnections()
    await new Promise<void>((done) => this.server.close(() => done()))
  }

  private async serve(request: IncomingMessage, response: ServerResponse) {
    const body = JSON.parse(await text(request))
    const calls = (Array.isArray(body) ? body : [body]) as Call[]
    const [run, endpoint] = must(request.url).split('/').slice(1).map(Number) as [number, number]
    if (run !== this.run && run !== 0) return void response.socket?.destroy()
    if (run === 0)
      return respond(
        response,
        body,
        calls.map((call) => this.ask(call, this.chain.blocks)),
      )
    const tip = calls.some(({ method, params }) => method === 'eth_getBlockByNumber' && params[0] === 'latest')
    if (tip) this.poll++
    this.offset = tip ? 0 : this.offset + 1
    const [poll, offset] = [this.poll, this.offset]
    this.onTick(poll, offset)
    if (run !== this.run) return void response.socket?.destroy()
    const asked = JSON.stringify(calls.map(({ method, params }) => [method, params]))
    if (this.failedRequests.delete(asked)) this.coverage.count('retries')
    if (this.refusedRequests > 0 && endpoint === 0) {
      this.refusedRequests--
      this.coverage.count('node away')
      this.failedRequests.add(asked)
      return void response.socket?.destroy()
    }
    const random = seededRandomAt(this.seed, poll, offset)
    const fault = endpoint === 0 ? this.faultOf(calls, random) : undefined
    if (fault) this.failedRequests.add(asked)
    await this.misbehave(fault, random, response, body, calls)
  }

  private faultOf(calls: readonly Call[], random: SeededRandom): SimulatedFault | undefined {
    const { oneIn, quorum } = this.behaviour
    // ranges are asked for seldom, only far behind the head: where others may contradict, every second one is lied about
    if (quorum && calls.some(asksRange) && random(2)) return 'logs withheld'
    return oneIn && random(oneIn) === 0 ? pick(random, SIMULATED_FAULTS) : undefined
  }

  private async misbehave(
    fault: SimulatedFault | undefined,
    random: SeededRandom,
    response: ServerResponse,
    body: unknown,
    calls: Call[],
  ) {
    const { blocks, branches } = this.chain
    const from = (view: ChainView) => calls.map((call) => this.ask(call, view))
    if (fault && ANY_REQUEST.has(fault)) this.countLie(fault)
    if (fault === 'busy') return void response.writeHead(503).end('busy')
    if (fault === 'throttled') return void response.writeHead(429).end('slow down')
    if (fault === 'no JSON') return void response.end('<html>gateway</html>')
    if (fault === 'hung up') return void response.socket?.destroy()
    if (fault === 'stale head')
      return respond(response, body, from(blocks.slice(0, Math.max(1, blocks.length - 1 - random(random(6) ? 4 : 24)))))
    if (fault === 'other fork' && branches.length) {
      this.countLie(fault)
      return respond(response, body, from(must(branches[random(branches.length)])))
    }
    const answers = from(blocks)
    if (fault === 'slow') await sleep(1 + random(8))
    if (fault === 'too late') await sleep(TOO_LATE_MS)
    const one = random(calls.length)
    if (fault === 'refused')
      answers[one] = { id: must(calls[one]).id, error: { code: -32000, message: 'header not found' } }
    else if (fault === 'block withheld' && must(calls[one]).method === 'eth_getBlockByNumber') {
      this.countLie(fault)
      answers[one] = { id: must(calls[one]).id, result: null }
    } else if (fault === 'answer dropped' && calls.length > 1) {
      this.countLie(fault)
      answers.splice(one, 1)
    } else if (fault === 'logs withheld') this.withhold(calls, answers)
    respond(response, body, answers)
  }

  /** Leaves out all logs of the blocks that were asked for by hash: what a node says whose log index is behind its blocks. */
  private withhold(calls: Call[], answers: Answer[]) {
    for (const [index, { method, params }] of calls.entries()) {
      const { blockHash } = (params[0] ?? {}) as LogCriteria
      const { result } = answers[index] as { result?: { blockHash: string }[] }
      if (method !== 'eth_getLogs' || !result?.length) continue
      // of one endpoint a lie about a range is past finding out, and one told twice past believing
      if (!this.behaviour.quorum && (!blockHash || this.withheld.has(blockHash))) continue
      this.withheld.add(blockHash ?? '')
      this.countLie(blockHash ? 'logs withheld' : 'logs withheld from a range')
      const hidden = must(result[0]).blockHash
      answers[index] = { ...must(answers[index]), result: result.filter((log) => log.blockHash !== hidden) }
    }
  }

  private countLie(fault: string) {
    this.coverage.count(`lie: ${fault}`)
  }

  private ask({ id, method, params }: Call, view: ChainView): Answer {
    const { rangeLimit, resultLimit } = this.behaviour
    const { fromBlock, toBlock } = (params[0] ?? {}) as LogCriteria
    if (rangeLimit && fromBlock && Number(toBlock) - Number(fromBlock) >= rangeLimit) {
      this.coverage.count('limits met')
      return { id, error: { code: -32005, message: `eth_getLogs is limited to a ${rangeLimit} block range` } }
    }
    try {
      const final = Math.min(this.chain.final, this.chain.finalOf(view), view.length - 1)
      const result = answerFrom(view, final, method, params)
      if (resultLimit && fromBlock && fromBlock !== toBlock && (result as unknown[]).length > resultLimit) {
        this.coverage.count('limits met')
        return { id, error: { code: -32602, message: `query returned more than ${resultLimit} results` } }
      }
      return { id, result }
    } catch (error) {
      return { id, error: { code: -32000, message: (error as Error).message } }
    }
  }
}

type Answer = { id: number; result?: unknown; error?: { code: number; message: string } }

/** In any order: a client must go by the ids. */
function respond(response: ServerResponse, body: unknown, answers: Answer[]) {
  const full = answers.map((answer) => ({ jsonrpc: '2.0', ...answer }))
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(Array.isArray(body) ? full.reverse() : full[0]))
}

async function text(request: IncomingMessage) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}
