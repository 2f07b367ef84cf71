import { concat, encodeAbiParameters, type Hex, keccak256, stringToHex, toHex } from 'viem'
import { partsOf } from '#rules/tally.ts'
import { Governor, Proposal, TimelockOperation, Vote } from '#schema/onchain/governance.ts'
import { type GovernorProfile, isCompound } from '../governors/governances.ts'
import type { Rows, Values } from '../store/rows.ts'
import { dateOf, type EventContext, type EventHandlers, safeInteger } from './eventContext.ts'
import { fixQuorums, quorumNow, setting } from './settings.ts'

const BATCH = [
  { type: 'address[]' },
  { type: 'uint256[]' },
  { type: 'bytes[]' },
  { type: 'bytes32' },
  { type: 'bytes32' },
] as const

/** The possible ids of a queued proposal's timelock operation. GovernorTimelockControl's salt is the description's hash with the
 *  governor's address xored into its first 20 bytes; before OpenZeppelin 4.9 it is the hash alone. */
function operationsOf(proposal: Readonly<Values<Proposal>>, governor: Hex): { current: Hex; legacy: Hex } {
  const description = keccak256(stringToHex(proposal.description))
  const salted = toHex(BigInt(description) ^ BigInt(concat([governor, `0x${'00'.repeat(12)}`])), { size: 32 })
  const none: Hex = `0x${'00'.repeat(32)}`
  const { targets, values, calldatas } = proposal
  const operation = (salt: Hex) =>
    keccak256(encodeAbiParameters(BATCH, [targets as Hex[], values.map(BigInt), calldatas as Hex[], none, salt]))
  return { current: operation(salted), legacy: operation(description) }
}

/** The operation that the followed timelock has; the current form where it has neither. */
function operationOf(rows: Rows, proposal: Readonly<Values<Proposal>>, governor: GovernorProfile, event: EventContext) {
  const { id, timelock } = governor
  if (isCompound(governor)) return null
  const { current, legacy } = operationsOf(proposal, id as Hex)
  const prefix = timelock === null ? '' : event.governances.idPrefixOf(timelock)
  const isScheduled = (operation: Hex) => rows.get(TimelockOperation, `${prefix}${operation}-0`) !== undefined
  return !isScheduled(current) && isScheduled(legacy) ? legacy : current
}

/** The arguments of a vote. */
interface CastVote {
  voter: string
  proposalId: bigint
  support: number
  weight: bigint
  reason: string
  params?: string
}

/** Support and length of params of a fractional vote (GovernorCountingFractional): three uint128 in hex. */
const FRACTIONAL = 255
const FRACTIONAL_PARAMS = 2 + 2 * 48
/** Whether the ballot counts under a rule of OpenZeppelin's or Bravo's. */
const counts = ({ support, params }: CastVote) =>
  support <= 2 || (support === FRACTIONAL && params !== undefined && params.length === FRACTIONAL_PARAMS)

/** The Governor that emitted the event. */
const emitter = (rows: Rows, event: EventContext) => rows.must(Governor, event.address)

function cast(rows: Rows, ballot: CastVote, event: EventContext) {
  const { voter, support, weight, reason, params = null } = ballot
  const proposalId = event.idPrefix + ballot.proposalId
  const first = `${proposalId}-${voter}`
  const before = rows.get(Vote, first, { property: 'proposalId', value: proposalId })
  const id = before ? `${first}-${event.id}` : first // a fractional vote may be cast in several ballots
  rows.put(Vote, { id, proposalId, voter, support, weight, reason, params, castAt: event.timestamp })
  const proposal = rows.get(Proposal, proposalId)
  if (!proposal) return // proposed before the first block, or by an unknown event
  const parts = counts(ballot) ? partsOf(ballot) : { for: 0n, against: 0n, abstain: 0n }
  rows.put(Proposal, {
    ...proposal,
    againstVotes: proposal.againstVotes + parts.against,
    forVotes: proposal.forVotes + parts.for,
    abstainVotes: proposal.abstainVotes + parts.abstain,
    quorum: proposal.quorum ?? quorumNow(rows, emitter(rows, event), event),
  })
}

/** Changes a proposal of the index; one from before the first block is ignored. */
function change(rows: Rows, event: EventContext, id: bigint, values: Partial<Values<Proposal>>) {
  if (rows.get(Proposal, event.idPrefix + id)) rows.change(Proposal, event.idPrefix + id, values)
}

/** Adds the row of the Governor that emitted the event, before anything else of the event is stored. */
export function addGovernor(rows: Rows, event: EventContext) {
  if (rows.get(Governor, event.address)) return
  const profile = event.governances.profile(event.address)
  if (!profile) throw new Error(`${event.address} is followed as a Governor, but is not configured as one`)
  rows.put(Governor, profile)
}

export const governor = {
  ProposalCreated(rows, created, event) {
    const { proposalId, proposer, targets, values, signatures, calldatas, voteStart, voteEnd, description } = created
    rows.loadGroup(Vote, 'proposalId', event.idPrefix + proposalId) // usually empty: later votes then need no look-up
    rows.put(Proposal, {
      id: event.idPrefix + proposalId,
      governorId: event.address,
      onChainId: proposalId.toString(),
      proposer,
      description,
      targets: [...targets],
      values: values.map(String),
      signatures: signatures.some(Boolean) ? [...signatures] : [],
      calldatas: [...calldatas],
      voteStart: safeInteger(voteStart),
      voteEnd: safeInteger(voteEnd),
      againstVotes: 0n,
      forVotes: 0n,
      abstainVotes: 0n,
      quorum: null,
      canceled: false,
      executed: false,
      eta: null,
      operation: null,
      createdAt: event.timestamp,
    })
  },
  ProposalQueued(rows, { proposalId, etaSeconds }, event) {
    const proposal = rows.get(Proposal, event.idPrefix + proposalId)
    if (!proposal) return
    const operation = operationOf(rows, proposal, emitter(rows, event), event)
    rows.put(Proposal, { ...proposal, eta: dateOf(etaSeconds), operation })
  },
  ProposalExecuted(rows, { proposalId }, event) {
    change(rows, event, proposalId, { executed: true })
  },
  ProposalCanceled(rows, { proposalId }, event) {
    change(rows, event, proposalId, { canceled: true })
  },
  ProposalExtended(rows, { proposalId, extendedDeadline }, event) {
    change(rows, event, proposalId, { voteEnd: safeInteger(extendedDeadline) })
  },
  VoteCast: cast,
  VoteCastWithParams: cast,
  VotingDelaySet(rows, { newVotingDelay }, event) {
    setting(rows, event, 'votingDelay', newVotingDelay)
  },
  VotingPeriodSet(rows, { newVotingPeriod }, event) {
    setting(rows, event, 'votingPeriod', newVotingPeriod)
  },
  ProposalThresholdSet(rows, { newProposalThreshold }, event) {
    setting(rows, event, 'proposalThreshold', newProposalThreshold)
  },
  QuorumNumeratorUpdated(rows, { newQuorumNumerator }, event) {
    fixQuorums(rows, event)
    setting(rows, event, 'quorumNumerator', newQuorumNumerator)
  },
  TimelockChange(rows, { newTimelock }, event) {
    setting(rows, event, 'timelock', newTimelock)
    rows.change(Governor, event.address, { timelock: newTimelock })
  },
  LateQuorumVoteExtensionSet(rows, { newVoteExtension }, event) {
    setting(rows, event, 'lateQuorumExtension', newVoteExtension)
  },
  EIP712DomainChanged: null,
} satisfies EventHandlers<'ModelGovernor'>
