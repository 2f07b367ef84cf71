import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { TestChain } from './chain.ts'

/** A small Subsquid Network gateway: serves a local chain's blocks in the gateway's protocol, for the real client. */

interface Query {
  fromBlock: number
  toBlock?: number
  includeAllBlocks?: boolean
  logs?: { address?: string[]; topic0?: string[] }[]
}

interface RawLog {
  blockNumber: string
  logIndex: string
  transactionIndex: string
  transactionHash: string
  address: string
  data: string
  topics: string[]
}

/** Blocks per answer at most, so that a sync needs several answers. */
const BLOCKS = 40

export async function gateway(chain: TestChain, height: number): Promise<{ url: string; queries: Query[] }> {
  const queries: Query[] = []
  const server = createServer(async (request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    response.setHeader('content-type', 'text/plain')
    if (request.url === '/network/height') return void response.end(String(height))
    if (request.url?.endsWith('/worker')) return void response.end(`${url}/query`)
    const query = (await json(request)) as Query
    queries.push(query)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await answer(chain, query, height)))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/network`, queries }
}

async function answer(chain: TestChain, query: Query, height: number) {
  const from = query.fromBlock
  const to = Math.min(query.toBlock ?? height, height, from + BLOCKS - 1)
  const hex = (value: number) => `0x${value.toString(16)}`
  const [wanted] = query.logs ?? []
  const logs = wanted
    ? ((await chain.call('eth_getLogs', {
        fromBlock: hex(from),
        toBlock: hex(to),
        address: wanted.address,
        topics: [wanted.topic0],
      })) as RawLog[])
    : []
  const blocks = []
  for (let number = from; number <= to; number++) {
    const own = logs.filter((log) => Number(log.blockNumber) === number)
    if (!own.length && number !== to && number !== from && !query.includeAllBlocks) continue
    const header = (await chain.call('eth_getBlockByNumber', hex(number), false)) as Record<string, string>
    const { hash, parentHash, timestamp } = header
    blocks.push({
      header: { number, hash, parentHash, timestamp: Number(timestamp) },
      logs: own.map(({ logIndex, transactionIndex, transactionHash, address, data, topics }) => ({
        logIndex: Number(logIndex),
        transactionIndex: Number(transactionIndex),
        transactionHash,
        address,
        data,
        topics,
      })),
    })
  }
  return blocks
}

async function json(request: IncomingMessage) {
  let body = ''
  for await (const chunk of request) body += chunk
  return JSON.parse(body)
}
