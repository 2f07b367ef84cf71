import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeFunctionData } from 'viem'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contracts } from '#contracts/events.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { resolveDeployment } from '../deployment.ts'
import { type IndexerOptions, startIndexer } from '../index.ts'
import { RpcError } from '../rpc/errors.ts'
import { httpRpc } from '../rpc/http.ts'
import { redactedUrl } from '../rpc/rpc.ts'
import { type TestChain, testChain } from '../test/chain.ts'
import { type Call, type FaultyNode, faultyNode, leavingOut, type NodeFault, type NodeLog } from '../test/faultyNode.ts'
import { expectClean, follow, until } from '../test/follow.ts'
import { noise, noisyChain, seededInts } from '../test/noise.ts'
import { terms } from '../test/story.ts'
import { textHash } from '../test/values.ts'
import { BloomFilter } from './bloom.ts'
import { RangeSizer, suggestedSize } from './rangeSizer.ts'
import { mayBeCut } from './receipts.ts'
import { sourceOf } from './source.ts'

/** Indexes through the faulty node, then directly from the chain: both must give the same rows. */
async function expectSame(chain: TestChain, node: FaultyNode) {
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url })
  await indexer.caughtUp(await chain.head())
  await expectClean(chain, db)
  return indexer
}

const blocksAsked = ({ params }: Call) => {
  const [{ fromBlock, toBlock }] = params as [{ fromBlock?: string; toBlock?: string }]
  return fromBlock && toBlock ? Number(toBlock) - Number(fromBlock) + 1 : 1
}

test.each<[string, (call: Call) => NodeFault]>([
  [
    'a cap of 7 blocks, in words',
    (call) => (blocksAsked(call) > 7 ? refusal(-32600, 'eth_getLogs is limited to a 7 block range') : undefined),
  ],
  [
    'a cap that suggests another range',
    (call) => (blocksAsked(call) > 9 ? refusal(-32602, 'Try with this block range [0x1, 0x9].') : undefined),
  ],
  [
    'a cap without words for it',
    (call) => (blocksAsked(call) > 3 ? refusal(-32005, 'query returned too many results') : undefined),
  ],
])('%s is met by asking for less', async (_, limit) => {
  const { chain } = await noisyChain(30, 41)
  const node = await faultyNode(chain.url)
  node.fault = (call) => (call.method === 'eth_getLogs' ? limit(call) : undefined)
  await expectSame(chain, node)
})

test.each([
  ['far behind the head', 2],
  ['near the head', 10_000],
])('a single block with more logs than the node gives is named, %s', async (_, confirmations) => {
  const { chain } = await noisyChain(8, 41)
  const node = await faultyNode(chain.url)
  const crowded = 5 + 24 // within the transactions that prepare the noise
  const { hash } = (await chain.call('eth_getBlockByNumber', `0x${crowded.toString(16)}`, false)) as { hash: string }
  node.fault = ({ method, params }) => {
    if (method !== 'eth_getLogs') return undefined
    const [{ fromBlock, toBlock, blockHash }] = params as [Record<string, string>]
    const covers = blockHash ? blockHash === hash : Number(fromBlock) <= crowded && Number(toBlock) >= crowded
    return covers ? refusal(-32005, 'query returned more than 10000 results') : undefined
  }
  const indexer = await follow(chain, await freshDatabase(), { rpcUrl: node.url, confirmations })
  await until('the block is named', () => indexer.status().problem !== undefined)
  expect(indexer.status().problem).toBe(
    `The node refuses the logs of the single block ${crowded}: query returned more than 10000 results (code -32005). Name an endpoint with a larger limit in RPC_URL.`,
  )
  node.fault = () => undefined
  await indexer.caughtUp()
})

const refusal = (code: number, message: string): NodeFault => ({ error: { code, message } })

