import { readFileSync } from 'node:fs'
import {
  type Abi,
  type Address,
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
  encodePacked,
  getContractAddress,
  type Hex,
  keccak256,
  stringToHex,
} from 'viem'
import { expect } from 'vitest'
import { compareIndexes, databaseIndex } from '#cli/compareIndexes.ts'
import { type Anvil, devAccount, rpc, startAnvil } from '#contracts/anvil.ts'
import { compileSources } from '#contracts/compile.ts'
import { declaresQuorum, stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import type { Database } from '#schema/database.ts'
import { tableOf, type Versioned } from '#schema/define.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { columns, rowOf, rowsOf } from '#schema/rows.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import {
  governanceReader,
  type IndexedValue,
  outcomeValues,
  proposalValues,
  tokenValues,
} from '../governors/indexedValues.ts'
import { type FollowedDeployment, type IndexerOptions, startIndexer } from '../index.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import { openRpc } from '../rpc/open.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { receiptOf } from './chain.ts'
import { difference } from './compare.ts'
import { faultyNode } from './faultyNode.ts'

/** A local chain with Governors that are not ours, each with a token and a timelock, and proposals that reach every state. Every
 *  transaction is one block and one second, so that both kinds of clock advance equally. */

const FOLDER = 'contracts/test'
const GENESIS = 1_800_000_000
const ZERO = `0x${'0'.repeat(40)}` as const

export interface At {
  abi: Abi
  address: Address
}

export interface GovernorChain {
  anvil: Anvil
  url: string
  accounts: Address[]
  deploy(name: string, args?: readonly unknown[]): Promise<At>
  /** A contract as a transaction creates it. */
  creationOf(name: string, args?: readonly unknown[]): Pick<At, 'abi'> & { code: Hex }
  send(from: number, to: At, name: string, args?: readonly unknown[]): Promise<void>
  /** As of `block`, by default the newest one. */
  read(of: At, name: string, args?: readonly unknown[], block?: number): Promise<unknown>
  call(method: string, ...params: unknown[]): Promise<unknown>
  head(): Promise<number>
  /** Mines empty blocks. */
  pass(blocks: number): Promise<void>
  nextAddress(ahead: number): Promise<Address>
}

/** Contracts of a compiler, by name. */
export type CompiledContracts = Awaited<ReturnType<typeof compileSources>>[string]

/** The contracts of a file of `contracts/test` and of those beside it that it imports. */
async function compiledFrom(source: string): Promise<CompiledContracts> {
  const sources = new Map<string, string>()
  const add = (name: string): void => {
    const text = readFileSync(`${FOLDER}/${name}`, 'utf8')
    sources.set(`${FOLDER}/${name}`, text)
    for (const [, imported = ''] of text.matchAll(/from "\.\/(.*)"/g))
      if (!sources.has(`${FOLDER}/${imported}`)) add(imported)
  }
  add(source)
  return Object.assign({}, ...Object.values(await compileSources(Object.fromEntries(sources))))
}

