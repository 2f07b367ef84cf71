import { expect, onTestFinished, test } from 'vitest'
import { Governor } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase } from '#test/database.ts'
import { type IndexerOptions, startIndexer } from '../index.ts'
import { testChain } from '../test/chain.ts'
import { type FaultyNode, faultyNode, type NodeFault } from '../test/faultyNode.ts'
import { expectClean, until } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noisyChain } from '../test/noise.ts'

/** A first start on an empty database without a chain cache, which a test may end before the node answers. */
async function starting(rpcUrl: string, options: Pick<IndexerOptions, 'deployment'> & Partial<IndexerOptions>) {
  const db = await freshDatabase()
  const stop = new AbortController()
  const { log, lines } = recordingLogger()
  const patience = { delayMs: 5, timeoutMs: 500 }
  const started = startIndexer({ db, rpcUrl, log, signal: stop.signal, pollMs: 10, patience, ...options })
  started.catch(() => {})
  onTestFinished(async () => {
    stop.abort()
    await started.then(({ stopped }) => stopped).catch(() => {})
  })
  return { db, started, stop, lines }
}

const refusal = (code: number, message: string): NodeFault => ({ error: { code, message } })

test.each<[string, (node: FaultyNode) => unknown, RegExp]>([
  ['HTTP 429', (node) => (node.fault = () => ({ status: 429 })), /limits requests/],
  ['a rate limit', (node) => (node.fault = () => refusal(-32005, 'rate limit exceeded')), /rate limit exceeded/],
  ['HTTP 404', (node) => (node.fault = () => ({ status: 404 })), /HTTP 404 without JSON-RPC. Correct the path/],
  [
    'no answer in time',
    (node) => (node.fault = () => ({ delayMs: 800 })),
    /does not answer \(no answer within 0.5 s\)/,
  ],
  ['a refused connection', (node) => node.down(), /does not answer \(.*ECONNREFUSED.*\). Start the node/],
])('%s at the first start is retried with a log until the node answers', async (_, break_, problem) => {
  const { chain } = await noisyChain(5, 3)
  const node = await faultyNode(chain.url)
  await break_(node)
  const { db, started, lines } = await starting(node.url, { deployment: chain.deployment })
  const retries = () => lines('The start failed; retrying')
  await until('the start has failed twice', () => retries().length >= 2)
  expect(lines('Connecting to RPC_URL')).toMatchObject([{ level: 'info', details: { endpoints: [node.url] } }])
  expect(retries().slice(0, 2)).toMatchObject([
    { level: 'warn', details: { chainId: 31337, failures: 1, problem: expect.stringMatching(problem) } },
    { level: 'warn', details: { failures: 2 } },
  ])
  node.fault = () => undefined
  if (node.isDown) await node.up()
  const indexer = await started
  await indexer.caughtUp()
  expect(lines('Recovered')).toHaveLength(1)
  expect(lines('Indexing')).toMatchObject([{ details: { chainId: 31337, startBlock: expect.any(Number) } }])
  expect(indexer.status()).toMatchObject({ state: 'running', problem: undefined })
  await expectClean(chain, db)
})

test('a host name that cannot be resolved is retried as well: in a new network it may come later', async () => {
  const chain = await testChain()
  const { lines } = await starting('http://node.invalid:8545', { deployment: chain.deployment })
  await until('the start has failed', () => lines('The start failed; retrying').length > 0)
  expect(lines('The start failed; retrying')[0]?.details.problem).toMatch(/does not answer \(.*(ENOTFOUND|EAI_AGAIN)/)
})

test('the first time-out is logged when it happens, long before the endpoint counts as away', async () => {
  const chain = await testChain()
  const node = await faultyNode(chain.url)
  node.fault = () => ({ delayMs: 2_000 })
  const { lines } = await starting(node.url, { deployment: chain.deployment })
  const silent = () => lines('An RPC endpoint does not answer in time')
  await until('the first time-out is logged', () => silent().length > 0)
  expect(silent()[0]).toMatchObject({
    level: 'warn',
    details: { endpoint: node.url, problem: 'no answer within 0.5 s', times: 1 },
  })
  expect(lines('The start failed; retrying')).toEqual([])
})

test('a start that waits ends when it is stopped', async () => {
  const chain = await testChain()
  const { started, stop, lines } = await starting('http://127.0.0.1:9', { deployment: chain.deployment })
  await until('the start has failed', () => lines('The start failed; retrying').length > 0)
  stop.abort(new Error('enough'))
  await expect(started).rejects.toThrow('enough')
})

test('the clock of the governor is never guessed: a node that cannot answer is asked again, or named', async () => {
  const { chain } = await noisyChain(3, 5)
  const node = await faultyNode(chain.url)
  const { deployment } = chain
  const isCall = (fault: NodeFault) => (node.fault = ({ method }) => (method === 'eth_call' ? fault : undefined))

  isCall(refusal(-32601, 'the method eth_call does not exist/is not available'))
  await expect((await starting(node.url, { deployment })).started).rejects.toThrow(
    /^RPC_URL: http:.* does not support eth_call .* Name an endpoint that does.* The indexer reads the token, the timelock and the clock/,
  )

  for (const fault of [
    refusal(-32000, 'missing trie node'),
    refusal(-32000, 'this request is not available'),
    refusal(-32603, 'internal error'),
    { result: null },
  ]) {
    isCall(fault)
    const { db, started, lines } = await starting(node.url, { deployment })
    await until('the start has failed', () => lines('The start failed; retrying').length > 0)
    node.fault = () => undefined
    await (await started).caughtUp()
    expect((await rowsOf(db, Governor)).map(({ clock }) => clock)).toEqual(['Timestamp'])
  }

  isCall(refusal(3, 'execution reverted')) // the contract's answer: it has no CLOCK_MODE
  const { db, started, stop } = await starting(node.url, { deployment })
  const indexer = await started
  await indexer.caughtUp()
  expect((await rowsOf(db, Governor)).map(({ clock }) => clock)).toEqual(['BlockNumber'])
  stop.abort()
  await indexer.stopped

  // what an earlier release indexed with a guessed clock is not continued
  const again = startIndexer({ db, rpcUrl: chain.url, deployment })
  await expect(again).rejects.toThrow(
    /^The Governor 0x\w+ was indexed with the clock BlockNumber, but its contract has the clock Timestamp. Index again/,
  )
})