test('a node that is busy, slow, drops connections and lacks blocks is asked again until it answers', async () => {
  const { chain } = await noisyChain(25, 41)
  const node = await faultyNode(chain.url)
  const next = seededInts(77)
  const faults: NodeFault[] = [
    { status: 429 },
    { status: 503 },
    'hangUp',
    { delayMs: 5 },
    refusal(-32000, 'header not found'),
    { result: null },
  ]
  // One failed call fails its whole batch, so a long batch would hardly ever succeed if each of its calls could fail every time:
  // a request for one block fails in its first two tries only, one for the newest block in any.
  const askings = new Map<string, number>()
  let failed = 0
  node.fault = ({ method, params }) => {
    const question = JSON.stringify([method, params])
    const before = askings.get(question) ?? 0
    askings.set(question, before + 1)
    const spared = method === 'eth_chainId' || (params[0] !== 'latest' && before >= 2)
    if (spared || next(12) > 0) return undefined
    failed++
    return faults[next(faults.length)]
  }
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url })
  for (let i = 0; i < 15; i++) await noise(chain, next)
  await indexer.caughtUp(await chain.head())
  expect(failed).toBeGreaterThan(faults.length)
  node.fault = () => undefined
  await expectClean(chain, db)
})

test('a node that answers null for logs, far behind the head and near it, is asked again', async () => {
  const { chain } = await noisyChain(12, 41)
  const node = await faultyNode(chain.url)
  let nulls = 3
  node.fault = ({ method }) => (method === 'eth_getLogs' && nulls-- > 0 ? { result: null } : undefined)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url })
  await indexer.caughtUp(await chain.head())
  expect(nulls).toBeLessThan(0)
  nulls = 3
  const next = seededInts(5)
  for (let i = 0; i < 5; i++) await noise(chain, next)
  await indexer.caughtUp(await chain.head())
  expect(nulls).toBeLessThan(0)
  await expectClean(chain, db)
})

test('logs of another fork are detected and requested again', async () => {
  const { chain } = await noisyChain(10, 41)
  const node = await faultyNode(chain.url)
  let wrongAnswers = 3
  const stray = {
    address: chain.deployment.addresses.GOpen,
    topics: [
      '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
      `0x${'0'.repeat(64)}`,
      `0x${'1'.repeat(64)}`,
    ],
    data: `0x${'1'.repeat(64)}`,
    blockNumber: '0x3',
    blockHash: `0x${'5'.repeat(64)}`,
    transactionHash: `0x${'6'.repeat(64)}`,
    logIndex: '0x0',
  }
  node.fault = ({ method }) => (method === 'eth_getLogs' && wrongAnswers-- > 0 ? { result: [stray] } : undefined)
  const { status } = await expectSame(chain, node)
  expect(status().counters.failures).toBeGreaterThan(0)
})

test('final blocks that do not follow the last stored one are rejected: the two may be of different forks', async () => {
  const { chain } = await noisyChain(12, 41)
  const source = sourceOf(resolveDeployment(chain.deployment), httpRpc(chain.url), { confirmations: 2 })
  const tip = await source.tip()
  const from = tip.final - 5
  const [before, other] = await source.headers([from - 1, from - 2])
  const ranges = async (parent: string) => {
    let to = 0
    for await (const range of source.finalRanges(from, tip, parent)) to = range.to
    return to
  }
  expect(await ranges(must(before).hash)).toBe(tip.final)
  await expect(ranges(must(other).hash)).rejects.toThrow(`Block ${from} does not follow ${must(other).hash}`)
})

test('a node that withholds the logs of a block that it announced is asked again', async () => {
  const { chain } = await noisyChain(12, 41)
  const node = await faultyNode(chain.url)
  const heldBack = new Set<string>()
  node.fault = ({ method, params: [first] }) => {
    const { blockHash } = (first ?? {}) as { blockHash?: string }
    if (method !== 'eth_getLogs' || !blockHash || heldBack.has(blockHash)) return undefined
    heldBack.add(blockHash)
    return { result: [] }
  }
  await expectSame(chain, node)
  expect(heldBack.size).toBeGreaterThan(2)
})

/** The answers about logs of a block are empty for some time after the block was first asked about. */
function lagging(node: FaultyNode, lagMs: number, { hasReceipts }: { hasReceipts: boolean | 'late' }) {
  const firstAsked = new Map<string, number>()
  const isEarly = (blockHash: string) => {
    const since = firstAsked.get(blockHash) ?? performance.now()
    firstAsked.set(blockHash, since)
    return performance.now() - since < lagMs
  }
  node.fault = ({ method, params: [first] }) => {
    if (method === 'eth_getBlockReceipts') {
      if (!hasReceipts) return refusal(-32601, 'Method not found')
      return hasReceipts === 'late' && isEarly(String(first)) ? { result: [] } : undefined
    }
    const { blockHash } = (first ?? {}) as { blockHash?: string }
    if (method !== 'eth_getLogs' || !blockHash) return undefined
    return isEarly(blockHash) ? { result: [] } : undefined
  }
}