/** @param source the file of `contracts/test` that has the Governors, or what was compiled from another. */
export async function governorChain(source: string | CompiledContracts = 'Governors.sol'): Promise<GovernorChain> {
  const compiled = typeof source === 'string' ? await compiledFrom(source) : source
  const anvil = await startAnvil({ genesisTimestamp: GENESIS, blockInterval: 1 })
  const { url } = anvil
  const accounts = Array.from({ length: 9 }, (_, index) => devAccount(index).address)
  const call = (method: string, ...params: unknown[]) => rpc(url, method, params)
  const mined = async (transaction: object, what: string) => {
    const hash = (await call('eth_sendTransaction', { gas: '0x1c9c380', ...transaction })) as Hex
    const receipt = await receiptOf(call, hash)
    if (receipt.status !== '0x1') {
      const why = await call('eth_call', transaction, 'latest').catch((error: Error) => error.message)
      throw new Error(`${what} reverted: ${why}`)
    }
    return receipt
  }
  const creationOf = (name: string, args: readonly unknown[] = []) => {
    const { abi, evm } = must(compiled[name])
    return { abi, code: encodeDeployData({ abi, bytecode: `0x${evm.bytecode.object}`, args }) }
  }
  return {
    anvil,
    url,
    accounts,
    call,
    creationOf,
    async deploy(name, args = []) {
      const { abi, code: data } = creationOf(name, args)
      const receipt = await mined({ from: accounts[0], data }, name)
      return { abi, address: receipt.contractAddress }
    },
    async send(from, { abi, address }, functionName, args = []) {
      const data = encodeFunctionData({ abi, functionName, args })
      await mined({ from: accounts[from], to: address, data }, functionName)
    },
    async read({ abi, address }, functionName, args = [], block) {
      const data = encodeFunctionData({ abi, functionName, args })
      const tag = block === undefined ? 'latest' : `0x${block.toString(16)}`
      const answer = (await call('eth_call', { to: address, data }, tag)) as Hex
      return decodeFunctionResult({ abi, functionName, data: answer })
    },
    head: async () => Number(await call('eth_blockNumber')),
    async pass(blocks) {
      await call('anvil_mine', `0x${blocks.toString(16)}`, '0x1')
    },
    async nextAddress(ahead) {
      const nonce = Number(await call('eth_getTransactionCount', accounts[0], 'latest'))
      return getContractAddress({ from: must(accounts[0]), nonce: BigInt(nonce + ahead) })
    },
  }
}

export interface Government {
  token: At
  timelock: At
  governor: At
}

const DELAY = 2
const PERIOD = 10
const EXTENSION = 6

/** With which `AnyGovernor` is created, so that `live` can play with it. */
export const anyGovernorArgs = (token: Address, timelock: Address) => [token, timelock, DELAY, PERIOD, 200n, EXTENSION]

/** OpenZeppelin's Governor, with a token of either kind of clock. */
export async function deployGovernor(chain: GovernorChain, votes: 'BlockVotes' | 'TimeVotes'): Promise<Government> {
  const token = await chain.deploy(votes)
  const governorAddress = await chain.nextAddress(1)
  const timelock = await chain.deploy('TimelockOf', [3n, [governorAddress, chain.accounts[0]]])
  const governor = await chain.deploy('AnyGovernor', anyGovernorArgs(token.address, timelock.address))
  return { token, timelock, governor }
}

export async function deployCompound(chain: GovernorChain, kind: 'Alpha' | 'Bravo', token: At): Promise<Government> {
  const timelock = await chain.deploy('BravoTimelock', [3n])
  const governor = await chain.deploy(kind, [token.address, timelock.address])
  return { token, timelock, governor }
}

/** Votes at the end: 0 has none, 1 has 1000 + 50, 2 has 300, 3 has 150 of 5's, 4 has what was left to it in one transaction. */
export async function spreadPower(chain: GovernorChain, token: At) {
  const { accounts } = chain
  for (const [account, amount] of [
    [1, 1000n],
    [2, 300n],
    [3, 250n],
    [4, 40n],
    [5, 150n],
    [6, 7n],
  ] as const)
    await chain.send(0, token, 'mint', [accounts[account], amount])
  for (const account of [1, 2, 4]) await chain.send(account, token, 'delegate', [accounts[account]])
  await chain.send(5, token, 'delegate', [accounts[3]])
  await chain.send(5, token, 'delegate', [accounts[3]]) // no change
  await chain.send(3, token, 'transferAndDelegate', [accounts[1], 50n, accounts[4]])
  await chain.send(4, token, 'transferAndDelegate', [accounts[4], 40n, accounts[4]]) // to itself, the same delegate
  await chain.send(6, token, 'delegate', [accounts[6]])
  await chain.send(6, token, 'delegate', [ZERO])
  await chain.send(1, token, 'burn', [10n])
}

/** A call of the Governor to itself. */
export interface Plan {
  targets: Address[]
  values: bigint[]
  calldatas: Hex[]
  description: string
}

const SPLIT = 255

