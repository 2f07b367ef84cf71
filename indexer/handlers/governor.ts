import { concat, encodeAbiParameters, type Hex, keccak256, stringToHex, toHex } from 'viem'
import { bytesAt, type DecodedEvent } from '#contracts/events.ts'
import { type ProposalVotes, partsOf } from '#rules/tally.ts'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { Governor, Proposal, ProposalContent, TimelockOperation, Vote } from '#schema/onchain/governance.ts'
import { type GovernorProfile, isCompound, profileOf } from '../governors/profile.ts'
import type { Rows, Values } from '../store/rows.ts'
import { changeProposal } from './changeProposal.ts'
import { dateOf, type EventContext, type EventHandlers, safeInteger, uint256 } from './eventContext.ts'
import { checkLastQuorum, fixQuorums, reviseQuorums, votesNeeded, votesStillNeeded } from './quorums.ts'
import { restate } from './restate.ts'
import { setting } from './settings.ts'

const BATCH = [
  { type: 'address[]' },
  { type: 'uint256[]' },
  { type: 'bytes[]' },
  { type: 'bytes32' },
  { type: 'bytes32' },
] as const

/** The possible ids of a queued proposal's timelock operation. GovernorTimelockControl's salt is the description's hash with the
 *  governor's address xored into its first 20 bytes; before OpenZeppelin 4.9 it is the hash alone. */
function operationsOf(content: Readonly<Values<ProposalContent>>, governor: Hex): { current: Hex; legacy: Hex } {
  const description = (content.descriptionHash ?? keccak256(stringToHex(content.description))) as Hex
  const salted = toHex(BigInt(description) ^ BigInt(concat([governor, `0x${'00'.repeat(12)}`])), { size: 32 })
  const none: Hex = `0x${'00'.repeat(32)}`
  const { targets, values, calldatas } = content
  const operation = (salt: Hex) =>
    keccak256(encodeAbiParameters(BATCH, [targets as Hex[], values.map(BigInt), calldatas as Hex[], none, salt]))
  return { current: operation(salted), legacy: operation(description) }
}

/** The operation that the followed timelock has; the current form where it has neither. */
function operationOf(rows: Rows, proposalId: string, governor: GovernorProfile, event: EventContext) {
  const { id, timelock } = governor
  if (isCompound(governor)) return null
  const { current, legacy } = operationsOf(rows.must(ProposalContent, proposalId), id as Hex)
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

/** What a ballot adds to the tally: nothing, where no rule of OpenZeppelin's or Compound's counts it. */
function partsOfBallot(ballot: CastVote, { fractional }: Readonly<GovernorProfile>): ProposalVotes {
  try {
    return partsOf(ballot, fractional || undefined)
  } catch (error) {
    if (error instanceof RangeError) return { for: 0n, against: 0n, abstain: 0n }
    throw error
  }
}

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
  const governor = emitter(rows, event)
  const parts = partsOfBallot(ballot, governor)
  changeProposal(rows, proposal, {
    againstVotes: uint256(proposal.againstVotes + parts.against),
    forVotes: uint256(proposal.forVotes + parts.for),
    abstainVotes: uint256(proposal.abstainVotes + parts.abstain),
    ...votesNeeded(rows, proposal, governor, event),
  })
}

/** Changes a proposal at an event of it, with what it needs. */
export function changeAtEvent(
  rows: Rows,
  proposal: Readonly<Values<Proposal>>,
  values: Partial<Values<Proposal>>,
  event: EventContext,
) {
  changeProposal(rows, proposal, { ...values, ...votesStillNeeded(rows, proposal, emitter(rows, event), event) })
}

/** Changes a proposal of the index; one from before the first block is ignored. */
function change(rows: Rows, event: EventContext, id: bigint, values: Partial<Values<Proposal>>) {
  const proposal = rows.get(Proposal, event.idPrefix + id)
  if (proposal) changeAtEvent(rows, proposal, values, event)
}

/** Adds the rows of Governors before anything of an event is stored: with the Governor's own first event, or with one of its token or its
 *  timelock once its contract answers. */
