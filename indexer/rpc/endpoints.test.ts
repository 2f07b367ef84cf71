import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import type { TestChain } from '../test/chain.ts'
import { type Call, type FaultyNode, faultyNode, leavingOut, type NodeFault } from '../test/faultyNode.ts'
import { expectClean, follow, until } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noise, noisyChain, seededInts } from '../test/noise.ts'
import { RpcUnavailable } from './errors.ts'
import { openRpc } from './open.ts'
import { backoff, retryDelayMs } from './retry.ts'

const next = () => seededInts(19)

/** A chain behind `count` endpoints. */
async function endpoints(count: number): Promise<{ chain: TestChain; nodes: FaultyNode[]; rpcUrl: string }> {
  const { chain } = await noisyChain(15, 19)
  const nodes: FaultyNode[] = []
  for (let i = 0; i < count; i++) nodes.push(await faultyNode(chain.url))
  return { chain, nodes, rpcUrl: nodes.map(({ url }) => url).join(', ') }
}

test('when an endpoint is down the next one answers, and the first again when it is back and the other is down', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  const random = next()
  for (const away of [must(nodes[0]), must(nodes[1])]) {
    await away.down()
    for (let i = 0; i < 4; i++) await noise(chain, random)
    await indexer.caughtUp(await chain.head())
    await away.up()
  }
  expect(indexer.status().counters.failovers).toBeGreaterThan(0)
  expect(indexer.status().state).toBe('running')
  await expectClean(chain, db)
})

test('an endpoint that lacks the requested data is skipped', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  must(nodes[0]).fault = ({ method }) =>
    method === 'eth_getLogs' ? { error: { code: -32000, message: 'history has been pruned' } } : undefined
  const db = await freshDatabase()
  await (await follow(chain, db, { rpcUrl })).caughtUp()
  await expectClean(chain, db)
})

const blocksAsked = ({ params }: Call) => {
  const [{ fromBlock, toBlock }] = params as [{ fromBlock?: string; toBlock?: string }]
  return fromBlock ? Number(toBlock) - Number(fromBlock) + 1 : 1
}

/** How an endpoint may refuse the logs of a range. */
const tenBlocks = (call: Call): NodeFault =>
  call.method === 'eth_getLogs' && blocksAsked(call) > 10
    ? { error: { code: -32005, message: 'limited to a 10 block range' } }
    : undefined
const pruned = ({ method }: Call): NodeFault =>
  method === 'eth_getLogs' ? { error: { code: -32000, message: 'history has been pruned' } } : undefined

/** Three of four blocks. */
const mostBlocks = ({ blockNumber }: { blockNumber: string }) => Number(blockNumber) % 4 !== 0

test('a range limit of one endpoint leads to smaller requests, not to another endpoint', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  must(nodes[0]).fault = tenBlocks
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  expect(indexer.status().counters.failovers).toBe(0)
  await expectClean(chain, db)
})

test('an endpoint that takes few blocks at once is a witness of longer ranges', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  must(nodes[1]).fault = tenBlocks
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  expect(indexer.status().counters).toMatchObject({ disagreements: 0, unwitnessedRanges: 0 })
  await expectClean(chain, db)
  leavingOut(must(nodes[0]), 'range', mostBlocks)
  const another = await freshDatabase()
  await expect((await follow(chain, another, { rpcUrl })).stopped).rejects.toThrow('The RPC endpoints disagree')
  expect((await another.query('select 1 from chain_event')).rowCount).toBe(0)
})

test.each([
  [0, 1],
  [1, 0],
])(
  'of two endpoints, where %i withholds logs and %i has none, nothing of a range is stored, and the operator is told',
  async (lying, without) => {
    const { chain, nodes, rpcUrl } = await endpoints(2)
    must(nodes[without]).fault = pruned
    const left = leavingOut(must(nodes[lying]), 'range', mostBlocks)
    const { log, lines } = recordingLogger()
    const db = await freshDatabase()
    const indexer = await follow(chain, db, { rpcUrl, log })
    await until('the node is told', () => indexer.status().problem?.includes('leaves out logs of a range') ?? false)
    expect((await db.query('select 1 from chain_event')).rowCount).toBe(0)
    expect(lines('No second RPC endpoint tells the logs of a range: a sample is checked')[0]).toMatchObject({
      level: 'warn',
      details: {
        about: expect.stringMatching(/^blocks \d+–\d+$/),
        withoutVote: [expect.stringContaining('history has been pruned')],
        times: 1,
      },
    })
    left.isOver = true
    await indexer.caughtUp()
    expect(indexer.status().counters.unwitnessedRanges).toBeGreaterThan(1)
    await expectClean(chain, db)
  },
)