/** Plays proposals of an OpenZeppelin Governor, one for each final state. @returns their actions by that state. */
export async function live(chain: GovernorChain, { token, timelock, governor }: Government) {
  const { accounts, send, pass } = chain
  const plan = (description: string, functionName = 'setVotingPeriod', args: readonly unknown[] = [PERIOD]): Plan => ({
    targets: [governor.address],
    values: [0n],
    calldatas: [encodeFunctionData({ abi: governor.abi, functionName, args })],
    description,
  })
  const argsOf = ({ targets, values, calldatas, description }: Plan) =>
    [targets, values, calldatas, keccak256(stringToHex(description))] as const
  const idOf = async (of: Plan) => (await chain.read(governor, 'hashProposal', argsOf(of))) as bigint
  const propose = async (of: Plan) => {
    await send(1, governor, 'propose', [of.targets, of.values, of.calldatas, of.description])
    await pass(DELAY + 1)
    return idOf(of)
  }
  const vote = (voter: number, id: bigint, support: number) => send(voter, governor, 'castVote', [id, support])
  const passing = async (of: Plan) => {
    const id = await propose(of)
    await vote(1, id, 1)
    await pass(PERIOD + EXTENSION + 1)
    return id
  }
  const queued = async (of: Plan) => {
    await passing(of)
    await send(2, governor, 'queue', argsOf(of))
    await pass(4)
  }
  const hash = (of: Plan): [Address[], bigint[], Hex[], Hex, Hex] => {
    const description = keccak256(stringToHex(of.description))
    const salt =
      BigInt(description) ^ BigInt(encodePacked(['address', 'bytes12'], [governor.address, `0x${'00'.repeat(12)}`]))
    return [of.targets, of.values, of.calldatas, `0x${'00'.repeat(32)}`, `0x${salt.toString(16).padStart(64, '0')}`]
  }

  const split = plan('split, late, executed: the quorum rises', 'updateQuorumNumerator', [300n])
  const splitId = await propose(split)
  await pass(PERIOD - 5)
  const params = (against: bigint, inFavour: bigint, abstain: bigint) =>
    encodePacked(['uint128', 'uint128', 'uint128'], [against, inFavour, abstain])
  const ballot = (voter: number, of: Hex) =>
    send(voter, governor, 'castVoteWithReasonAndParams', [splitId, SPLIT, 'in parts', of])
  await ballot(1, params(100n, 300n, 50n)) // late: this vote reaches the quorum
  await ballot(1, params(0n, 400n, 0n))
  await vote(2, splitId, 0)
  await send(3, token, 'mint', [accounts[5], 500n]) // after the snapshot: changes no quorum of it
  await pass(PERIOD + EXTENSION)
  await send(2, governor, 'queue', argsOf(split))
  await pass(4)
  await send(2, governor, 'execute', argsOf(split))

  const refused = plan('defeated by votes')
  const refusedId = await propose(refused)
  await vote(1, refusedId, 0)
  await vote(2, refusedId, 1)
  await vote(4, refusedId, 2)
  const ignored = plan('defeated by silence')
  await vote(4, await propose(ignored), 1)
  const withdrawn = plan('cancelled by its proposer')
  await send(1, governor, 'propose', [withdrawn.targets, withdrawn.values, withdrawn.calldatas, withdrawn.description])
  await send(1, governor, 'cancel', argsOf(withdrawn))
  await pass(PERIOD)

  const direct: Plan = {
    targets: [token.address],
    values: [0n],
    calldatas: [encodeFunctionData({ abi: token.abi, functionName: 'mint', args: [accounts[6], 1n] })],
    description: 'executed at the timelock itself',
  }
  await queued(direct)
  await send(0, timelock, 'executeBatch', hash(direct))
  const stopped = plan('cancelled at the timelock itself', 'setProposalThreshold', [1n])
  await queued(stopped)
  const { targets, values, calldatas } = stopped
  const operation = await chain.read(timelock, 'hashOperationBatch', [
    targets,
    values,
    calldatas,
    ...hash(stopped).slice(3),
  ])
  await send(0, timelock, 'cancel', [operation])

  const left = plan('succeeded and left there')
  await passing(left)
  const waiting = plan('queued and left there', 'setVotingPeriod', [PERIOD + 1])
  await queued(waiting)
  await chain.send(2, token, 'burn', [100n])
  const open = plan('active')
  await vote(2, await propose(open), 2)
  const pending = plan('pending')
  await send(2, governor, 'propose', [pending.targets, pending.values, pending.calldatas, pending.description])
}

