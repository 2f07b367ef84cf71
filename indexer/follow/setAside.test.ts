import {
  type Address,
  concat,
  getContractAddress,
  type Hex,
  keccak256,
  pad,
  stringToHex,
  toEventSelector,
  toHex,
} from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { Governor, Holder, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { reconcile } from '../governors/reconcile.ts'
import { type FollowedDeployment, startIndexer } from '../index.ts'
import { openRpc } from '../rpc/open.ts'
import { difference } from '../test/compare.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { shows } from '../test/followedList.ts'
import {
  type At,
  compareMoments,
  expectOneRoot,
  followGovernors,
  type GovernorChain,
  governorChain,
  spreadPower,
} from '../test/governors.ts'
import { recordingLogger } from '../test/logger.ts'

/** A contract with an event that cannot be indexed stops the index of nothing but itself. */

/** Two Governors, one of them of a token whose sums exceed 256 bits, and a factory of tokens that emit what cannot be read. */
async function poisonousWorld() {
  const chain = await governorChain('Poison.sol')
  onTestFinished(() => chain.anvil.stop())
  const { accounts, send } = chain
  const someone = must(accounts[7]).toLowerCase()
  const good = await chain.deploy('BlockVotes')
  await spreadPower(chain, good)
  const governor = await chain.deploy('OldGovernor', [good.address, 20n, 0n])
  const poison = await chain.deploy('Poison')
  const poisoned = await chain.deploy('OldGovernor', [poison.address, 20n, 0n])
  const maker = await chain.deploy('PoisonMaker')
  const childAddress = getContractAddress({ from: maker.address, nonce: 1n }).toLowerCase() as Address // its first
  const deployment: FollowedDeployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: [governor, poisoned].map(({ address }) => ({ address })),
    factories: [
      { address: maker.address, event: 'event Created(address indexed token)', argument: 'token', follows: 'GOpen' },
    ],
  }
  const garbled = { ...poison, address: childAddress }
  const calls = [[governor.address], [0n], ['0x' as Hex]] as const
  /** The last nine blocks are about the tokens. */
  const play = async () => {
    await send(1, governor, 'propose', [...calls, 'goes on'])
    await chain.pass(3)
    const id = await chain.read(governor, 'hashProposal', [...calls, keccak256(stringToHex('goes on'))])
    for (const voter of [1, 2]) await send(voter, governor, 'castVote', [id, voter - 1])
    await send(0, maker, 'make')
    for (const token of [poison, garbled]) await send(0, token, 'move', [someone, 5n])
    await send(0, poison, 'poison', [someone])
    await send(0, garbled, 'garble')
    for (const token of [poison, garbled]) await send(0, token, 'move', [someone, 7n])
    await send(0, good, 'mint', [someone, 9n])
    await send(0, governor, 'updateQuorumNumerator', [30n])
  }
  return { chain, deployment, someone, good, governor, poison, poisoned, childAddress, play }
}

