import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Abi, encodeAbiParameters, encodeEventTopics, type Hex } from 'viem'
import { contracts } from '#contracts/events.ts'
import { processArgument, report } from './processes.ts'

/** A computed chain for benchmarks: every block has the same number of events, and of logs of other contracts, which are only generated
 *  when a request names no contract. Answers are composed as text, so that the node is never the bottleneck. */

export interface ChainPlan {
  blocks: number
  /** Events per block. */
  events: number
  /** Their kind: an approval is one row; a vote is one row and changes the proposal once per block. */
  kind: 'approvals' | 'votes'
  /** Logs per block of contracts that are not indexed. */
  foreign: number
}

export const BENCH_CHAIN_ID = 515_151
export const FINALITY = 64
export const BENCH_ADDRESSES = { GOpen: `0x${'a1'.repeat(20)}`, ModelGovernor: `0x${'a2'.repeat(20)}` } as const
const GENESIS = 1_800_000_000
const VOTERS = 20_000
const ZERO = `0x${'0'.repeat(64)}`
const hex = (value: number) => `0x${value.toString(16)}`
const word = (value: number | bigint) => value.toString(16).padStart(64, '0')
const account = (index: number) => `0x${(0x1000_0000 + (index % VOTERS)).toString(16).padStart(64, '0')}`

interface Criteria {
  address?: string | string[]
  fromBlock?: string
  toBlock?: string
  blockHash?: string
}

function topic(contract: 'GOpen' | 'ModelGovernor', eventName: string): Hex {
  const [first] = encodeEventTopics({ abi: contracts[contract].abi as Abi, eventName }) as Hex[]
  if (!first) throw new Error(`${contract} has no event ${eventName}.`)
  return first
}
const APPROVAL = topic('GOpen', 'Approval')
const VOTE_CAST = topic('ModelGovernor', 'VoteCast')
const PROPOSAL_CREATED = topic('ModelGovernor', 'ProposalCreated')
export const TOPICS = { approval: APPROVAL, vote: VOTE_CAST }

/** Topics and data of one event. A voter votes once on a proposal, and every proposal gets `VOTERS` votes. */
function eventOf(kind: ChainPlan['kind'], place: number) {
  if (kind === 'approvals')
    return { topics: [APPROVAL, account(place), account(place * 7 + 3)], data: word(BigInt(place) * 10n ** 15n) }
  const proposal = Math.floor(place / VOTERS) + 1
  const reason = Buffer.from(`because ${place}`).toString('hex')
  const data =
    [proposal, place % 3, BigInt(place + 1) * 10n ** 15n, 128, reason.length / 2].map(word).join('') +
    reason.padEnd(64, '0')
  return { topics: [VOTE_CAST, account(place)], data }
}

const words = ['uint256', 'address', 'address[]', 'uint256[]', 'string[]', 'bytes[]', 'uint256', 'uint256', 'string']
const proposalData = (proposal: number): string =>
  encodeAbiParameters(
    words.map((type) => ({ type })),
    [
      BigInt(proposal),
      `0x${'c1'.repeat(20)}`,
      [],
      [],
      [],
      [],
      BigInt(GENESIS),
      BigInt(GENESIS * 2),
      `Proposal ${proposal}`,
    ],
  ).slice(2)

class BenchChain {
  private readonly made = new Map<number, string>()
  private readonly numbers = new Map<string, number>()
  private hashes: string[] = []
  private forks = 0
  private readonly foreignLogs: string[]
  head: number

  constructor(private readonly plan: ChainPlan) {
    this.head = plan.blocks
    this.link(0)
    this.foreignLogs = Array.from({ length: plan.foreign }, (_, index) => {
      const topics = [`0x${'dd'.repeat(32)}`, account(index), account(index + 1)]
      return this.log(`0x${'b0'.repeat(20)}`, topics, word(index), plan.events + 1 + index)
    })
  }

  /** Replaces the last `depth` blocks by another fork with one more block. */
  fork(depth: number) {
    this.forks++
    const from = this.head - depth + 1
    for (let block = from; block <= this.head; block++) this.made.delete(block)
    this.head++
    this.link(from)
  }

  answer(method: string, params: unknown[]): string {
    if (method === 'eth_chainId') return `"${hex(BENCH_CHAIN_ID)}"`
    if (method === 'net_version') return `"${BENCH_CHAIN_ID}"`
    if (method === 'eth_blockNumber') return `"${hex(this.head)}"`
    if (method === 'eth_getBlockByNumber') return this.block(this.numberOf(params[0] as string), params[1] === true)
    if (method === 'eth_getBlockByHash')
      return this.block(this.numbers.get(params[0] as string) ?? -1, params[1] === true)
    if (method === 'eth_getLogs') return this.logs(params[0] as Criteria)
    if (method === 'eth_call')
      return `"0x${word(32)}${word(14)}${Buffer.from('mode=timestamp').toString('hex').padEnd(64, '0')}"`
    throw new Error(`${method} is not supported`)
  }

  private link(from: number) {
    for (let block = from; block <= this.head; block++) {
      const hash = `0x${createHash('sha256')
        .update(`${this.hashes[block - 1]}${block}${this.forks}`)
        .digest('hex')}`
      this.hashes[block] = hash
      this.numbers.set(hash, block)
    }
  }

  private numberOf(tag: string) {
    if (tag === 'latest' || tag === 'pending') return this.head
    if (tag === 'finalized' || tag === 'safe') return Math.max(0, this.head - FINALITY)
    return tag === 'earliest' ? 0 : Number(tag)
  }

  private hashOfBlock(block: number): string {
    const hash = this.hashes[block]
    if (!hash) throw new Error(`There is no block ${block}.`)
    return hash
  }

