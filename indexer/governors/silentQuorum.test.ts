import { encodeFunctionData, type Hex, keccak256, stringToHex, toFunctionSelector } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QUORUM_CHANGED } from '#rules/storedProposal.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase, freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import type { FollowedDeployment, IndexerOptions } from '../index.ts'
import { difference } from '../test/compare.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { shows } from '../test/followedList.ts'
import {
  type At,
  compareMoments,
  expectOneRoot,
  expectStates,
  followGovernors,
  type Government,
  type GovernorChain,
  governorChain,
  indexDifference,
  spreadPower,
} from '../test/governors.ts'
import { recordingLogger } from '../test/logger.ts'

/** Quorums for past snapshots that change after the first ballot, with an event or without: from the next event of a proposal on, the index
 *  has what the contract says, or nothing. */

let chain: GovernorChain
let all: Record<string, Government>
let deployment: FollowedDeployment
/** An index that follows from the first proposal on, and was started again in between. */
let live: Database
/** By Governor, the first block in which its quorum is another one, and the block of the event that shows it. */
const changes = new Map<string, { changed: number; seen: number }>()

const start = (db: Database, options: Partial<IndexerOptions> = {}) => followGovernors(chain, deployment, db, options)

/** Proposes without any effect, and passes the snapshot. */
async function propose(governor: At, description: string): Promise<bigint> {
  const calls = [[governor.address], [0n], ['0x' as Hex]] as const
  await chain.send(1, governor, 'propose', [...calls, description])
  await chain.pass(3)
  return (await chain.read(governor, 'hashProposal', [...calls, keccak256(stringToHex(description))])) as bigint
}

const vote = (governor: At, id: bigint, voter: number, support = 1) =>
  chain.send(voter, governor, 'castVote', [id, support])
const silently = async (governor: At, to: bigint) => {
  await chain.send(0, governor, 'setSilently', [to])
  changes.set(governor.address.toLowerCase(), { changed: await chain.head(), seen: 0 })
}
/** The event was in the last block, or some before. */
const isSeen = async ({ address }: At, blocksAgo = 0) => {
  const one = must(changes.get(address.toLowerCase()))
  one.seen = (await chain.head()) - blocksAgo
}
const isUntold = (governor: string, block: number) => {
  const { changed, seen } = changes.get(governor) ?? { changed: 0, seen: 0 }
  return changed <= block && block < seen
}

async function changedBetweenBallots(governor: At) {
  const id = await propose(governor, 'defeated by another quorum')
  await vote(governor, id, 2)
  await silently(governor, 400n)
  await chain.pass(1)
  await vote(governor, id, 3, 0)
  await isSeen(governor)
  await chain.pass(8)
  await vote(governor, await propose(governor, 'of a Governor that is known to change'), 2)
  await chain.pass(8)
}

async function changedWithBallot(governor: At) {
  const id = await propose(governor, 'changed by the last ballot itself')
  await vote(governor, id, 2)
  await chain.send(3, governor, 'castAndSetSilently', [id, 0, 400n])
  await chain.pass(8)
}

/** Between a proposal and the first ballot on it. */
async function changedBeforeBallots(governor: At) {
  await vote(governor, await propose(governor, 'changed while another one waited'), 2)
  await chain.pass(8)
  const id = await propose(governor, 'waited')
  await silently(governor, 400n)
  await vote(governor, id, 2)
  await isSeen(governor)
  await chain.pass(8)
}

async function changedAfterBallots(governor: At) {
  await vote(governor, await propose(governor, 'changed after its last ballot'), 2)
  await chain.pass(8)
  await silently(governor, 400n)
  const id = await propose(governor, 'shows that the one before changed')
  await isSeen(governor, 3)
  await vote(governor, id, 3)
  await chain.pass(8)
}

/** In each way that an event may announce it. */
async function announced(governor: At) {
  const id = await propose(governor, 'announced')
  await vote(governor, id, 2)
  await chain.send(0, governor, 'announce', [400n])
  await chain.send(3, governor, 'castAndAnnounce', [id, 0, 250n])
  await chain.send(4, governor, 'announceAndCast', [id, 1, 500n])
  await vote(governor, id, 6)
  await chain.pass(8)
}

async function changedAtBravo(governor: At) {
  const description = 'queued, and then defeated'
  await chain.send(1, governor, 'propose', [[], [], [], [], description])
  await chain.pass(3)
  await vote(governor, 1n, 1)
  await chain.pass(6)
  await chain.send(2, governor, 'queue', [1n])
  await chain.send(1, governor, 'propose', [[], [], [], [], 'shows that the quorum changed'])
  await silently(governor, 2000n)
  await chain.pass(3)
  await chain.send(0, must(all.bravo).token, 'mint', [must(chain.accounts[0]), 1n]) // another supply has no effect on it
  await vote(governor, 2n, 2)
  await isSeen(governor)
  await chain.pass(8)
}

async function changedSuperQuorum(governor: At) {
  const id = await propose(governor, 'succeeded early, and then no more')
  await vote(governor, id, 2)
  await silently(governor, 900n)
  await vote(governor, id, 3)
  await isSeen(governor)
  await chain.pass(8)
}

const STEADY = 3
/** Five ballots in three blocks of each proposal. */
async function steady(governor: At) {
  for (let proposal = 0; proposal < STEADY; proposal++) {
    const id = await propose(governor, `never changes ${proposal}`)
    await vote(governor, id, 1)
    await chain.call('evm_setAutomine', false)
    for (const voter of [2, 3, 4]) {
      const data = encodeFunctionData({ abi: governor.abi, functionName: 'castVote', args: [id, 1] })
      await chain.call('eth_sendTransaction', {
        from: chain.accounts[voter],
        to: governor.address,
        data,
        gas: '0xfffff',
      })
    }
    await chain.call('anvil_mine', '0x1', '0x1')
    await chain.call('evm_setAutomine', true)
    await vote(governor, id, 6)
    await chain.pass(8)
  }
}

