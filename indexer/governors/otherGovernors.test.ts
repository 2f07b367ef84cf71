import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  concat,
  encodeAbiParameters,
  encodeFunctionData,
  encodePacked,
  type Hex,
  keccak256,
  stringToHex,
  toFunctionSelector,
} from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { freshDatabase, freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import { headerAt } from '../chain/blockRange.ts'
import { type FollowedDeployment, type IndexerOptions, startIndexer } from '../index.ts'
import { openRpc } from '../rpc/open.ts'
import { difference } from '../test/compare.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { type FollowedRow, shows } from '../test/followedList.ts'
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
import { governanceReader, outcomeValues } from './indexedValues.ts'
import { reconcile } from './reconcile.ts'

/** Quorums, super quorums and timelocks that change, split ballots, descriptions that are no text: the index is compared with the contracts in every block, and it is the same whenever it
 *  was started. */

let chain: GovernorChain
let token: At
let all: Government[]
let deployment: FollowedDeployment
/** An index that follows from before the first proposal on, and was started again in between. */
let live: Database

const PERIOD = 8
const start = (db: Database, options: Partial<IndexerOptions> = {}) => followGovernors(chain, deployment, db, options)

beforeAll(async () => {
  chain = await governorChain('OtherGovernors.sol')
  token = await chain.deploy('BlockVotes')
  await spreadPower(chain, token)
  const named = async (name: string, ...args: unknown[]) => {
    const governor = await chain.deploy(name, [token.address, ...args])
    return { token, timelock: governor, governor }
  }
  const nextTimelock = async (governor: string) => chain.deploy('TimelockOf', [1n, [governor, chain.accounts[0]]])
  const early = await (async () => {
    const timelock = await nextTimelock(await chain.nextAddress(1))
    return { token, timelock, governor: await chain.deploy('SuperQuorum', [token.address, timelock.address]) }
  })()
  const [checkpoints, plain] = [await named('SetQuorum', 400n, false), await named('SetQuorum', 400n, true)]
  const silent = await named('SilentQuorum', 400n)
  const upgraded = await named('UpgradedQuorum', 400n)
  const other = await named('OtherFraction')
  const excluding = await named('Excluding', must(chain.accounts[1]))
  const byProposal = await named('ByProposal')
  const bravoTimelock = await chain.deploy('BravoTimelock', [3n])
  const bravo = await named('UpgradedBravo', bravoTimelock.address)
  const [fraction, fixed] = [await named('OldGovernor', 20n, 0n), await named('OldGovernor', 0n, 250n)]
  const flexible = await named('FlexibleVotes')
  all = [flexible, early, checkpoints, plain, silent, other, fraction, fixed, upgraded, excluding, byProposal, bravo]
  deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: all.map(({ governor }) => ({ address: governor.address })),
  }
  live = await openDatabase(await freshDatabaseUrl())
  const first = await start(live)
  const { send, pass } = chain
  for (const { governor } of [checkpoints, plain, silent, upgraded]) await settable(governor)
  await passing(other.governor, 'asks for twice the fraction')
  const halve = () => send(0, byProposal.governor, 'setNumerator', [10n])
  await passing(byProposal.governor, 'another numerator before the first ballot', undefined, undefined, halve)
  for (const { governor } of [excluding, byProposal]) await unusualQuorum(governor)
  await otherCode(bravo.governor)
  await passing(fraction.governor, 'another numerator for the past')
  await send(0, fraction.governor, 'updateQuorumNumerator', [10n])
  await passing(fixed.governor, 'fixed before ERC-6372')
  await splitBallots(flexible.governor)
  await first()
  const second = await start(live, { keptRows: 1 })
  const next = await nextTimelock(early.governor.address)
  await earlySuccess(early, next)
  await bytesAsDescription(early.governor, next)
  await send(0, token, 'mint', [chain.accounts[0], 5n]) // another supply
  await pass(2)
  await second()
})
afterAll(async () => {
  await live?.close()
  await chain?.anvil.stop()
})

type Plan = [targets: Hex[], values: bigint[], calldatas: Hex[], description: string]
const nothing = (governor: At, description: string): Plan => [[governor.address], [0n], ['0x'], description]
const hashed = ([targets, values, calldatas, description]: Plan) =>
  [targets, values, calldatas, keccak256(stringToHex(description))] as const
const idOf = async (governor: At, plan: Plan) => (await chain.read(governor, 'hashProposal', hashed(plan))) as bigint