export function addGovernors(rows: Rows, event: EventContext) {
  for (const profile of event.governances.concerning(event.address)) {
    const { id, token, timelock, askedAt } = profile
    if (id !== event.address && !(askedAt !== null && askedAt <= event.block)) continue
    if (rows.get(Governor, id)) continue
    const asideSince = (contract: string | null) =>
      contract === null ? null : (rows.get(SetAsideContract, contract)?.reason ?? null)
    rows.put(Governor, { ...profile, quorumUnknown: asideSince(token), unfollowed: asideSince(timelock) })
  }
}

/** What the Governor says of itself now; undefined where it is not asked. */
const answerOf = (rows: Rows, governor: Readonly<GovernorProfile>, event: EventContext) =>
  governor.askedAt === null ? undefined : event.governances.answers?.governor(rows, event)

/** The contract has other code: what it may have changed is asked again. */
export function upgraded(rows: Rows, event: EventContext) {
  const governor = emitter(rows, event)
  if (event.block <= (governor.askedAt ?? event.block)) return // it was asked since
  const now = answerOf(rows, governor, event)
  if (!now) return
  fixQuorums(rows, event)
  const { kind, token, timelock, clock } = governor
  rows.put(Governor, {
    ...profileOf({ ...now, kind, token, timelock, clock }),
    quorumUnknown: governor.quorumUnknown,
  })
  reviseQuorums(rows, event)
}

/** The quorum is no fraction of the supply, but a number that changes by vote. */
export function changeQuorum(rows: Rows, fixedQuorum: bigint, event: EventContext) {
  fixQuorums(rows, event)
  rows.change(Governor, event.address, { fixedQuorum })
  reviseQuorums(rows, event)
}

type Created = Extract<DecodedEvent<'ModelGovernor'>, { name: 'ProposalCreated' }>['args']

/** @param place the place of the description among the arguments. Its hash is of its bytes, which need not be text. */
export function addProposal(rows: Rows, created: Created, event: EventContext, place: number) {
  const { proposalId, proposer, targets, values, signatures, calldatas, voteStart, voteEnd, description } = created
  const bytes = bytesAt(event.data, place)
  checkLastQuorum(rows, event)
  rows.loadGroup(Vote, 'proposalId', event.idPrefix + proposalId) // usually empty: later votes then need no look-up
  rows.put(ProposalContent, {
    id: event.idPrefix + proposalId,
    description,
    descriptionHash: bytes === undefined ? null : keccak256(bytes),
    targets: [...targets],
    values: values.map(String),
    signatures: signatures.some(Boolean) ? [...signatures] : [],
    calldatas: [...calldatas],
  })
  rows.put(Proposal, {
    id: event.idPrefix + proposalId,
    governorId: event.address,
    onChainId: proposalId.toString(),
    proposer,
    voteStart: safeInteger(voteStart),
    voteEnd: safeInteger(voteEnd),
    againstVotes: 0n,
    forVotes: 0n,
    abstainVotes: 0n,
    quorum: null,
    superQuorum: null,
    canceled: false,
    executed: false,
    eta: null,
    operation: null,
    createdAt: event.timestamp,
  })
}

export const governor = {
  ProposalCreated(rows, created, event) {
    addProposal(rows, created, event, 8)
  },
  ProposalQueued(rows, { proposalId, etaSeconds }, event) {
    const proposal = rows.get(Proposal, event.idPrefix + proposalId)
    if (!proposal) return
    const operation = operationOf(rows, proposal.id, emitter(rows, event), event)
    changeAtEvent(rows, proposal, { eta: dateOf(etaSeconds), operation }, event)
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
    reviseQuorums(rows, event)
  },
  TimelockChange(rows, { newTimelock }, event) {
    setting(rows, event, 'timelock', newTimelock)
    const governor = emitter(rows, event)
    if (governor.timelock === newTimelock) return
    const { gracePeriod } = answerOf(rows, governor, event) ?? governor
    rows.put(Governor, { ...governor, timelock: newTimelock, gracePeriod: gracePeriod ?? null })
    // Another timelock knows nothing of the operations in the one before: what was queued there counts as cancelled, or as executed.
    const queued = rows.find(Proposal, 'governorId', event.address).filter(({ eta }) => eta !== null)
    restate(rows, governor, queued, event)
  },
  LateQuorumVoteExtensionSet(rows, { newVoteExtension }, event) {
    setting(rows, event, 'lateQuorumExtension', newVoteExtension)
  },
  EIP712DomainChanged: null,
} satisfies EventHandlers<'ModelGovernor'>
