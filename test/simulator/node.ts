import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SAMPLED_BLOCKS } from '#indexer/chain/witness.ts'
import { must } from '#test/must.ts'
import { answerFrom, type ChainView, type LogCriteria, type SimulatedChain } from './chain.ts'
import type { Coverage } from './coverage.ts'
import { pick, type SeededRandom, seededRandomAt } from './random.ts'

/** A JSON-RPC server over HTTP in front of a simulated chain; it gives wrong answers, lags and crashes. **The indexer's requests are the
 *  clock**: each event happens at the number of a request, never at a time of day, so that a seed gives the same run on any machine. */

/** The weight of each fault, for one request. */
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
  'removed log': 2,
  'repeated log': 2,
  'null logs': 3,
  'time in milliseconds': 1,
  'quota used up': 1,
  'no batches': 4,
  'answer cut': 1,
  hangs: 2,
} as const

export type SimulatedFault = keyof typeof SIMULATED_FAULTS

/** The faults that can happen to any request. */
const ANY_REQUEST: ReadonlySet<SimulatedFault> = new Set([
  'busy',
  'throttled',
  'hung up',
  'no JSON',
  'slow',
  'too late',
  'refused',
  'stale head',
  'quota used up',
  'answer cut',
  'hangs',
])

/** Longer than the time-out of the simulated indexer. */
export const TOO_LATE_MS = 400

interface Call {
  id: number
  method: string
  params: unknown[]
}

export interface NodeBehaviour {
  /** One request in this number fails; 0: none. */
  oneIn: number
  /** The maximum number of blocks in one `eth_getLogs`; 0: no limit. */
  rangeLimit: number
  /** The maximum number of logs in one answer; 0: no limit. */
  resultLimit: number
  /** There are other endpoints to compare with, so that this one may give wrong answers about ranges, too. */
  quorum?: boolean
}

const asksRange = ({ method, params }: Call) => method === 'eth_getLogs' && !(params[0] as LogCriteria).blockHash

export const HONEST: NodeBehaviour = { oneIn: 0, rangeLimit: 0, resultLimit: 0 }

/** The endpoints of a quorum: the first gives wrong answers and crashes; the others are correct. */
const ENDPOINTS = 3

export class SimulatedNode {
  behaviour: NodeBehaviour = HONEST
  /** The number of next requests whose connection is closed without an answer. */
  refusedRequests = 0
  /** The number of requests for the latest block. */
  poll = 0
  /** The number of requests since the last one for the latest block. */
  private offset = 0
  /** The number of the run that gets answers: a run that is over gets none. */
  run = 0
  /** Called before each answer, with the current clock. */
  onTick: (poll: number, offset: number) => void = () => {}
  /** Failed requests, which may be retried. */
  private readonly failedRequests = new Set<string>()
  /** Blocks whose logs were omitted once: they are included at the next request, as by a node whose log index was behind. */
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

