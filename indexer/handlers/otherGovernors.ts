import { decodeEventLog, type Hex, parseAbi, toEventSelector, toFunctionSelector, zeroHash } from 'viem'
import { type ContractName, EventShapeError } from '#contracts/events.ts'
import { Proposal, TimelockOperation } from '#schema/onchain/governance.ts'
import type { Log } from '../rpc/answers.ts'
import type { Rows } from '../store/rows.ts'
import { dateOf, type EventContext, type EventHandler, uint256 } from './eventContext.ts'
import { addProposal, changeAtEvent, changeQuorum, governor, upgraded } from './governor.ts'
import { timelock } from './timelock.ts'
import { token } from './token.ts'

/** Events of Governors, tokens and timelocks that differ from OpenZeppelin's: proposals with a type, or with a voting module instead
 *  of calls; votes that a holder takes back from a delegate; ballots of GovernorAlpha; quorums that are set in votes, and new code behind a proxy; tokens that count one vote each (ERC-721); Compound's timelock.
 *  (The other events of GovernorAlpha and GovernorBravo have the shapes of OpenZeppelin's.) */

const events = parseAbi([
  'event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description, uint8 proposalType)',
  'event ProposalCreated(uint256 proposalId, address proposer, address votingModule, bytes proposalData, uint256 voteStart, uint256 voteEnd, string description)',
  'event ProposalCreated(uint256 proposalId, address proposer, address votingModule, bytes proposalData, uint256 voteStart, uint256 voteEnd, string description, uint8 proposalType)',
  'event VoteCast(address voter, uint256 proposalId, bool support, uint256 votes)',
  'event OverrideVoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)',
  'event VoteReduced(address indexed delegate, uint256 proposalId, uint8 support, uint256 weight)',
  'event QuorumUpdated(uint256 oldQuorum, uint256 newQuorum)',
  'event Upgraded(address indexed implementation)',
  'event NewImplementation(address oldImplementation, address newImplementation)',
  'event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)',
  'event QueueTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'event CancelTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'event ExecuteTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'event NewDelay(uint256 indexed newDelay)',
])

type OtherEvent = (typeof events)[number]
type Arguments<E extends OtherEvent> = ReturnType<typeof decodeEventLog<readonly [E]>>['args']
type Named<N extends OtherEvent['name']> = Extract<OtherEvent, { name: N }>

/** Handled as OpenZeppelin's event; the proposal of a voting module has no calls of its own. */
const propose: EventHandler<Arguments<Named<'ProposalCreated'>>> = (rows, args, event) => {
  const calls =
    'targets' in args
      ? { targets: args.targets, values: args.values, signatures: args.signatures, calldatas: args.calldatas }
      : { targets: [], values: [], signatures: [], calldatas: [] }
  const { proposalId, proposer, voteStart, voteEnd, description } = args
  addProposal(
    rows,
    { proposalId, proposer, voteStart, voteEnd, description, ...calls },
    event,
    'targets' in args ? 8 : 6,
  )
}

const override: EventHandler<Arguments<Named<'OverrideVoteCast'>>> = (rows, ballot, event) =>
  governor.VoteCast(rows, ballot, event)

const vote: EventHandler<Arguments<Named<'VoteCast'>>> = (rows, { voter, proposalId, support, votes }, event) =>
  governor.VoteCast(rows, { voter, proposalId, support: Number(support), weight: votes, reason: '' }, event)

const SIDES = ['againstVotes', 'forVotes', 'abstainVotes'] as const

/** Votes that holders cast themselves no longer count for their delegate. */
const reduce: EventHandler<Arguments<Named<'VoteReduced'>>> = (rows, { proposalId, support, weight }, event) => {
  const side = SIDES[support]
  const proposal = rows.get(Proposal, event.idPrefix + proposalId)
  if (proposal && side) changeAtEvent(rows, proposal, { [side]: uint256(proposal[side] - weight) }, event)
}

/** Each token of an ERC-721 contract is one vote. */
const transfer: EventHandler<Arguments<Named<'Transfer'>>> = (rows, { from, to }, event) =>
  token.Transfer(rows, { from, to, value: 1n }, event)

