import { describe, expect, test } from 'vitest'
import { isRetriable } from '#schema/errors.ts'
import { freshDatabase } from '#test/database.ts'
import { startIndexer } from '../index.ts'
import { type TestChain, testChain } from '../test/chain.ts'
import { type FaultyNode, faultyNode, type NodeFault } from '../test/faultyNode.ts'
import { expectClean, follow } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noise, prepareNoise, seededInts } from '../test/noise.ts'
import {
  AccessDenied,
  isFinal,
  isLimit,
  MethodUnsupported,
  NodeBusy,
  RpcError,
  responseError,
  retryAfterMs,
  statusError,
} from './errors.ts'
import { openRpc } from './open.ts'

const refusal = (code: number, message: string): NodeFault => ({ error: { code, message } })

async function chainWithNodes(count: number): Promise<{ chain: TestChain; nodes: FaultyNode[]; rpcUrl: string }> {
  const chain = await testChain()
  await prepareNoise(chain)
  const random = seededInts(41)
  for (let i = 0; i < 10; i++) await noise(chain, random)
  const nodes: FaultyNode[] = []
  for (let i = 0; i < count; i++) nodes.push(await faultyNode(chain.url))
  return { chain, nodes, rpcUrl: nodes.map(({ url }) => url).join(', ') }
}

/** In the words of providers and nodes. */
const RATE_LIMITS: [number, string][] = [
  [
    429,
    'Your app has exceeded its compute units per second capacity. If you have retries enabled, you can ignore this.',
  ],
  [-32005, 'daily request count exceeded, request rate limited'],
  [-32005, 'project ID request rate exceeded'],
  [-32005, "You've exceeded the RPS limit available on the current plan."],
  [-32007, '100/second request limit reached - reduce calls per second or upgrade your account'],
  [-32012, 'credits limited to 6000/sec'],
  [-32016, 'over rate limit'],
  [-32097, 'rate limit exceeded'],
  [-32605, 'Too many requests were made, these requests are limited.'],
  [-32000, '429 Too Many Requests: {"error":{"code":-32016,"message":"over rate limit"}}'],
  [-32603, 'The service is temporarily overloaded'],
  [30, 'Request timeout on the free tier, please upgrade your tier to the paid one'],
  [-32005, 'You have reached your monthly request limit'],
  [-32005, 'Your current plan has no requests left. Please upgrade.'],
]
const RANGE_LIMITS: [number, string][] = [
  [-32005, 'query returned more than 10000 results. Try with this block range [0x1, 0x3e8].'],
  [-32005, 'limit exceeded'],
  [-32602, 'Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range'],
  [-32614, 'eth_getLogs is limited to a 10,000 range'],
  [-32012, 'block range is too large'],
  [-32000, 'exceed maximum block range: 50000'],
  [-32000, 'query timeout exceeded'],
  [35, 'ranges over 10000 blocks are not supported on freetier'],
  [
    -32600,
    'Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Upgrade to PAYG for more.',
  ],
]
const MISSING: [number, string][] = [
  [-32601, 'the method eth_getLogs does not exist/is not available'],
  [-32601, 'Method not found'],
  [-32004, 'Method not supported'],
  [-32000, 'method eth_getLogs is not whitelisted'],
  [-32600, 'Unsupported method: eth_getLogs'],
]
const DENIED: [number, string][] = [
  [-32600, 'Must be authenticated!'],
  [-32000, 'Unauthorized: You must authenticate your request with an API key.'],
  [-32016, 'Unauthorized'],
  [-32002, 'invalid project id'],
]
const REFUSED: [number, string][] = [
  [-32000, 'header not found'],
  [-32000, 'history has been pruned'],
  [3, 'execution reverted: Unauthorized'],
  [-32000, 'execution reverted: method not supported, too many requests'],
]

const LOGS_OF_SEVERAL = { method: 'eth_getLogs', params: [{ fromBlock: '0x1', toBlock: '0x9' }] }

describe('errors in JSON-RPC responses', () => {
  const classOf = ([code, message]: [number, string]) =>
    responseError('https://rpc.example', LOGS_OF_SEVERAL, { code, message })
  test.each(RATE_LIMITS)('%i %s: a rate limit, retried', (...error) => {
    expect(classOf(error)).toBeInstanceOf(NodeBusy)
    expect(isRetriable(classOf(error))).toBe(true)
  })
  test.each(RANGE_LIMITS)('%i %s: a limit of the range, asked again for less', (...error) => {
    expect(isLimit(classOf(error))).toBe(true)
  })
  test.each(MISSING)('%i %s: the method is missing, final', (...error) => {
    expect(classOf(error)).toBeInstanceOf(MethodUnsupported)
    expect(isRetriable(classOf(error))).toBe(false)
  })
  test.each(DENIED)('%i %s: access is denied, final', (...error) => {
    expect(classOf(error)).toBeInstanceOf(AccessDenied)
    expect(isRetriable(classOf(error))).toBe(false)
  })
  test.each(REFUSED)('%i %s: this request alone is refused', (...error) => {
    expect(classOf(error)).toBeInstanceOf(RpcError)
    expect(isRetriable(classOf(error))).toBe(true)
  })
})