  private transaction(block: number) {
    return `0x${this.hashOfBlock(block).slice(2, 34)}${'e'.repeat(32)}`
  }

  private block(block: number, full: boolean): string {
    const hash = this.hashes[block]
    if (!hash || block > this.head) return 'null'
    const bloom = block > 0 ? 'f' : '0'
    const transaction = this.transaction(block)
    const transactions = full
      ? `{"hash":"${transaction}","blockHash":"${hash}","blockNumber":"${hex(block)}","transactionIndex":"0x0","from":"0x${'c1'.repeat(20)}","to":"${BENCH_ADDRESSES.GOpen}","input":"0x","value":"0x0","nonce":"${hex(block)}","gas":"0x5208","gasPrice":"0x1","r":"0x1","s":"0x1","v":"0x1b","type":"0x0"}`
      : `"${transaction}"`
    return `{"number":"${hex(block)}","hash":"${hash}","parentHash":"${this.hashes[block - 1] ?? ZERO}","timestamp":"${hex(GENESIS + block * 2)}","logsBloom":"0x${bloom.repeat(512)}","transactions":[${block > 0 ? transactions : ''}],"miner":"0x${'0'.repeat(40)}","gasUsed":"0x5208","gasLimit":"0x1c9c380","baseFeePerGas":"0x1","extraData":"0x","mixHash":"${ZERO}","nonce":"0x0000000000000000","receiptsRoot":"${ZERO}","sha3Uncles":"${ZERO}","size":"0x200","stateRoot":"${ZERO}","transactionsRoot":"${ZERO}","difficulty":"0x0","totalDifficulty":"0x0","uncles":[]}`
  }

  private logs({ address, fromBlock, toBlock, blockHash }: Criteria): string {
    const one = blockHash === undefined ? undefined : this.numbers.get(blockHash)
    if (blockHash !== undefined && (one === undefined || this.hashes[one] !== blockHash))
      throw new Error('unknown block')
    const from = Math.max(1, one ?? this.numberOf(fromBlock ?? 'latest'))
    const to = Math.min(this.head, one ?? this.numberOf(toBlock ?? 'latest'))
    const own = this.plan.kind === 'approvals' ? BENCH_ADDRESSES.GOpen : BENCH_ADDRESSES.ModelGovernor
    const asked = address === undefined ? undefined : [address].flat().map((each) => each.toLowerCase())
    const parts: string[] = []
    for (let block = from; block <= to; block++) {
      if (!asked || asked.includes(own)) parts.push(this.own(block))
      if (!asked) for (const log of this.foreignLogs) parts.push(this.inBlock(log, block))
    }
    return `[${parts.join(',')}]`
  }

  private own(block: number): string {
    let text = this.made.get(block)
    if (text === undefined) {
      const { events, kind } = this.plan
      const address = kind === 'approvals' ? BENCH_ADDRESSES.GOpen : BENCH_ADDRESSES.ModelGovernor
      const first = (block - 1) * events
      const logs = Array.from({ length: events }, (_, index) => {
        const { topics, data } = eventOf(kind, first + index)
        return this.log(address, topics, data, index + 1)
      })
      if (kind === 'votes' && first % VOTERS < events)
        logs.unshift(this.log(address, [PROPOSAL_CREATED], proposalData(Math.floor(first / VOTERS) + 1), 0))
      text = logs.map((log) => this.inBlock(log, block)).join(',')
      this.made.set(block, text)
    }
    return text
  }

  private inBlock(log: string, block: number) {
    return log
      .replace('BLOCK', hex(block))
      .replace('HASH', this.hashOfBlock(block))
      .replace('TX', this.transaction(block))
  }

  private log(address: string, topics: string[], data: string, index: number) {
    return `{"address":"${address}","topics":["${topics.join('","')}"],"data":"0x${data}","blockNumber":"BLOCK","blockHash":"HASH","transactionHash":"TX","transactionIndex":"0x0","logIndex":"${hex(index)}","removed":false}`
  }
}

/** The requests since the last `bench_reset`. */
export interface RequestCounts {
  /** Time of the first request in milliseconds. */
  first: number | null
  requests: number
  calls: number
  bytes: number
}

let requestCounts: RequestCounts = { first: null, requests: 0, calls: 0, bytes: 0 }

async function serve(plan: ChainPlan) {
  const chain = new BenchChain(plan)
  const control = (method: string, params: unknown[]): string | undefined => {
    if (method === 'bench_fork') chain.fork(params[0] as number)
    else if (method === 'bench_tally') return JSON.stringify(requestCounts)
    else if (method === 'bench_reset') requestCounts = { first: null, requests: 0, calls: 0, bytes: 0 }
    else if (method === 'bench_warm')
      chain.answer('eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest', address: Object.values(BENCH_ADDRESSES) }])
    else return undefined
    return 'null'
  }
  const answer = ({ id, method, params }: { id: number; method: string; params: unknown[] }) => {
    try {
      return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${control(method, params) ?? chain.answer(method, params ?? [])}}`
    } catch (error) {
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: (error as Error).message } })
    }
  }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const calls = JSON.parse(body)
    const reply = Array.isArray(calls) ? `[${calls.map(answer).join(',')}]` : answer(calls)
    if (!body.includes('"bench_')) {
      requestCounts.first ??= performance.timeOrigin + performance.now()
      requestCounts.requests++
      requestCounts.calls += Array.isArray(calls) ? calls.length : 1
      requestCounts.bytes += reply.length
    }
    response.setHeader('content-type', 'application/json')
    response.end(reply)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  report({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  process.on('disconnect', () => process.exit(0))
}

async function text(request: IncomingMessage) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

if (process.send && process.argv[1] === import.meta.filename) await serve(processArgument<ChainPlan>())