test(shows('setAside', 'the same in every index'), async () => {
  const { chain, deployment, good, governor, poison, poisoned, childAddress, play } = await poisonousWorld()
  const { log, lines } = recordingLogger()
  const index = async (follow: () => Promise<void>, confirmations: number) => {
    const db = await freshDatabase()
    const stop = new AbortController()
    const { url: rpcUrl } = chain
    const indexer = await startIndexer({ db, rpcUrl, deployment, confirmations, pollMs: 5, log, signal: stop.signal })
    await follow()
    await indexer.caughtUp()
    const { counters } = indexer.status()
    stop.abort()
    await indexer.stopped
    return { db, counters }
  }
  const live = await index(play, 1)
  const head = await chain.head()
  const aside = await rowsOf(live.db, SetAsideContract, 'true', [], { orderBy: 'from_block' })
  expect(aside).toMatchObject([
    { id: poison.address.toLowerCase(), fromBlock: head - 5, reason: expect.stringContaining('more than 256 bits') },
    { id: childAddress, fromBlock: head - 4, logIndex: 0, reason: expect.stringContaining('is not an event of') },
  ])
  const held = (await rowsOf(live.db, Holder)).map(({ token, balance }) => [token, balance])
  expect(held).toContainEqual([poison.address.toLowerCase(), 5n])
  expect(held).toContainEqual([childAddress, 5n])
  expect(held).toContainEqual([good.address.toLowerCase(), 9n])
  const governors = new Map((await rowsOf(live.db, Governor)).map((row) => [row.id, row]))
  expect(governors.get(governor.address.toLowerCase())).toMatchObject({ quorumUnknown: null, unfollowed: null })
  expect(governors.get(poisoned.address.toLowerCase())?.quorumUnknown).toContain('more than 256 bits')
  const before = await rowsOf(live.db, Governor, 'id = $1', [poisoned.address.toLowerCase()], { block: head - 6 })
  expect(before).toMatchObject([{ quorumUnknown: null }])
  expect(live.counters.setAside).toBe(2)
  expect(lines('A contract is set aside: nothing of it is indexed any more')).toHaveLength(2)

  for (const { drift } of await reconcile(live.db, openRpc(chain.url, {}), { size: 100 })) expect(drift).toBe(0)

  for (const confirmations of [1, 1_000]) {
    const late = await index(async () => {}, confirmations)
    expect(await difference(live.db, late.db)).toEqual([])
    expect(late.counters.setAside).toBe(2)
    const isOfPoison = (id: string) => id === poisoned.address.toLowerCase() // its balances are no sums
    expect(await compareMoments(chain, [live.db, late.db], isOfPoison)).toBeGreaterThan(100)
  }
})

test('however a chain with such contracts is indexed, the state root is the same; a reorganisation that removes their events, and their creation, leaves nothing aside', async () => {
  const { chain, deployment, play } = await poisonousWorld()
  await play()
  await expectOneRoot(chain, deployment)
  const db = await freshDatabase()
  await (await followGovernors(chain, deployment, db))()
  expect(await rowsOf(db, SetAsideContract)).toEqual([])
})

/** EVM code that emits one log with one topic. */
function emitting(topic: Hex, words: readonly bigint[]): Hex {
  const push32 = (word: Hex): Hex => concat(['0x7f', word])
  const push1 = (byte: number): Hex => concat(['0x60', toHex(byte, { size: 1 })])
  const [mstore, log1, stop] = ['0x52', '0xa1', '0x00'] as const
  const stored = words.flatMap((word, place) => [push32(pad(toHex(word))), push1(place * 32), mstore])
  return concat([...stored, push32(topic), push1(words.length * 32), push1(0), log1, stop])
}

/** Emits an event with the address of a contract, which has other code for this one call. */
async function emitAs(chain: GovernorChain, { address }: At, event: string, words: readonly bigint[] = []) {
  const code = await chain.call('eth_getCode', address, 'latest')
  await chain.call('anvil_setCode', address, emitting(toEventSelector(event), words))
  await chain.call('eth_sendTransaction', { from: chain.accounts[0], to: address, gas: '0x100000' })
  await chain.pass(1)
  await chain.call('anvil_setCode', address, code)
}

const MAX_UINT256 = 2n ** 256n - 1n

/** Two Governors of one token, of which one will misbehave. */
async function twoGovernors() {
  const chain = await governorChain('Poison.sol')
  onTestFinished(() => chain.anvil.stop())
  const token = await chain.deploy('BlockVotes')
  await spreadPower(chain, token)
  const good = await chain.deploy('OldGovernor', [token.address, 20n, 0n])
  const bad = await chain.deploy('OldGovernor', [token.address, 20n, 0n])
  const deployment: FollowedDeployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: [bad, good].map(({ address }) => ({ address })),
  }
  return { chain, token, good, bad, deployment }
}