async function propose(governor: At, plan: Plan | string) {
  const of = typeof plan === 'string' ? nothing(governor, plan) : plan
  await chain.send(1, governor, 'propose', of)
  return idOf(governor, of)
}

/** 300 votes in favour. */
async function passing(
  governor: At,
  description: string,
  before: () => Promise<unknown> = async () => {},
  meanwhile: () => Promise<unknown> = async () => {},
  opened: () => Promise<unknown> = async () => {},
) {
  const id = await propose(governor, description)
  await before()
  await chain.pass(3)
  await opened()
  await chain.send(2, governor, 'castVote', [id, 1])
  await meanwhile()
  await chain.pass(PERIOD + 1)
}

/** The first gets no ballot; the last is known to be unusual before its first ballot. */
async function unusualQuorum(governor: At) {
  const another = () => chain.send(0, token, 'mint', [must(chain.accounts[0]), 1n])
  const silent = await propose(governor, 'without a ballot')
  await chain.pass(3)
  await another() // the quorum of the one without a ballot is settled now
  await passing(governor, 'passes with less than the fraction')
  await passing(governor, 'passes with less, again', undefined, another)
  return silent
}

/** 1,040 votes in favour, and 300: the code decides which are enough. */
async function otherCode(governor: At) {
  const { send, pass } = chain
  const vote = async (voter: number, description: string) => {
    await send(1, governor, 'propose', [[], [], [], [], description])
    await pass(3)
    await send(voter, governor, 'castVote', [await chain.read(governor, 'proposalCount'), 1])
    await pass(7)
  }
  await vote(1, 'enough until the code changes')
  await vote(2, 'enough once the code changes again')
  await send(0, governor, 'upgrade', [2000n])
  await pass(1)
  await send(0, governor, 'upgrade', [100n])
  await vote(2, 'enough for the last code')
  await send(2, governor, 'queue', [3n])
  await pass(2)
}

async function settable(governor: At) {
  const set = (to: bigint) => async () => {
    await chain.send(0, governor, 'setQuorum', [to])
  }
  await passing(governor, 'lowered after the snapshot', undefined, set(200n))
  await passing(governor, 'raised before the snapshot', set(350n))
  await set(100n)()
  await passing(governor, 'the last quorum')
}

async function earlySuccess({ governor }: Government, next: At) {
  const { send, pass, accounts } = chain
  const vote = async (id: bigint, voter = 1) => {
    await pass(3)
    await send(voter, governor, 'castVote', [id, 1])
  }
  const left = nothing(governor, 'queued early, and left in the timelock before')
  await vote(await propose(governor, left))
  await send(2, governor, 'queue', hashed(left))
  await vote(await propose(governor, 'has the quorum only'), 2)
  const data = encodeFunctionData({ abi: governor.abi, functionName: 'updateTimelock', args: [next.address] })
  const moving: Plan = [[governor.address], [0n], [data], 'another timelock']
  await vote(await propose(governor, moving))
  await send(2, governor, 'queue', hashed(moving))
  await pass(2)
  await send(2, governor, 'execute', hashed(moving))
  const minted = encodeFunctionData({ abi: token.abi, functionName: 'mint', args: [accounts[6], 1n] })
  for (const end of ['executed', 'cancelled', 'scheduled again', 'scheduled again and executed']) {
    const description = `${end} at the next timelock`
    const plan: Plan = [[token.address], [0n], [minted], description]
    await vote(await propose(governor, plan))
    await send(2, governor, 'queue', hashed(plan))
    await pass(2)
    const salt = BigInt(hashed(plan)[3]) ^ (BigInt(governor.address) << 96n)
    const operation = [...plan.slice(0, 3), `0x${'00'.repeat(32)}`, `0x${salt.toString(16).padStart(64, '0')}`]
    const execute = () => send(0, next, 'executeBatch', operation)
    if (end === 'executed') {
      await execute()
      continue
    }
    await send(0, next, 'cancel', [await chain.read(next, 'hashOperationBatch', operation)])
    if (end === 'cancelled') continue
    await pass(1)
    await send(0, next, 'scheduleBatch', [...operation, 1n])
    await pass(2)
    if (end.endsWith('executed')) await execute()
  }
}