/** Plays proposals of a GovernorAlpha, numbered from 1. One of them expires 103 seconds after it is queued. */
export async function liveAlpha(chain: GovernorChain, { governor }: Government) {
  const { send, pass } = chain
  const propose = async (description: string) => {
    await send(1, governor, 'propose', [[], [], [], [], description])
    await pass(3)
    return (await chain.read(governor, 'proposalCount')) as bigint
  }
  const passing = async (description: string) => {
    const id = await propose(description)
    await send(2, governor, 'castVote', [id, false])
    await send(1, governor, 'castVote', [id, true])
    await pass(6)
    return id
  }
  const executed = await passing('executed')
  await send(2, governor, 'queue', [executed])
  await send(2, governor, 'execute', [executed])
  await send(2, governor, 'queue', [await passing('expired, later')])
  await send(1, governor, 'cancel', [await propose('cancelled')])
  await send(2, governor, 'castVote', [await propose('defeated: too few votes'), true])
  await pass(6)
  await passing('succeeded')
  await propose('active')
  await send(1, governor, 'propose', [[], [], [], [], 'pending'])
}

/** Plays proposals of a Governor Bravo, numbered from 1. */
export async function liveBravo(chain: GovernorChain, { governor, timelock }: Government) {
  const { send, pass } = chain
  const signature = 'setVotingDelay(uint256)'
  const data = `0x${2n.toString(16).padStart(64, '0')}` as const
  const propose = async (description: string, actions = 1) => {
    const each = <T>(value: T) => Array.from({ length: actions }, () => value)
    await send(1, governor, 'propose', [each(governor.address), each(0n), each(signature), each(data), description])
    await pass(3)
    return (await chain.read(governor, 'proposalCount')) as bigint
  }
  const vote = (voter: number, id: bigint, support: number) => send(voter, governor, 'castVote', [id, support])
  const passing = async (description: string, actions?: number) => {
    const id = await propose(description, actions)
    await vote(1, id, 1)
    await pass(6)
    return id
  }
  const executed = await passing('executed')
  await send(2, governor, 'queue', [executed])
  await pass(3)
  await send(2, governor, 'execute', [executed])
  const withdrawn = await passing('cancelled after it was queued')
  await send(2, governor, 'queue', [withdrawn])
  await send(1, governor, 'cancel', [withdrawn])
  const expired = await passing('expired')
  await send(2, governor, 'queue', [expired])
  await vote(2, await propose('defeated: abstentions are no quorum'), 2)
  const actionless = await passing('without any action', 0)
  await send(2, governor, 'queue', [actionless])
  await pass(100)
  const refused = await propose('defeated by a vote against')
  await vote(1, refused, 0)
  await pass(6)
  await passing('succeeded')
  await propose('active')
  await send(1, governor, 'propose', [[], [], [], [], 'pending'])
  return timelock
}

/** Whether the Governor's quorum() takes proposals' ids. */
const takesIds = (abi: Abi) =>
  abi.some((one) => one.type === 'function' && one.name === 'quorum' && one.inputs[0]?.name === 'proposalId')

/** Fails unless, in every block, every proposal of these Governors has the state and the quorum that its contract returns.
 *  @param isUntold the blocks of a Governor in which it differs from what it has told so far.
 *  @returns the states that were reached, and the proposals with a state that the index does not know. */