test.each([
  ['its receipts tell the logs', 60_000, true],
  ['without receipts, it is asked until it has them', 600, false],
  ['receipts that do not account for the bloom are not believed', 600, 'late'],
] as const)('a node whose index of logs lags behind its blocks: %s', async (_, lagMs, hasReceipts) => {
  const { chain } = await noisyChain(6, 41)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  lagging(node, lagMs, { hasReceipts })
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 10_000 })
  await indexer.caughtUp(await chain.head())
  for (let i = 0; i < 5; i++) await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await indexer.caughtUp(await chain.head())
  await indexer.stop()
  await expectClean(chain, db)
})

test('a block whose bloom allows for logs is asked about until it has them, long before it is final', async () => {
  const { chain } = await noisyChain(6, 41)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 10_000 })
  await indexer.caughtUp(await chain.head())
  let hasLogs = false
  node.fault = ({ method }) => {
    if (method === 'eth_getBlockReceipts') return refusal(-32601, 'Method not found')
    return method === 'eth_getLogs' && !hasLogs ? { result: [] } : undefined
  }
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await chain.send(2, 'GOpen', 'deposit', [], 5n)
  await indexer.caughtUp(await chain.head())
  const { counters } = indexer.status()
  await until('they are counted', () => counters.unexplainedBlocks === 2)
  await chain.call('anvil_mine', '0x1', '0x1')
  hasLogs = true
  await until('they are explained', () => counters.correctedBlocks > 0 && counters.unexplainedBlocks === 0)
  await indexer.caughtUp(await chain.head())
  expect(indexer.status().finalBlock).toBe(0)
  await indexer.stop()
  await expectClean(chain, db)
})

test('a block with some of its logs, of which the node never tells the others, is stored once', async () => {
  const { chain } = await noisyChain(6, 41)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  const transaction = await chain.send(1, 'GOpen', 'lock', [5n])
  const { blockHash: hash, logs } = (await chain.call('eth_getTransactionReceipt', transaction)) as {
    blockHash: string
    logs: unknown[]
  }
  expect(logs.length).toBeGreaterThan(1)
  node.fault = ({ method, params: [first] }) => {
    if (method === 'eth_getBlockReceipts') return { result: [] }
    const { blockHash } = (first ?? {}) as { blockHash?: string }
    return method === 'eth_getLogs' && blockHash === hash ? { result: logs.slice(0, 1) } : undefined
  }
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 10_000 })
  await indexer.caughtUp(await chain.head())
  expect(indexer.status().counters.unexplainedBlocks).toBe(0)
  const { batches } = indexer.status().counters
  await sleep(2_500) // longer than the first wait before a block is asked about again
  expect(indexer.status().counters).toMatchObject({ correctedBlocks: 0, batches })
  await indexer.stop()
})

test('logs that a node did not have when a block was new are there once it is final', async () => {
  const { chain } = await noisyChain(6, 41)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 4 })
  await indexer.caughtUp(await chain.head())
  lagging(node, Number.POSITIVE_INFINITY, { hasReceipts: false })
  await chain.send(1, 'GOpen', 'deposit', [], 5n)
  await chain.send(2, 'GOpen', 'deposit', [], 5n)
  await indexer.caughtUp(await chain.head())
  const { finalBlock } = indexer.status()
  node.fault = () => undefined
  for (let i = 0; i < 8; i++) await chain.send(1, 'GOpen', 'transfer', [chain.accounts[2], 1n])
  await indexer.caughtUp(await chain.head())
  await until('the block is final', () => indexer.status().finalBlock >= finalBlock + 8)
  expect(indexer.status().counters.correctedBlocks).toBeGreaterThan(0)
  await expectClean(chain, db)
})