test('a refusal of a single block or of a header is not about the range: another endpoint is asked', () => {
  const refused = { code: -32005, message: 'limit exceeded' }
  const isLast = (method: string, params: unknown[]) => {
    const error = responseError('https://rpc.example', { method, params }, refused)
    return error instanceof RpcError && isFinal(error)
  }
  expect(isLast('eth_getLogs', [{ fromBlock: '0x1', toBlock: '0x9' }])).toBe(true)
  expect(isLast('eth_getLogs', [{ fromBlock: '0x9', toBlock: '0x9' }])).toBe(false)
  expect(isLast('eth_getLogs', [{ blockHash: '0xab' }])).toBe(false)
  expect(isLast('eth_getBlockByNumber', ['0x9', false])).toBe(false)
  expect(isLast('eth_chainId', [])).toBe(false)
})

test('an overloaded endpoint says in seconds or by a date when to come again', () => {
  const date = 'Mon, 01 Jan 2001 00:00:00 GMT'
  const waitOf = (after?: string) =>
    retryAfterMs(new Headers({ date, ...(after !== undefined && { 'retry-after': after }) }))
  expect(waitOf('7')).toBe(7_000)
  expect(waitOf('Mon, 01 Jan 2001 00:01:00 GMT')).toBe(60_000)
  for (const after of [undefined, '', 'soon', '-3', 'Sun, 31 Dec 2000 23:00:00 GMT']) expect(waitOf(after)).toBe(0)
  expect((statusError('https://rpc.example', 429, '', 7_000) as NodeBusy).retryAfterMs).toBe(7_000)
})

test('HTTP statuses: busy, denied, or nothing', () => {
  const classOf = (status: number, body = '') => statusError('https://rpc.example', status, body)
  for (const status of [402, 408, 429, 500, 502, 503]) expect(classOf(status), String(status)).toBeInstanceOf(NodeBusy)
  for (const status of [401, 403]) expect(classOf(status), String(status)).toBeInstanceOf(AccessDenied)
  expect(classOf(403, '{"error":"monthly quota exceeded"}')).toBeInstanceOf(NodeBusy)
  for (const status of [200, 400, 404]) expect(classOf(status), String(status)).toBeUndefined()
})

test.each(['eth_getLogs', 'eth_getBlockByNumber', 'eth_chainId'])(
  'a node without %s ends the indexer with a message that says what to do, at the start and later',
  async (missing) => {
    const { chain, nodes, rpcUrl } = await chainWithNodes(1)
    const [node] = nodes
    const lacks: FaultyNode['fault'] = ({ method }) =>
      method === missing ? refusal(-32601, `the method ${missing} does not exist/is not available`) : undefined
    const says = new RegExp(`^RPC_URL: http://127.0.0.1:\\d+ does not support ${missing} .* Name an endpoint that does`)

    const running = missing !== 'eth_chainId' ? await follow(chain, await freshDatabase(), { rpcUrl }) : undefined
    await running?.caughtUp()
    if (node) node.fault = lacks
    await chain.send(1, 'GOpen', 'deposit', [], 1n)
    if (running) await expect(running.stopped).rejects.toThrow(says)

    const fresh = async () => {
      const indexer = await startIndexer({ ...chain, rpcUrl, db: await freshDatabase(), pollMs: 10 })
      await indexer.stopped
    }
    await expect(fresh()).rejects.toThrow(says)
  },
)

test.each([401, 403])('HTTP %i ends the indexer: the key must be corrected', async (status) => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(1)
  const indexer = await follow(chain, await freshDatabase(), { rpcUrl })
  await indexer.caughtUp()
  for (const node of nodes) node.fault = () => ({ status })
  await expect(indexer.stopped).rejects.toThrow(
    new RegExp(`^RPC_URL: http://127.0.0.1:\\d+ denies access \\(HTTP ${status}\\). Correct the API key in RPC_URL`),
  )
})

test('a node that denies the WebSocket handshake ends the start', async () => {
  const { chain, nodes } = await chainWithNodes(1)
  const [node] = nodes
  const rpcUrl = node?.url.replace('http', 'ws') ?? ''
  if (node) node.handshakeStatus = 401
  await expect(startIndexer({ ...chain, rpcUrl, db: await freshDatabase() })).rejects.toThrow(
    /^RPC_URL: ws:\/\/127.0.0.1:\d+ denies access \(HTTP 401\)/,
  )
})