export async function expectStates(
  chain: GovernorChain,
  db: Database,
  all: readonly Government[],
  isUntold: (governor: string, block: number) => boolean = () => false,
) {
  const rpc = openRpc(chain.url, {})
  const versions = async <T extends object>(entity: new () => T) =>
    (await db.query(`select ${columns(entity)} from ${tableOf(entity).table}`)).rows as (T & Versioned)[]
  const [proposals, governors] = [await versions(Proposal), await versions(Governor)]
  const isOf = ({ governorId }: Proposal) => all.some(({ governor }) => governor.address.toLowerCase() === governorId)
  const standing = <T extends Versioned>(rows: T[], block: number) =>
    rows.filter(({ fromBlock, toBlock }) => fromBlock <= block && (toBlock === null || toBlock > block))
  const numbers = Array.from({ length: await chain.head() }, (_, i) => i + 1)
  const headers = await rpc.batch(
    numbers.map((block) => ({ method: 'eth_getBlockByNumber', params: [`0x${block.toString(16)}`, false] })),
  )
  const [seen, unknown] = [new Set<string>(), new Set<string>()]
  for (const [index, block] of numbers.entries()) {
    const time = (headers[index] as BlockHeader).timestamp
    const asked = standing(proposals, block)
      .filter((one) => isOf(one) && !isUntold(one.governorId, block))
      .flatMap((proposal) => {
        const governor = must(standing(governors, block).find(({ id }) => id === proposal.governorId))
        const { abi } = must(all.find(({ governor: { address } }) => address.toLowerCase() === governor.id)).governor
        const quorum = proposal.quorum ?? (declaresQuorum(governor) ? governor.fixedQuorum : null)
        const state = stateOfStored(proposal, governor, quorum, { block, time })
        const subject = `${proposal.description} (${governor.kind}) in block ${block}`
        const ask = (functionName: string, args: readonly bigint[], mine: unknown) => {
          const data = encodeFunctionData({ abi, functionName, args })
          const call = { method: 'eth_call', params: [{ to: governor.id, data }, `0x${block.toString(16)}`] }
          return { call, mine, subject, proposal, governor, is: functionName }
        }
        return [
          ask('state', [BigInt(proposal.onChainId)], state),
          ...(governor.kind === 'OpenZeppelin' && proposal.quorum !== null
            ? [ask('quorum', [BigInt(takesIds(abi) ? proposal.onChainId : proposal.voteStart)], proposal.quorum)]
            : []),
          ...(governor.kind !== 'OpenZeppelin' && quorum !== null ? [ask('quorumVotes', [], quorum)] : []),
        ]
      })
    const answers = await rpc.batch(asked.map(({ call }) => call))
    for (const [i, { mine, subject, proposal, governor, is }] of asked.entries()) {
      const word = BigInt(answers[i] as string)
      const theirs = is === 'state' ? PROPOSAL_STATES[Number(word)] : word
      if (mine === null) unknown.add(proposal.description)
      else expect(`${subject}: ${is} ${mine}`).toBe(`${subject}: ${is} ${theirs}`)
      if (is === 'state') seen.add(`${governor.kind} ${theirs}`)
    }
  }
  return { seen, unknown }
}

/** Moments of a history at which an index is compared with the contracts. */
export const MOMENTS = 24
const PARALLEL_CALLS = 20

/** Whether the contracts of a Governor differ, in a block, from what they have told so far.
 *  @param isVotedOn whether it is about a proposal with ballots: of one without, nothing that may differ is told. */
type IsUntold = (governor: string, block: number, isVotedOn: boolean) => boolean

/** Compares tallies, quorums, states, votes, balances, delegates and supplies of several indexes, as of blocks all over the history, with what the contracts
 *  answer; and what is told of each proposal just after its snapshot and just before its first ballot.
 *  @returns how many values were compared in each index. */