/** Drops the last log of every answer that has one. */
function holdBack(node: FaultyNode, chain: TestChain) {
  const { forward } = node as unknown as { forward(calls: Call[]): Promise<{ result?: unknown }[]> }
  Object.assign(node, {
    async forward(calls: Call[]) {
      const answers = await forward.call(node, calls)
      for (const [index, answer] of answers.entries())
        if (must(calls[index]).method === 'eth_getLogs' && Array.isArray(answer.result)) answer.result.pop()
      return answers
    },
  })
  return chain
}

test.each([0, 1, 2])('an endpoint (%i of three) that withholds a log is outvoted', async (faulty) => {
  const { chain, nodes, rpcUrl } = await endpoints(3)
  holdBack(must(nodes[faulty]), chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp(await chain.head())
  if (faulty < 2) expect(indexer.status().counters.disagreements).toBeGreaterThan(0) // the third is not asked while two agree
  await expectClean(chain, db)
})

test('an outvoted endpoint is not used even when no other answers', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(3)
  holdBack(must(nodes[1]), chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  expect(indexer.status().counters.disagreements).toBeGreaterThan(0)
  const others = [must(nodes[0]), must(nodes[2])]
  for (const node of others) await node.down()
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await expect.poll(() => indexer.status().problem).toMatch(/none of .* answers and is trusted/)
  for (const node of others) await node.up()
  await indexer.caughtUp(await chain.head())
  await expectClean(chain, db)
})

test('two endpoints that disagree stop the indexer before anything wrong is stored', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  holdBack(must(nodes[0]), chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await expect(indexer.stopped).rejects.toThrow(
    /The RPC endpoints disagree about blocks \d+–\d+ \(http:.*: \d+ logs .*; http:.*: \d+ logs .*Remove the wrong one/,
  )
  expect((await db.query('select 1 from chain_event')).rowCount).toBe(0)
})

test('two endpoints that disagree temporarily about blocks that are not final are asked again', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  let wrongAnswers = 2
  must(nodes[1]).fault = ({ method }) => (method === 'eth_getLogs' && wrongAnswers-- > 0 ? { result: [] } : undefined)
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await indexer.caughtUp(await chain.head())
  expect(indexer.status().counters.disagreements).toBeGreaterThan(0)
  await expectClean(chain, db)
})

test('an endpoint that lags behind has no vote', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  must(nodes[1]).fault = ({ method }) => (method === 'eth_getBlockByNumber' ? { result: null } : undefined)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  expect(indexer.status().counters.disagreements).toBe(0)
  await expectClean(chain, db)
})

test('failovers and disagreements are logged, with the endpoint and the problem, less and less often', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  const { log, lines } = recordingLogger()
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl, log })
  await indexer.caughtUp()
  const [first, second] = [must(nodes[0]), must(nodes[1])]
  let wrongAnswers = 2
  second.fault = ({ method }) => (method === 'eth_getLogs' && wrongAnswers-- > 0 ? { result: [] } : undefined)
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await indexer.caughtUp(await chain.head())
  expect(lines('The RPC endpoints disagree')[0]).toMatchObject({
    level: 'warn',
    details: {
      about: expect.stringMatching(/^blocks \d+–\d+$/),
      reports: [expect.any(String), expect.any(String)],
      times: 1,
    },
  })
  first.fault = ({ method }) => (method === 'eth_getLogs' ? { error: { code: -32000, message: 'pruned' } } : undefined)
  for (let i = 0; i < 9; i++) {
    await chain.send(1, 'GOpen', 'deposit', [], 5n)
    await indexer.caughtUp(await chain.head())
  }
  const failovers = lines('An RPC endpoint failed: asking the next one')
  expect(failovers[0]).toMatchObject({ level: 'warn', details: { endpoint: first.url, times: 1 } })
  expect(failovers.map(({ details }) => details.times)).toEqual([1, 2, 4, 8, 16].slice(0, failovers.length))
  expect(failovers.length).toBeLessThan(indexer.status().counters.failovers)
})