test('rate limits and time-outs are retried, and do not shrink the range', async () => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(1)
  const [node] = nodes
  const limits = RATE_LIMITS.map(([code, message]) => refusal(code, message))
  const faults = [...limits, { status: 429 }, { status: 503 }, { delayMs: 400 }]
  const asked: [number, number][] = []
  const left = [...faults]
  if (node)
    node.fault = ({ method, params }) => {
      if (method !== 'eth_getLogs') return undefined
      const [{ fromBlock, toBlock }] = params as [{ fromBlock?: string; toBlock?: string }]
      if (fromBlock) asked.push([Number(fromBlock), Number(toBlock)])
      return left.pop()
    }
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl, patience: { delayMs: 1, timeoutMs: 200 } })
  await indexer.caughtUp(await chain.head())
  expect(left).toEqual([])
  const sizes = new Set(
    asked.map(([from]) => asked.filter(([other]) => other === from).map(([, to]) => to)).map(String),
  )
  for (const ends of sizes) expect(new Set(ends.split(',')).size, ends).toBe(1) // each range was asked again as it was
  expect(indexer.status().counters.failures).toBeGreaterThan(0)
  expect(indexer.status().counters.consecutiveFailures).toBe(0)
  await expectClean(chain, db)
})

test.each<[string, NodeFault]>([
  ['dRPC’s code 30', refusal(30, 'Request timeout on the free tier, please upgrade your tier to the paid one')],
  ['the words of a plan', refusal(-32005, 'You have reached the daily limit of your current plan')],
  ['other words of a plan', refusal(-32005, 'daily request count exceeded, request rate limited')],
  ['HTTP 402', { status: 402 }],
])('of several endpoints, one whose quota is used up (%s) asks the next one', async (_, fault) => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(2)
  const [first, second] = nodes
  if (first) first.fault = () => fault
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl, patience: { delayMs: 1 } })
  await indexer.caughtUp(await chain.head())
  expect(indexer.status().counters.failovers).toBeGreaterThan(0)
  expect(indexer.status().counters.endpointsLeftOut).toBe(0)
  expect(second?.calls.get('eth_getLogs')).toBeGreaterThan(0)
  await expectClean(chain, db)
})

test('a single endpoint whose quota is used up (HTTP 402) is waited for', async () => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(1)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl, patience: { delayMs: 1 } })
  await indexer.caughtUp(await chain.head())
  for (const node of nodes) node.fault = () => ({ status: 402 })
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await expect.poll(() => indexer.status().state).toBe('retrying')
  expect(indexer.status().problem).toContain('(HTTP 402)')
  for (const node of nodes) node.fault = () => undefined
  await indexer.caughtUp(await chain.head())
  await expectClean(chain, db)
})

test('an endpoint that names a time is not asked again before it', async () => {
  const { nodes, rpcUrl } = await chainWithNodes(1)
  const asked: number[] = []
  for (const node of nodes)
    node.fault = () => {
      asked.push(performance.now())
      return asked.length > 1 ? undefined : { status: 429, headers: { 'retry-after': '1' } }
    }
  expect(await openRpc(rpcUrl, { delayMs: 1 }).request('eth_chainId')).toBe('0x7a69')
  const [first = 0, second = 0] = asked
  expect(asked).toHaveLength(2)
  expect(second - first).toBeGreaterThanOrEqual(990)
})

test('of several endpoints, one that lacks a method or denies access is left out with a warning while another serves', async () => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(3)
  const [first, second] = nodes
  if (first) first.fault = ({ method }) => (method === 'eth_getLogs' ? refusal(-32601, 'Method not found') : undefined)
  if (second) second.fault = () => ({ status: 401 })
  const { log, lines } = recordingLogger()
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl, log })
  await indexer.caughtUp()
  const random = seededInts(43)
  for (let i = 0; i < 4; i++) {
    await noise(chain, random)
    await indexer.caughtUp(await chain.head())
  }
  await expectClean(chain, db)
  const warnings = lines('An RPC endpoint is left out')
  expect(warnings.map(({ level, details }) => [level, details.problem])).toEqual([
    ['warn', expect.stringContaining(`${first?.url} does not support eth_getLogs`)],
    ['warn', expect.stringContaining(`${second?.url} denies access (HTTP 401)`)],
  ])
  expect(indexer.status().counters.endpointsLeftOut).toBe(warnings.length)
})

test('when no endpoint is left, the indexer ends and says why for each', async () => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(2)
  const [first, second] = nodes
  const indexer = await follow(chain, await freshDatabase(), { rpcUrl })
  await indexer.caughtUp()
  if (first) first.fault = ({ method }) => (method === 'eth_getLogs' ? refusal(-32601, 'Method not found') : undefined)
  if (second) second.fault = () => ({ status: 403 })
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await expect(indexer.stopped).rejects.toThrow(
    new RegExp(
      `^None of the RPC endpoints can be used.\\nRPC_URL: ${first?.url} does not support eth_getLogs.*\\nRPC_URL: ${second?.url} denies access`,
    ),
  )
})

test('while one endpoint is left out and the other is away, the indexer waits for the other', async () => {
  const { chain, nodes, rpcUrl } = await chainWithNodes(2)
  const [first, second] = nodes
  if (first) first.fault = () => ({ status: 401 })
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  await second?.down()
  await expect.poll(() => indexer.status().state).toBe('retrying')
  expect(indexer.status().problem).toMatch(/none of .* answers/)
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await second?.up()
  await indexer.caughtUp(await chain.head())
  await expectClean(chain, db)
})