  /** The RPC URL of a run: one endpoint, or the several endpoints of a quorum. */
  urlOf(run: number, quorum = false) {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${run}/`
    return Array.from({ length: quorum ? ENDPOINTS : 1 }, (_, endpoint) => url + endpoint).join(',')
  }

  /** The node crashes: all connections break. */
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
    const [run, endpoint] = (request.url ?? '').split('/').slice(1).map(Number) as [number, number]
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
    // ranges are requested rarely, only far behind the head: with a quorum, every second answer about a range is wrong
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
    if (fault && ANY_REQUEST.has(fault)) this.countWrongAnswer(fault)
    if (fault === 'busy') return void response.writeHead(503).end('busy')
    if (fault === 'throttled') return void response.writeHead(429).end('slow down')
    if (fault === 'no JSON') return void response.end('<html>gateway</html>')
    if (fault === 'hung up') return void response.socket?.destroy()
    if (fault === 'hangs') return // until the indexer gives up
    if (fault === 'quota used up') return refuseAll(response, calls, -32005, 'daily request count exceeded')
    if (fault === 'no batches' && calls.length > 1) {
      this.countWrongAnswer(fault)
      return refuseAll(response, calls, -32600, 'Invalid Request')
    }
    if (fault === 'stale head')
      return respond(response, body, from(blocks.slice(0, Math.max(1, blocks.length - 1 - random(random(6) ? 4 : 24)))))
    if (fault === 'other fork' && branches.length) {
      this.countWrongAnswer(fault)
      return respond(response, body, from(must(branches[random(branches.length)], 'branch')))
    }
    const answers = from(blocks)
    if (fault === 'slow') await sleep(1 + random(8))
    if (fault === 'too late') await sleep(TOO_LATE_MS)
    const one = random(calls.length)
    const { id, method } = must(calls[one], 'call')
    if (fault === 'refused') answers[one] = { id, error: { code: -32000, message: 'header not found' } }
    else if (fault === 'block withheld' && method === 'eth_getBlockByNumber') {
      this.countWrongAnswer(fault)
      answers[one] = { id, result: null }
    } else if (fault === 'answer dropped' && calls.length > 1) {
      this.countWrongAnswer(fault)
      answers.splice(one, 1)
    } else if (fault === 'logs withheld') this.withhold(calls, answers)
    else if (fault && isMalformation(fault)) this.malform(fault, calls, answers)
    if (fault === 'answer cut') return cutShort(response, body, answers)
    respond(response, body, answers)
  }

  /** Omits all logs of one block, as a node does whose log index is behind its blocks. */
  private withhold(calls: Call[], answers: Answer[]) {
    for (const [index, { id, method, params }] of calls.entries()) {
      const { blockHash, fromBlock, toBlock } = (params[0] ?? {}) as LogCriteria
      const { result } = answers[index] as { result?: { blockHash: string }[] }
      const hidden = result?.[0]?.blockHash
      if (method !== 'eth_getLogs' || !result || !hidden) continue
      // with a single endpoint, the indexer looks at some blocks of a long range, and cannot detect a wrong answer about a block that is repeated
      const isSampled = !blockHash && Number(toBlock) - Number(fromBlock) >= SAMPLED_BLOCKS
      if (!this.behaviour.quorum && (isSampled || (blockHash && this.withheld.has(blockHash)))) continue
      this.withheld.add(hidden)
      this.countWrongAnswer(blockHash ? 'logs withheld' : 'logs withheld from a range')
      answers[index] = { id, result: result.filter((log) => log.blockHash !== hidden) }
    }
  }

  /** Changes the first answer that the fault fits. */
  private malform(fault: Malformation, calls: readonly Call[], answers: Answer[]) {
    for (const [place, { method }] of calls.entries()) {
      const changed = malformed(fault, must(answers[place], 'answer'), method)
      if (!changed) continue
      answers[place] = changed
      return this.countWrongAnswer(fault)
    }
  }

  private countWrongAnswer(fault: string) {
    this.coverage.count(`wrong answer: ${fault}`)
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

const MALFORMATIONS = ['removed log', 'repeated log', 'null logs', 'time in milliseconds'] as const
type Malformation = (typeof MALFORMATIONS)[number]
const isMalformation = (fault: SimulatedFault): fault is Malformation =>
  (MALFORMATIONS as readonly SimulatedFault[]).includes(fault)

/** An answer that no node may give; undefined where the fault does not fit the call. */
function malformed(fault: Malformation, { id, result }: Answer, method: string): Answer | undefined {
  if (fault === 'time in milliseconds') {
    const header = method === 'eth_getBlockByNumber' && (result as { timestamp: string } | null)
    return header
      ? { id, result: { ...header, timestamp: `0x${(Number(header.timestamp) * 1000).toString(16)}` } }
      : undefined
  }
  if (method !== 'eth_getLogs' || !Array.isArray(result)) return undefined
  if (fault === 'null logs') return { id, result: null }
  if (!result.length) return undefined
  const [first, ...others] = result
  if (fault === 'repeated log') return { id, result: [first, first, ...others] }
  return { id, result: [{ ...first, removed: true }, ...others] }
}

type Answer = { id: number; result?: unknown; error?: { code: number; message: string } }

/** One error for all calls. */
function refuseAll(response: ServerResponse, calls: readonly Call[], code: number, message: string) {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ jsonrpc: '2.0', id: calls[1] ? null : calls[0]?.id, error: { code, message } }))
}

/** The connection ends in the middle of the answer. */
function cutShort(response: ServerResponse, body: unknown, answers: Answer[]) {
  const whole = JSON.stringify(Array.isArray(body) ? answers : answers[0])
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length })
  response.write(whole.slice(0, whole.length / 2), () => response.socket?.destroy())
}

/** The answers of a batch come in reverse order: a client must use the ids. */
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
