import { parseAbi } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileSources } from '#contracts/compile.ts'
import { must } from '#test/must.ts'
import { InconsistentChain } from '../errors.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { type At, type GovernorChain, governorChain } from '../test/governors.ts'
import type { BlockHeader } from './answers.ts'
import { contractReader } from './contractReader.ts'
import { StateUnavailable } from './errors.ts'
import { openRpc } from './open.ts'

/** A contract is asked as of one block, and of no other of that height. */

const SOURCE = 'contract Counter { uint256 public count; function add() external { count++; } }'
const abi = parseAbi(['function count() view returns (uint256)'])
const NO_HASH = { error: { code: -32602, message: 'invalid argument 1: json: cannot unmarshal object into Go value' } }

let chain: GovernorChain
let counter: At
beforeAll(async () => {
  const { 'Counter.sol': compiled } = await compileSources({ 'Counter.sol': SOURCE })
  chain = await governorChain(compiled)
  counter = await chain.deploy('Counter')
})
afterAll(() => chain?.anvil.stop())

/** Counts, and reads as of that block through a node with faults. */
async function counted() {
  await chain.send(0, counter, 'add')
  const node = await faultyNode(chain.url)
  const rpc = openRpc(node.url, { tries: 1 })
  const block = (await rpc.request('eth_getBlockByNumber', ['latest', false])) as BlockHeader
  return { node, read: contractReader(rpc, abi, block) }
}

test('a replica on another fork, asked as of a block by its hash, has no state of it', async () => {
  const { node, read } = await counted()
  const tags: unknown[] = []
  node.fault = ({ method, params }) => {
    if (method === 'eth_call') tags.push(params[1])
    return undefined
  }
  expect(await read(counter.address, 'count')).toBe(1n)
  await chain.call('anvil_reorg', 1, [])
  await expect(read(counter.address, 'count')).rejects.toThrow(StateUnavailable)
  expect(tags.every((tag) => typeof tag === 'object')).toBe(true)
})

test('a node that takes no hash is asked by number, and believed where it has that block', async () => {
  const { node, read } = await counted()
  node.fault = ({ method, params }) => (method === 'eth_call' && typeof params[1] === 'object' ? NO_HASH : undefined)
  expect(await read(counter.address, 'count')).toBe(1n)
  expect(await read(must(chain.accounts[3]), 'count')).toBeUndefined()
  await chain.call('anvil_reorg', 1, [])
  await expect(read(counter.address, 'count')).rejects.toThrow(InconsistentChain)
})