const queue: EventHandler<Arguments<Named<'QueueTransaction'>>> = (rows, call, event) => {
  rows.put(TimelockOperation, {
    id: `${event.idPrefix}${call.txHash}-0`,
    operation: call.txHash,
    index: 0,
    target: call.target,
    value: call.value,
    data: call.signature ? toFunctionSelector(call.signature) + call.data.slice(2) : call.data,
    predecessor: zeroHash,
    readyAt: dateOf(call.eta),
    status: 'Waiting',
  })
}

const settle = (status: 'Done' | 'Cancelled') => (rows: Rows, call: { txHash: Hex }, event: EventContext) => {
  const id = `${event.idPrefix}${call.txHash}-0`
  if (rows.get(TimelockOperation, id)) rows.change(TimelockOperation, id, { status })
}

const handlers: { [N in OtherEvent['name']]: { of: ContractName; handle: EventHandler<Arguments<Named<N>>> } } = {
  ProposalCreated: { of: 'ModelGovernor', handle: propose },
  VoteCast: { of: 'ModelGovernor', handle: vote },
  OverrideVoteCast: { of: 'ModelGovernor', handle: override },
  VoteReduced: { of: 'ModelGovernor', handle: reduce },
  QuorumUpdated: { of: 'ModelGovernor', handle: (rows, { newQuorum }, event) => changeQuorum(rows, newQuorum, event) },
  Upgraded: { of: 'ModelGovernor', handle: (rows, _, event) => upgraded(rows, event) },
  NewImplementation: { of: 'ModelGovernor', handle: (rows, _, event) => upgraded(rows, event) },
  Transfer: { of: 'GOpen', handle: transfer },
  QueueTransaction: { of: 'TimelockController', handle: queue },
  CancelTransaction: { of: 'TimelockController', handle: settle('Cancelled') },
  ExecuteTransaction: { of: 'TimelockController', handle: settle('Done') },
  NewDelay: {
    of: 'TimelockController',
    handle: (rows, { newDelay }, event) =>
      timelock.MinDelayChange(rows, { oldDuration: 0n, newDuration: newDelay }, event),
  },
}

/** The events with which a Governor announces that its proposals need something else: another quorum, or other code. */
const QUORUM_EVENTS = new Set(
  parseAbi([
    'event QuorumNumeratorUpdated(uint256 oldQuorumNumerator, uint256 newQuorumNumerator)',
    'event QuorumUpdated(uint256 oldQuorum, uint256 newQuorum)',
    'event Upgraded(address indexed implementation)',
    'event NewImplementation(address oldImplementation, address newImplementation)',
  ]).map((event) => toEventSelector(event)),
)

export const announcesQuorum = ({ topics: [first] }: Pick<Log, 'topics'>) => QUORUM_EVENTS.has(first as Hex)

/** By first topic. Events of several standards share it and differ in the number of topics. */
const byTopic = new Map<string, { of: ContractName; topics: number; event: OtherEvent }[]>()
for (const event of events) {
  const topics = 1 + event.inputs.filter((input) => 'indexed' in input && input.indexed).length
  const first = toEventSelector(event)
  byTopic.set(first, [...(byTopic.get(first) ?? []), { of: handlers[event.name].of, topics, event }])
}

/** The first topics of these events of a contract. */
export const otherTopics = (contract: ContractName): Hex[] =>
  events.filter(({ name }) => handlers[name].of === contract).map((event) => toEventSelector(event))

/** Decodes such an event, with its handler; undefined for any other log. @throws EventShapeError when topics and data do not fit. */
export function decodeOther(
  contract: ContractName,
  log: Log,
): { name: string; args: object; handle: EventHandler<unknown> } | undefined {
  const event = byTopic
    .get(log.topics[0] ?? '')
    ?.find(({ of, topics }) => of === contract && topics === log.topics.length)?.event
  if (!event) return undefined
  try {
    const { args } = decodeEventLog({ abi: [event], topics: log.topics as [Hex], data: log.data })
    const values = args as Record<string, unknown>
    for (const { name, type } of event.inputs) if (type.startsWith('address')) values[name] = lower(values[name])
    return { name: event.name, args: values, handle: handlers[event.name].handle as EventHandler<unknown> }
  } catch (cause) {
    throw new EventShapeError(`${event.name}: topics and data do not fit its declaration`, { cause })
  }
}

const lower = (value: unknown): unknown => (Array.isArray(value) ? value.map(lower) : (value as string).toLowerCase())