test('an endpoint with a wrong path cools down like one that is away', async () => {
  const { chain, nodes, rpcUrl } = await endpoints(2)
  const [first] = nodes
  must(first).fault = () => ({ status: 404 })
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl })
  await indexer.caughtUp()
  const asked = must(first).calls.get('eth_getBlockByNumber') ?? 0
  for (let i = 0; i < 3; i++) {
    await chain.send(1, 'GOpen', 'deposit', [], 5n)
    await indexer.caughtUp(await chain.head())
  }
  expect((must(first).calls.get('eth_getBlockByNumber') ?? 0) - asked).toBeLessThanOrEqual(2) // not once for each request
  await expectClean(chain, db)
})

test('of several requests at once, one that finds an endpoint unusable leaves it out, and is counted once', async () => {
  const { nodes, rpcUrl } = await endpoints(2)
  must(nodes[0]).fault = () => ({ status: 401 })
  const reasons: string[] = []
  const rpc = openRpc(rpcUrl, {}, { onLeftOut: ({ message }) => reasons.push(message) })
  await Promise.all(Array.from({ length: 5 }, () => rpc.request('eth_blockNumber')))
  expect(reasons).toEqual([expect.stringContaining('denies access (HTTP 401)')])
})

test('a method that one endpoint lacks is asked for again while another endpoint, which may have it, is away', async () => {
  const { nodes, rpcUrl } = await endpoints(2)
  must(nodes[0]).fault = ({ method }) =>
    method === 'eth_call' ? { error: { code: -32601, message: 'Method not found' } } : undefined
  await must(nodes[1]).down()
  await expect(openRpc(rpcUrl, { delayMs: 1 }).request('eth_call', [{}, 'latest'])).rejects.toBeInstanceOf(
    RpcUnavailable,
  )
})

test('delays double up to a limit, with a random part that a seed reproduces', async () => {
  const waits = (seed: number) => {
    const random = seededInts(seed)
    return Array.from({ length: 9 }, (_, attempt) => retryDelayMs(attempt, 100, () => random(1000) / 1000))
  }
  expect(waits(5)).toEqual(waits(5))
  expect(waits(5)).not.toEqual(waits(6))
  for (const [attempt, wait] of waits(7).entries()) {
    const most = Math.min(5_000, 100 * 2 ** attempt)
    expect(wait).toBeGreaterThanOrEqual(most / 2)
    expect(wait).toBeLessThanOrEqual(most)
  }
  const stop = AbortSignal.abort(new Error('enough'))
  await expect(backoff(9, { signal: stop })).rejects.toThrow()
})

test('an endpoint that hangs is hedged by the next one, which then serves first', async () => {
  const { nodes, rpcUrl } = await endpoints(2)
  must(nodes[0]).fault = () => ({ delayMs: 20_000 })
  const slow: string[] = []
  const events = { onFailover: (_: string, { message }: Error) => slow.push(message) }
  const rpc = openRpc(rpcUrl, { hedgeMs: 200 }, events)
  const began = performance.now()
  expect(await rpc.request('eth_chainId')).toMatch(/^0x/)
  expect(await rpc.request('eth_chainId')).toMatch(/^0x/)
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(slow).toEqual(['slower than 0.2 s'])
  expect(must(nodes[0]).calls.get('eth_chainId')).toBe(1)
})

test('an endpoint whose quota is used up, and one that gives wrong answers, are left to the next one', async () => {
  const wrong = { result: [{ removed: true }] }
  const quota = { error: { code: -32005, message: 'You have reached your monthly request limit' } }
  for (const fault of [quota, { error: { code: -32005, message: 'limit exceeded' } }, wrong]) {
    const { nodes, rpcUrl } = await endpoints(2)
    must(nodes[0]).fault = () => fault
    const rpc = openRpc(rpcUrl, { delayMs: 1 })
    expect(await rpc.request('eth_getBlockByNumber', ['0x1', false])).toMatchObject({ number: 1 })
    const [logs] = await rpc.batch([{ method: 'eth_getLogs', params: [{ fromBlock: '0x1', toBlock: '0x1' }] }])
    expect(logs).toBeInstanceOf(Array)
  }
})