test.each<[string, (log: NodeLog, GOpen: string) => boolean]>([
  ['all logs', () => true],
  ['the logs of every second block', ({ blockNumber }) => Number(blockNumber) % 2 === 0],
  ['the logs of one contract', ({ address }, GOpen) => address === GOpen],
])(
  'a node that leaves out %s of final ranges is told, and nothing of them is stored until it has them',
  async (_, of) => {
    const { chain } = await noisyChain(25, 41)
    const node = await faultyNode(chain.url)
    const GOpen = chain.deployment.addresses.GOpen.toLowerCase()
    const left = leavingOut(node, 'range', (log) => of(log, GOpen))
    const db = await freshDatabase()
    const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 2 })
    await until('it is told', () => indexer.status().problem !== undefined)
    expect(indexer.status().problem).toMatch(/^The node leaves out logs of a range: \d+ of block \d+\./)
    expect(left.out).toBeGreaterThan(5)
    left.isOver = true
    await indexer.caughtUp(await chain.head())
    await expectClean(chain, db)
  },
)

test('of a block that came with some logs only, the others are read from its receipts', async () => {
  const { chain } = await noisyChain(12, 41)
  const node = await faultyNode(chain.url)
  const left = leavingOut(node, 'block', ({ address }, all) => address !== must(all[0]).address)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: 10_000 })
  await indexer.caughtUp(await chain.head())
  expect(left.out).toBeGreaterThan(2)
  await indexer.stop()
  await expectClean(chain, db)
})

test('a node that cuts its answers at a round number of logs is asked for less', async () => {
  const { chain } = await noisyChain(60, 41)
  const node = await faultyNode(chain.url)
  const { forward } = node as unknown as { forward(calls: Call[]): Promise<{ result?: unknown }[]> }
  let cut = 0
  Object.assign(node, {
    async forward(calls: Call[]) {
      const answers = await forward.call(node, calls)
      for (const answer of answers)
        if (Array.isArray(answer.result) && answer.result.length > 50) cut += answer.result.splice(50).length
      return answers
    },
  })
  await expectSame(chain, node)
  expect(cut).toBeGreaterThan(0)
})

test('limits of answers are round numbers, decimal or binary', () => {
  expect([50, 100, 1_000, 1_024, 2_048, 8_192, 10_000].filter((logs) => !mayBeCut(logs))).toEqual([])
  expect([0, 1, 49, 64, 999, 1_023, 1_025].filter(mayBeCut)).toEqual([])
})

/** A block with 60 logs of the token. @returns its number. */
async function crowdedBlock(chain: TestChain): Promise<number> {
  await chain.call('evm_setAutomine', false)
  const data = encodeFunctionData({
    abi: contracts.GOpen.abi,
    functionName: 'approve',
    args: [must(chain.accounts[3]), 1n],
  })
  for (let n = 0; n < 60; n++)
    await chain.call('eth_sendTransaction', {
      from: chain.accounts[0],
      to: chain.deployment.addresses.GOpen,
      data,
      gas: '0x15f90',
    })
  await chain.call('evm_mine')
  await chain.call('evm_setAutomine', true)
  return chain.head()
}

test('a whole answer with a round number of logs is asked for once more in two halves, and not again', async () => {
  const { chain } = await noisyChain(1, 41)
  const first = await crowdedBlock(chain)
  for (let n = 1; n < 10; n++) await crowdedBlock(chain)
  const node = await faultyNode(chain.url)
  const asked: number[] = []
  node.fault = (call) => {
    if (call.method === 'eth_getLogs') asked.push(blocksAsked(call))
    return undefined
  }
  const source = sourceOf(resolveDeployment(chain.deployment), httpRpc(node.url), { confirmations: 0 })
  let logs = 0
  for await (const range of source.finalRanges(first, await source.tip())) logs += range.logs.length
  expect(logs).toBe(600)
  expect(asked.filter((blocks) => blocks > 1).sort()).toEqual([10, 5, 5])
})