/** Of the 1,040 votes of account 1. */
async function splitBallots(governor: At) {
  const params = (...parts: bigint[]) =>
    encodePacked(
      parts.map(() => 'uint128'),
      parts,
    )
  const cast = async (description: string, support: number, of: Hex) => {
    const id = await propose(governor, description)
    await chain.pass(3)
    await chain.send(1, governor, 'castVoteWithReasonAndParams', [id, support, '', of])
    await chain.pass(PERIOD + 1)
  }
  await cast('against, though its support says for', 1, params(500n, 400n, 140n))
  await cast('split, with a nonce', 255, params(10n, 300n, 0n, 7n))
  await cast('whole', 1, '0x')
}

const BYTES = '0xff00c3' // neither text nor without NUL

/** Cancelled in the timelock, so that only the operation's id tells which proposal it is of. */
async function bytesAsDescription(governor: At, timelock: At) {
  const { send, pass, accounts } = chain
  const calls = [[governor.address], [0n], ['0x']] as const
  const types = ['address[]', 'uint256[]', 'bytes[]', 'bytes'].map((type) => ({ type }))
  const selector = toFunctionSelector('propose(address[],uint256[],bytes[],string)')
  const data = concat([selector, encodeAbiParameters(types, [...calls, BYTES])])
  await chain.call('eth_sendTransaction', { from: accounts[1], to: governor.address, data, gas: '0x1000000' })
  const hash = [...calls, keccak256(BYTES)]
  await pass(3)
  await send(1, governor, 'castVote', [await chain.read(governor, 'hashProposal', hash), 1])
  await send(2, governor, 'queue', hash)
  const salt = BigInt(keccak256(BYTES)) ^ (BigInt(governor.address) << 96n)
  const operation = [...calls, `0x${'00'.repeat(32)}`, `0x${salt.toString(16).padStart(64, '0')}`]
  await send(0, timelock, 'cancel', [await chain.read(timelock, 'hashOperationBatch', operation)])
}

test('in every block, states and quorums are the contracts’; a quorum that cannot be followed is asked for each proposal', async () => {
  const { seen, unknown } = await expectStates(chain, live, all)
  expect([...unknown]).toEqual([])
  expect(seen).toContain('OpenZeppelin Canceled')
  const proposals = await rowsOf(live, Proposal)
  const ended = (description: string) =>
    proposals.filter((one) => one.description === description).map(({ quorum }) => quorum)
  expect(ended('lowered after the snapshot').sort()).toEqual([100n, 100n, 400n, 400n]) // without checkpoints, the last one
  expect(ended('another numerator for the past')).toEqual([174n])
  const governors = await rowsOf(live, Governor)
  const reasons = governors.filter(({ quorumUnknown }) => quorumUnknown !== null)
  const unusual = [5, 9, 10].map((place) => must(all[place]).governor.address.toLowerCase())
  expect(reasons.map(({ id }) => id).sort()).toEqual(unusual.sort())
  expect(ended('passes with less, again')).toHaveLength(2)
  expect(ended('without a ballot')).not.toContain(null) // asked when the supply changed
  expect(reasons[0]?.quorumUnknown).toContain('is not the fraction of the supply')
})

describe('the rows of README’s list', () => {
  /** The Governors that show a row, by their places in `all`. */
  const shown: Partial<Record<FollowedRow, number[]>> = {
    quorumEvents: [2, 3, 6, 7],
    quorumAsked: [4, 5, 9, 10],
    superQuorum: [1],
    timelock: [1],
    code: [8, 11],
    ballots: [0],
  }
  for (const [row, places] of Object.entries(shown) as [FollowedRow, number[]][])
    test(shows(row), async () => {
      const { seen, unknown } = await expectStates(
        chain,
        live,
        places.map((place) => must(all[place])),
      )
      expect([...unknown]).toEqual([])
      expect(seen.size).toBeGreaterThanOrEqual(3)
    })
})

test('split ballots count as the contract counts them, and a description that is no text keeps the hash of its bytes', async () => {
  const { address, abi } = must(all[0]).governor
  const proposals = await rowsOf(live, Proposal, 'governor_id = $1', [address.toLowerCase()])
  expect(proposals).toHaveLength(3)
  for (const { onChainId, againstVotes, forVotes, abstainVotes } of proposals)
    expect([againstVotes, forVotes, abstainVotes]).toEqual(
      await chain.read({ address, abi }, 'proposalVotes', [BigInt(onChainId)]),
    )
  const bytes = (await rowsOf(live, Proposal)).find(({ descriptionHash }) => descriptionHash === keccak256(BYTES))
  expect(bytes).toMatchObject({ canceled: true, description: '\uFFFD\uFFFD\uFFFD' })
})