export async function compareMoments(
  chain: GovernorChain,
  indexes: readonly Database[],
  isUntold: IsUntold = () => false,
): Promise<number> {
  const rpc = openRpc(chain.url, {})
  const head = await chain.head()
  const numbers = Array.from({ length: head }, (_, index) => index + 1)
  const headers = (await rpc.batch(
    numbers.map((block) => ({ method: 'eth_getBlockByNumber', params: [`0x${block.toString(16)}`, false] })),
  )) as BlockHeader[]
  let compared = 0
  const compare = async (block: number, valuesOf: (db: Database) => Promise<Map<string, IndexedValue>>) => {
    const told = await Promise.all(indexes.map(valuesOf))
    const [first = new Map(), ...others] = told
    for (const other of others) expect([...other.keys()]).toEqual([...first.keys()])
    const names = [...first.keys()]
    for (let from = 0; from < names.length; from += PARALLEL_CALLS)
      await Promise.all(
        names.slice(from, from + PARALLEL_CALLS).map(async (name) => {
          const answer = await must(first.get(name)).onChain()
          if (answer === undefined) return // it has no such function
          const shown = (value: unknown) => `${name} in block ${block}: ${String(value).toLowerCase()}`
          for (const values of told) expect(shown(must(values.get(name)).indexed)).toBe(shown(answer))
          compared++
        }),
      )
  }
  for (let moment = 1; moment <= MOMENTS; moment++) {
    const block = Math.ceil((head * moment) / MOMENTS)
    await compare(block, (db) => valuesAt(db, rpc, must(headers[block - 1]), isUntold))
  }
  for (const { block, proposal, isVotedOn } of await firstMoments(must(indexes[0]), headers))
    if (!isUntold(proposal.governorId, block, isVotedOn))
      await compare(block, (db) => outcomeAt(db, rpc, must(headers[block - 1]), proposal.id))
  return compared
}

interface FirstMoment {
  block: number
  proposal: Proposal
  isVotedOn: boolean
}

/** Of each proposal, the first block after its snapshot, and the last one without a ballot. */
async function firstMoments(db: Database, headers: readonly BlockHeader[]): Promise<FirstMoment[]> {
  const governors = new Map((await rowsOf(db, Governor)).map((row) => [row.id, row]))
  const { rows } = await db.query('select proposal_id, min(from_block) as block from vote group by proposal_id')
  const firstBallots = new Map<string, number>(rows.map(({ proposal_id, block }) => [proposal_id, block]))
  return (await rowsOf(db, Proposal)).flatMap((proposal) => {
    const { clock } = must(governors.get(proposal.governorId))
    const clockOf = ({ number, timestamp }: BlockHeader) =>
      clock === 'Timestamp' ? timestamp.getTime() / 1000 : number
    const opened = headers.find((header) => clockOf(header) > proposal.voteStart)?.number
    if (opened === undefined) return []
    const firstBallot = firstBallots.get(proposal.id) ?? Number.POSITIVE_INFINITY
    const blocks = new Set([opened, ...(Number.isFinite(firstBallot) ? [firstBallot - 1] : [])])
    return [...blocks].map((block) => ({ block, proposal, isVotedOn: block >= firstBallot }))
  })
}

/** What an index has of a proposal as of a block. */
async function outcomeAt(db: Database, rpc: Rpc, { number: block, timestamp: time }: BlockHeader, id: string) {
  const proposal = must(await rowOf(db, Proposal, id, block))
  const governor = must(await rowOf(db, Governor, proposal.governorId, block))
  if (governor.unfollowed !== null) return new Map<string, IndexedValue>()
  const values = await outcomeValues(db, governanceReader(rpc, block), governor, proposal, { block, time })
  return new Map(values.map((value) => [`${governor.id}: ${value.what} of ${value.subject}`, value]))
}

/** What an index has as of a block, by name; what several Governors share is there once. */
async function valuesAt(
  db: Database,
  rpc: Rpc,
  { number: block, timestamp: time }: BlockHeader,
  isUntold: IsUntold,
): Promise<Map<string, IndexedValue>> {
  const readers = governanceReader(rpc, block)
  const sample = { size: 1_000, seed: 'all' }
  const values = new Map<string, IndexedValue>()
  for (const governor of await rowsOf(db, Governor, 'true', [], { block, orderBy: 'id' })) {
    if (isUntold(governor.id, block, true)) continue
    const ofToken = values.has(`${governor.token}: supply of ${governor.token}`)
      ? []
      : await tokenValues(db, readers, governor, sample, { block, time })
    for (const value of ofToken) values.set(`${governor.token}: ${value.what} of ${value.subject}`, value)
    for (const value of await proposalValues(db, readers, governor, sample, { block, time }))
      values.set(`${governor.id}: ${value.what} of ${value.subject}`, value)
  }
  return values
}