describe.each([
  ['far behind the head', 2],
  ['near the head', 10_000],
])('a node that cuts the logs of a single block, %s', (_, confirmations) => {
  const cutting = async (unsupported: readonly string[]) => {
    const { chain } = await noisyChain(5, 41)
    const block = await crowdedBlock(chain)
    await chain.wait(1)
    await chain.wait(1)
    await chain.wait(1)
    const node = await faultyNode(chain.url)
    const { forward } = node as unknown as { forward(calls: Call[]): Promise<{ result?: unknown }[]> }
    node.fault = ({ method }) =>
      unsupported.includes(method) ? refusal(-32601, `the method ${method} does not exist`) : undefined
    Object.assign(node, {
      async forward(calls: Call[]) {
        const answers = await forward.call(node, calls)
        for (const [index, answer] of answers.entries())
          if (must(calls[index]).method === 'eth_getLogs' && Array.isArray(answer.result)) answer.result.splice(50)
        return answers
      },
    })
    return { chain, node, block }
  }

  test.each([
    ['of the block', []],
    ['of its transactions', ['eth_getBlockReceipts']],
  ])('is asked for the receipts %s', async (_, unsupported) => {
    const { chain, node } = await cutting(unsupported)
    const db = await freshDatabase()
    const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations })
    await indexer.caughtUp(await chain.head())
    await expectClean(chain, db)
  })

  test('and gives no receipts is named, and nothing of the block is stored', async () => {
    const { chain, node, block } = await cutting(['eth_getBlockReceipts', 'eth_getTransactionReceipt'])
    const db = await freshDatabase()
    const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations })
    await until('the block is named', () => indexer.status().problem !== undefined)
    expect(indexer.status().problem).toContain(
      `The node tells exactly 50 logs of the single block ${block}, so it may have cut them, and it gives no receipts to compare them with`,
    )
    const { rows } = await db.query('select count(*)::integer as events from chain_event where from_block >= $1', [
      block,
    ])
    expect(rows).toEqual([{ events: 0 }])
    node.fault = () => undefined
    await indexer.caughtUp()
  })
})

test.each([
  ['with its number', 'exceed maximum number of addresses: 2', 2],
  ['without it', 'specify less number of addresses', 1],
  ['as too many', 'too many addresses in the filter', 3],
])('a limit on the addresses of a request is learnt from a refusal %s', async (_, message, limit) => {
  const { chain } = await noisyChain(12, 41)
  const node = await faultyNode(chain.url)
  let [refused, asked] = [0, 0]
  node.fault = ({ method, params }) => {
    if (method !== 'eth_getLogs') return undefined
    asked++
    const [{ address = [] }] = params as [{ address?: string[] }]
    if (address.length <= limit && address.length > 0) return undefined
    refused++
    return refusal(-32602, message)
  }
  await expectSame(chain, node)
  expect(refused).toBeGreaterThan(0)
  expect(refused).toBeLessThan(20) // also with several requests on their way
  expect(asked).toBeGreaterThan(2 * refused)
})

test('a bloom asks for an explanation of whatever a block holds; a saturated bloom, or none, says nothing', async () => {
  const { chain } = await noisyChain(3, 41)
  const { GOpen } = chain.deployment.addresses
  const block = (await chain.call('eth_getBlockByNumber', 'latest', false)) as { logsBloom: string; hash: string }
  const logs = (await chain.call('eth_getLogs', { blockHash: block.hash })) as { address: string; topics: string[] }[]
  for (const { address, topics } of logs) {
    const filter = new BloomFilter([address], topics.slice(0, 1))
    expect(filter.isExplained(block.logsBloom, [])).toBe(false)
    expect(filter.isExplained(block.logsBloom, [{ address, topics }])).toBe(true)
    expect(filter.isExplained(block.logsBloom, [{ address: GOpen, topics: [`0x${'34'.repeat(32)}`] }])).toBe(false)
  }
  const topic = must(logs[0]?.topics[0])
  expect(new BloomFilter([`0x${'12'.repeat(20)}`], [topic]).isExplained(block.logsBloom, [])).toBe(true)
  for (const bloom of [`0x${'00'.repeat(256)}`, `0x${'ff'.repeat(256)}`, undefined])
    expect(new BloomFilter([GOpen], [topic]).isExplained(bloom, [])).toBe(true)
})

test('a node whose head jumps back and forth does not lose rows', async () => {
  const { chain } = await noisyChain(12, 41)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url })
  await indexer.caughtUp()
  const older = await chain.call('eth_getBlockByNumber', `0x${((await chain.head()) - 2).toString(16)}`, false)
  const next = seededInts(4)
  node.fault = ({ method, params }) =>
    method === 'eth_getBlockByNumber' && params[0] === 'latest' && next(2) ? { result: older } : undefined
  for (let i = 0; i < 8; i++) await noise(chain, next)
  await indexer.caughtUp(await chain.head())
  node.fault = () => undefined
  await indexer.caughtUp()
  await expectClean(chain, db)
})