test('at moments all over the history, live and clean, values are those of the contracts', async () => {
  const clean = await freshDatabase()
  await (await start(clean))()
  expect(await compareMoments(chain, [live, clean])).toBeGreaterThan(1_000)
})

test('no quorum is told before the contract tells it: twice the fraction that it declares', async () => {
  const governor = must((await rowsOf(live, Governor, 'id = $1', [must(all[5]).governor.address.toLowerCase()]))[0])
  const { id, voteStart } = must((await rowsOf(live, Proposal, 'governor_id = $1', [governor.id]))[0])
  const rpc = openRpc(chain.url, {})
  const told = async (block: number) => {
    const { timestamp: time } = must(await headerAt(rpc, block))
    const proposal = must(await rowOf(live, Proposal, id, block))
    const then = must(await rowOf(live, Governor, governor.id, block))
    const values = await outcomeValues(live, governanceReader(rpc, block), then, proposal, { block, time })
    return values.map(({ what, indexed }) => `${what} ${indexed}`)
  }
  const { rows } = await live.query('select min(from_block) as block from vote where proposal_id = $1', [id])
  const firstBallot: number = rows[0].block
  expect(firstBallot).toBeGreaterThan(voteStart + 1)
  for (let block = voteStart + 1; block < firstBallot; block++)
    expect(await told(block)).toEqual(['tally 0,0,0', 'state Active'])
  expect(await told(firstBallot)).toEqual(['tally 0,300,0', 'quorum 346', 'state Active'])
})

test('a comparison with the contracts finds nothing: GovernorCompatibilityBravo and a fixed quorum before ERC-6372 are compared, too', async () => {
  const compared = new Map(
    (await reconcile(live, openRpc(chain.url, {}), { size: 1000, seed: 'a' })).map((one) => [one.governorId, one]),
  )
  for (const { governor } of all) {
    const one = must(compared.get(governor.address.toLowerCase()))
    expect({ drift: one.drift, findings: one.findings }).toEqual({ drift: 0, findings: [] })
    expect(one.compared).toBeGreaterThan(20)
  }
})

test('a comparison names a tally of GovernorCompatibilityBravo that differs', async () => {
  const governor = must(all[6]).governor.address.toLowerCase()
  const { onChainId, againstVotes, forVotes, abstainVotes } = must(
    (await rowsOf(live, Proposal, 'governor_id = $1', [governor]))[0],
  )
  const add = (votes: number) =>
    live.query(
      'update proposal set for_votes = for_votes + $1 where governor_id = $2 and on_chain_id = $3 and to_block is null',
      [votes, governor, onChainId],
    )
  await add(1)
  try {
    const found = await reconcile(live, openRpc(chain.url, {}), { size: 1000, seed: 'planted' })
    expect(found.filter(({ drift }) => drift > 0)).toMatchObject([
      {
        governorId: governor,
        drift: 1,
        findings: [
          {
            what: 'tally',
            subject: `proposal ${onChainId}`,
            indexed: `${againstVotes},${forVotes + 1n},${abstainVotes}`,
            chain: `${againstVotes},${forVotes},${abstainVotes}`,
          },
        ],
      },
    ])
  } finally {
    await add(-1)
  }
})

test(shows('asked'), async () => {
  const late = await freshDatabase()
  await (await start(late))()
  const { log, lines } = recordingLogger()
  await (await start(late, { log }))()
  expect(lines('Where the state of a proposal depends on this, it is null')).toHaveLength(3)
  expect(await difference(live, late)).toEqual([])
  expect(await indexDifference(live, late)).toBeNull()
})

test('an index of other Governors is rebuilt from the cache while no node answers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-answers-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const node = await faultyNode(chain.url)
  const index = async (block?: number) => {
    const db = await freshDatabase()
    const stop = new AbortController()
    const options = {
      db,
      rpcUrl: node.url,
      deployment,
      confirmations: 4,
      cacheFolder: folder,
      signal: stop.signal,
      patience: { delayMs: 5 },
    }
    const indexer = await startIndexer(options)
    await indexer.caughtUp(block)
    const { finalBlock } = indexer.status()
    stop.abort()
    await indexer.stopped
    return { db, finalBlock }
  }
  const { finalBlock } = await index()
  await node.down()
  const { db } = await index(finalBlock)
  const root = async (of: Database) =>
    (
      await of.query('select root from state_root where from_block <= $1 order by from_block desc limit 1', [
        finalBlock,
      ])
    ).rows
  expect(await root(db)).toEqual(await root(live))
})

test('however the chain is indexed, the state root is the same', () => expectOneRoot(chain, deployment))