/** Follows the chain until the returned function is called, which waits for its head. */
export async function followGovernors(
  chain: Pick<GovernorChain, 'url'>,
  deployment: FollowedDeployment,
  db: Database,
  options: Partial<IndexerOptions> = {},
) {
  const stop = new AbortController()
  const needs = { db, rpcUrl: chain.url, deployment, signal: stop.signal, pollMs: 20, confirmations: 4, ...options }
  const indexer = await startIndexer(needs)
  const end = async () => {
    await indexer.caughtUp()
    stop.abort()
    await indexer.stopped
  }
  return Object.assign(end, { caughtUp: indexer.caughtUp, status: indexer.status })
}

/** The first difference between two indexes, as `verify index` finds it. */
export async function indexDifference(db: Database, other: Database) {
  const { rows } = await db.query('select id, contracts from cursor')
  const [{ id, contracts }] = rows
  const compared = await compareIndexes(db, Number(id), contracts, databaseIndex(other, Number(id), contracts))
  return compared.difference
}

/** Blocks of a range, where the node takes no more. */
const FEW_BLOCKS = 3

/** Parts of a chain that exist when one of its indexers is started first, and again: its Governors are created before. */
const STARTED_AT = [2 / 3, 5 / 6] as const

/** Fails unless however a chain is indexed, the state root is the same, and so are the rows. Retracts the last blocks of the chain, and their
 *  transactions. */
export async function expectOneRoot(
  chain: Pick<GovernorChain, 'url' | 'call' | 'head'>,
  deployment: FollowedDeployment,
  retracted = 9,
) {
  const indexed = async (options: Partial<IndexerOptions> = {}, following = deployment) => {
    const db = await freshDatabase()
    await (await followGovernors(chain, following, db, options))()
    return db
  }
  const expectSame = async (how: string, db: Database, clean: Database) => {
    expect({ how, first: await indexDifference(db, clean) }).toEqual({ how, first: null })
    expect({ how, rows: await difference(db, clean) }).toEqual({ how, rows: [] })
  }
  const clean = await indexed()
  const node = await faultyNode(chain.url)
  const head = await chain.head()

  const restarted = await freshDatabase()
  for (const part of STARTED_AT) {
    const height = Math.floor(head * part)
    const newest = await chain.call('eth_getBlockByNumber', `0x${height.toString(16)}`, false)
    node.fault = ({ method, params }) => {
      if (method === 'eth_blockNumber') return { result: `0x${height.toString(16)}` }
      return method === 'eth_getBlockByNumber' && params[0] === 'latest' ? { result: newest } : undefined
    }
    await (await followGovernors(chain, deployment, restarted, { rpcUrl: node.url }))()
    expect((await restarted.query('select block from cursor')).rows).toEqual([{ block: height }])
  }
  await (await followGovernors(chain, deployment, restarted))()
  await expectSame('started when the chain was shorter, and again twice', restarted, clean)

  node.fault = ({ method, params }) => {
    const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock?: string; toBlock?: string }
    const isLong = method === 'eth_getLogs' && Number(toBlock) - Number(fromBlock) >= FEW_BLOCKS
    return isLong ? { error: { code: -32005, message: `at most ${FEW_BLOCKS} blocks in a range` } } : undefined
  }
  await expectSame('in short ranges', await indexed({ rpcUrl: node.url }), clean)
  await expectSame('with few rows in memory', await indexed({ keptRows: 1 }), clean)
  const governors = deployment.governors?.map((one, index) => ({ ...one, name: `configured ${index}` }))
  await expectSame('with configured names', await indexed({}, { ...deployment, governors }), clean)

  const forked = await freshDatabase()
  const end = await followGovernors(chain, deployment, forked, { confirmations: retracted + 1 })
  await end.caughtUp()
  await chain.call('anvil_reorg', retracted, [])
  await chain.call('evm_mine')
  await end()
  expect(end.status().counters.reorganisations).toBeGreaterThan(0)
  await expectSame('through a reorganisation', forked, await indexed())
}