test.each([
  [-32602, 'unknown block tag'],
  [-39001, 'Unknown block'],
])('on a chain without a finalized tag (%i), finality is a number of confirmations', async (code, message) => {
  const { chain } = await noisyChain(5, 41)
  const node = await faultyNode(chain.url)
  node.fault = ({ params }) => (params[0] === 'finalized' ? refusal(code, message) : undefined)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: undefined })
  await indexer.caughtUp()
  expect(indexer.status().finalBlock).toBe(0)
})

test('finality follows the configured tag, and only a refusal of the tag itself falls back to confirmations', async () => {
  const { chain } = await noisyChain(8, 41)
  const head = await chain.head()
  const node = await faultyNode(chain.url)
  const tagged: Record<string, number> = { finalized: head - 6, safe: head - 2 }
  let refusals = 0
  node.fault = ({ params: [tag] }) => {
    if (typeof tag !== 'string' || !(tag in tagged)) return undefined
    return refusals-- > 0 ? refusal(-32000, 'header not found') : { result: blocks[must(tagged[tag])] }
  }
  const blocks = await Promise.all(
    Array.from({ length: head + 1 }, (_, number) =>
      chain.call('eth_getBlockByNumber', `0x${number.toString(16)}`, false),
    ),
  )
  for (const finality of ['finalized', 'safe'] as const) {
    const db = await freshDatabase()
    const indexer = await follow(chain, db, { rpcUrl: node.url, confirmations: undefined, finality })
    refusals = 2
    tagged[finality] = must(tagged[finality]) + 1
    await indexer.caughtUp(head)
    await expect.poll(() => indexer.status().finalBlock).toBe(tagged[finality])
  }
})

test('a configuration that does not fit is refused with instructions', async () => {
  const chain = await testChain()
  const db = await freshDatabase()
  const { deployment } = chain
  const start = (changed: Partial<IndexerOptions['deployment']>) =>
    startIndexer({ db, rpcUrl: chain.url, deployment: { ...deployment, ...changed } })
  await expect(start({ chainId: 10 })).rejects.toThrow(
    'RPC_URL leads to chain 31337, but the contracts are on chain 10',
  )
  await expect(start({ startBlock: 5000n })).rejects.toThrow(
    'start block 5000 is in the future: chain 31337 is at block',
  )
  await (await follow(chain, db)).caughtUp()
  const others = { ...deployment.addresses, Treasury: deployment.addresses.Disputes }
  await expect(start({ addresses: others })).rejects.toThrow('index of other contracts (Treasury differ)')
  await db.query(`update cursor set id = '10'`)
  await expect(start({})).rejects.toThrow('The database holds the index of chain 10, not of chain 31337')
  const nobody = startIndexer({ db, rpcUrl: 'http://127.0.0.1:1/secret', deployment, atStart: 'fail' })
  await expect(nobody).rejects.toThrow(/RPC_URL: http:\/\/127.0.0.1:1\/… does not answer/)
})

test('a log that its contract cannot have emitted stops the indexer with the contract’s name', async () => {
  const chain = await testChain()
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  const node = await faultyNode(chain.url)
  const { hash, number } = (await chain.call('eth_getBlockByNumber', 'latest', false)) as {
    hash: string
    number: string
  }
  const [log] = (await chain.call('eth_getLogs', { blockHash: hash })) as { topics: string[] }[]
  node.fault = ({ method, params }) =>
    method === 'eth_getLogs' && JSON.stringify(params).includes(hash)
      ? { result: [{ ...log, topics: must(log).topics.slice(0, 2) }] }
      : undefined
  const indexer = await follow(chain, await freshDatabase(), { rpcUrl: node.url })
  await expect(indexer.stopped).rejects.toThrow(
    `Log 0 of block ${Number(number)} is not an event of a GOpen (GOpen.Transfer has 2 indexed arguments, but the log has 1`,
  )
  expect(indexer.status().state).toBe('stopped')
})