beforeAll(async () => {
  chain = await governorChain('SilentGovernors.sol')
  const token = await chain.deploy('BlockVotes')
  await spreadPower(chain, token)
  const named = async (name: string, ...args: unknown[]) => {
    const governor = await chain.deploy(name, [token.address, ...args])
    return { token, timelock: governor, governor }
  }
  const timelock = await chain.deploy('BravoTimelock', [3n])
  all = {
    between: await named('VariableQuorum', 200n),
    withBallot: await named('VariableQuorum', 200n),
    before: await named('VariableQuorum', 200n),
    after: await named('VariableQuorum', 200n),
    announced: await named('VariableQuorum', 200n),
    bravo: await named('VariableBravo', timelock.address),
    superQuorum: await named('VariableSuperQuorum', 300n),
    steady: await named('VariableQuorum', 200n),
  }
  deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: Object.values(all).map(({ governor }) => ({ address: governor.address })),
  }
  live = await openDatabase(await freshDatabaseUrl())
  const first = await start(live)
  await changedBetweenBallots(governorOf('between'))
  await changedWithBallot(governorOf('withBallot'))
  await changedBeforeBallots(governorOf('before'))
  await changedAfterBallots(governorOf('after'))
  await first()
  const second = await start(live, { keptRows: 1 })
  await announced(governorOf('announced'))
  await changedAtBravo(governorOf('bravo'))
  await changedSuperQuorum(governorOf('superQuorum'))
  await steady(governorOf('steady'))
  await second()
}, 600_000)
afterAll(async () => {
  await live?.close()
  await chain?.anvil.stop()
})

const governorOf = (name: string) => must(all[name]).governor
const addressOf = (name: string) => governorOf(name).address.toLowerCase()

test(shows('quorumSilent'), async () => {
  const { seen, unknown } = await expectStates(chain, live, Object.values(all), isUntold)
  expect([...unknown].sort()).toEqual([
    'changed after its last ballot',
    'changed by the last ballot itself',
    'changed while another one waited',
    'defeated by another quorum',
    'of a Governor that is known to change',
    'queued, and then defeated',
    'shows that the one before changed',
    'shows that the quorum changed',
    'succeeded early, and then no more',
    'waited',
  ])
  expect(seen).toContain('OpenZeppelin Succeeded')
})

test('at moments all over the history, live and clean, values are those of the contracts', async () => {
  const clean = await freshDatabase()
  await (await start(clean))()
  expect(
    await compareMoments(chain, [live, clean], (governor, block, isVotedOn) => isVotedOn && isUntold(governor, block)),
  ).toBeGreaterThan(1_000)
})

test('what such a Governor’s proposals need is not known, with the reason; the others’ is', async () => {
  const changed = ['between', 'withBallot', 'before', 'after', 'bravo', 'superQuorum'].map(addressOf)
  const governors = await rowsOf(live, Governor)
  expect(
    governors
      .filter(({ quorumUnknown }) => quorumUnknown === QUORUM_CHANGED)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(changed.sort())
  for (const { governorId, quorum, superQuorum } of await rowsOf(live, Proposal))
    if (changed.includes(governorId)) expect([quorum, superQuorum]).toEqual([null, null])
    else expect(quorum).toBe(governorId === addressOf('steady') ? 200n : 500n)
})

test('an index that starts late has the rows and the root of one that followed, and its next start warns', async () => {
  const late = await freshDatabase()
  await (await start(late))()
  expect(await difference(live, late)).toEqual([])
  expect(await indexDifference(live, late)).toBeNull()
  const { log, lines } = recordingLogger()
  await (await start(late, { log }))()
  const told = lines('Where the state of a proposal depends on this, it is null')
  expect(told).toHaveLength(6)
})

test('a quorum that does not change costs one question per block with an event of its proposal, whatever the ballots', async () => {
  const node = await faultyNode(chain.url)
  const asked: string[] = []
  const [quorum, to] = [toFunctionSelector('quorum(uint256)'), addressOf('steady')]
  node.fault = ({ method, params }) => {
    const [call, block] = params as [{ to: string; data: string }, object]
    if (method === 'eth_call' && call.to === to && call.data.startsWith(quorum))
      asked.push(`${JSON.stringify(block)} ${call.data}`)
    return undefined
  }
  const deployed = { ...deployment, governors: [{ address: to }] }
  await (await start(await freshDatabase(), { rpcUrl: node.url, deployment: deployed }))()
  expect(new Set(asked).size).toBe(asked.length)
  // At the start, in three blocks with ballots of each proposal, and with each proposal of the ones before.
  expect(asked.length).toBeLessThanOrEqual(1 + 3 * STEADY + 2 * (STEADY - 1))
})

test('a reorganisation of the blocks in which a quorum changed leaves the rows of a clean index', async () => {
  const head = await chain.head()
  const { seen } = must(changes.get(addressOf('superQuorum')))
  await expectOneRoot(chain, deployment, head - seen + 4)
  const forked = await freshDatabase()
  await (await start(forked))()
  const states = await rowsOf(forked, Governor, 'id = $1', [addressOf('superQuorum')])
  expect(states).toMatchObject([{ quorumUnknown: null }])
})