test('a Governor that emits nonsense harms neither its token nor another Governor of it', async () => {
  const { chain, token, good, bad, deployment } = await twoGovernors()
  const db = await freshDatabase()
  const stop = new AbortController()
  const needs = { db, rpcUrl: chain.url, deployment, confirmations: 1, pollMs: 5, signal: stop.signal }
  const indexer = await startIndexer(needs)
  await emitAs(chain, bad, 'QuorumNumeratorUpdated(uint256,uint256)', [20n, MAX_UINT256])
  for (const of of [bad, good])
    await chain.send(1, of, 'propose', [[of.address], [0n], ['0x'], 'open when the supply changes'])
  await chain.pass(3)
  await chain.send(0, token, 'mint', [must(chain.accounts[0]), 1n])
  await emitAs(chain, bad, 'TimelockChange(address,address)')
  await chain.send(0, good, 'updateQuorumNumerator', [30n])
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  const byId = async (governor: At) =>
    must((await rowsOf(db, Governor, 'id = $1', [governor.address.toLowerCase()]))[0])
  expect(await rowsOf(db, SetAsideContract)).toMatchObject([{ id: bad.address.toLowerCase() }])
  expect((await byId(bad)).unfollowed).toContain('TimelockChange')
  expect(await byId(good)).toMatchObject({ quorumUnknown: null, unfollowed: null })
  const quorums = async ({ address }: At) =>
    (await rowsOf(db, Proposal, 'governor_id = $1', [address.toLowerCase()])).map(({ quorum }) => quorum)
  expect(await quorums(bad)).toEqual([null])
  expect(await quorums(good)).toEqual([expect.any(BigInt)])
})

test.each([
  ['nothing', '0x'],
  ['less than a word', '0x01'],
  ['the largest number', toHex(MAX_UINT256)],
])(
  'a Governor that answers %s while it is indexed stops nothing else, and no quorum of it is made up',
  async (_, garbage) => {
    const { chain, token, good, bad, deployment } = await twoGovernors()
    const node = await faultyNode(chain.url)
    const db = await freshDatabase()
    const end = await followGovernors(chain, deployment, db, { rpcUrl: node.url })
    await end.caughtUp()
    node.fault = ({ method, params }) => {
      const [{ to }] = params as [{ to?: string }]
      return method === 'eth_call' && to?.toLowerCase() === bad.address.toLowerCase() ? { result: garbage } : undefined
    }
    const plan = ({ address }: At) => [[address], [0n], ['0x' as Hex]] as const
    for (const one of [bad, good]) await chain.send(1, one, 'propose', [...plan(one), 'voted on'])
    await chain.send(1, bad, 'propose', [...plan(bad), 'not voted on'])
    await chain.pass(3)
    for (const one of [bad, good]) {
      const id = await chain.read(one, 'hashProposal', [...plan(one), keccak256(stringToHex('voted on'))])
      for (const voter of [1, 2]) await chain.send(voter, one, 'castVote', [id, 1])
    }
    await chain.send(0, token, 'mint', [must(chain.accounts[0]), 1n])
    await chain.send(0, bad, 'updateQuorumNumerator', [30n])
    await end()
    const quorums = async ({ address }: At) =>
      (await rowsOf(db, Proposal, 'governor_id = $1', [address.toLowerCase()])).map(({ voteStart, quorum }) => ({
        voteStart,
        quorum,
      }))
    const [{ voteStart, quorum }] = (await quorums(good)) as [{ voteStart: number; quorum: bigint | null }]
    expect(quorum).toBe(await chain.read(good, 'quorum', [BigInt(voteStart)]))
    const told = garbage.length === 66 ? MAX_UINT256 : null
    expect(await quorums(bad)).toMatchObject([{ quorum: told }, { quorum: told }])
    expect(await rowsOf(db, SetAsideContract)).toEqual([])
  },
)