test('an event that depends on events before the start block stops the indexer with the reason', async () => {
  const chain = await testChain()
  await chain.send(1, 'GOpen', 'deposit', [], 10n ** 20n)
  await chain.send(1, 'GOpen', 'approve', [chain.deployment.addresses.ModelRegistry, 10n ** 20n])
  await chain.send(1, 'ModelRegistry', 'propose', [textHash('spec'), 'uri', await terms(chain), 10n ** 18n])
  const startBlock = (await chain.head()) + 1
  await chain.send(1, 'ModelRegistry', 'stake', [1n, 5n])
  const indexer = await follow(chain, await freshDatabase(), { deployment: { ...chain.deployment, startBlock } })
  await expect(indexer.stopped).rejects.toThrow(
    /ModelRegistry.ModelStaked in block \d+ .* does not fit the events before it: Model 1 is not known .* start block later/,
  )
})

test('suggested ranges are read from the messages of several providers', () => {
  expect(suggestedSize('Try with this block range [0x1, 0x3e8]')).toBe(1000)
  expect(suggestedSize('eth_getLogs is limited to a 10,000 block range')).toBe(10_000)
  expect(suggestedSize('block range is too wide, maximum allowed is 2000 blocks')).toBe(2000)
  expect(suggestedSize('up to a 2K block range and no limit on the response size')).toBe(2000)
  expect(suggestedSize('exceed maximum block range: 50000')).toBe(50_000)
  expect(suggestedSize('query returned more than expected')).toBeUndefined()
})

test('the range size grows on small answers, shrinks on large ones, and never exceeds a limit that the node named', () => {
  const span = new RangeSizer(100)
  span.answered(100, 3)
  expect(span.size).toBe(200)
  span.answered(200, 40_000)
  expect(span.size).toBe(50)
  span.refused(50, new RpcError('eth_getLogs', -32602, 'limited to 40 blocks'))
  span.answered(40, 0)
  expect(span.size).toBe(40)
  expect(() => span.refused(1, new RpcError('eth_getLogs', -32602, 'too many results'))).toThrow('too many results')
})

test('a URL is redacted before it is shown', () => {
  expect(redactedUrl('https://user:pw@rpc.example/v2/SECRET?key=1')).toBe('https://rpc.example/…')
})

test('results come in the order of the calls, from batches no larger than allowed', async () => {
  const { chain } = await noisyChain(3, 41)
  const node = await faultyNode(chain.url)
  const sizes: number[] = []
  const rpc = httpRpc(node.url, { batchSize: 4, onRequest: (calls) => sizes.push(calls) })
  const calls = Array.from({ length: 10 }, (_, number) => ({
    method: 'eth_getBlockByNumber',
    params: [`0x${number.toString(16)}`, false],
  }))
  const blocks = (await rpc.batch(calls)) as { number: string }[]
  expect(blocks.map((block) => Number(block.number))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(sizes).toEqual([4, 4, 2])
})

test('over WebSocket a new head is noticed at once, and a lost connection is reopened', async () => {
  const { chain } = await noisyChain(10, 41)
  const sockets = new Set<Socket>()
  const relay = createServer((socket) => {
    const onward = connect(chain.anvil.port, '127.0.0.1')
    for (const end of [socket, onward]) sockets.add(end.on('error', () => {}))
    socket.pipe(onward).pipe(socket)
  }).listen(0, '127.0.0.1')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    relay.close()
  })
  await once(relay, 'listening')
  const db = await freshDatabase()
  const rpcUrl = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`
  const indexer = await follow(chain, db, { rpcUrl, pollMs: 60_000 })
  await indexer.caughtUp()
  const next = seededInts(13)
  for (let i = 0; i < 8; i++) {
    if (i % 3 === 2) cut()
    await noise(chain, next)
    if (i === 4) await chain.call('anvil_reorg', 3, [])
  }
  const began = performance.now()
  await indexer.caughtUp()
  expect(performance.now() - began).toBeLessThan(20_000)
  await expectClean(chain, db)
  const nobody = startIndexer({ db, rpcUrl: 'ws://127.0.0.1:1', deployment: chain.deployment, atStart: 'fail' })
  await expect(nobody).rejects.toThrow('RPC_URL: ws://127.0.0.1:1 does not answer')
})
