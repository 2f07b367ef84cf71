import { concat, encodeAbiParameters, type Hex, keccak256, stringToHex, toHex } from 'viem'
import { partsOf } from '#rules/tally.ts'
import { Governor, Proposal, TimelockOperation, Vote } from '#schema/onchain/governance.ts'
import type { GovernorProfile } from '../governors/governances.ts'
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

/** The timelock operation of a queued proposal, by GovernorTimelockControl's rule: the salt is the description's hash with the
 *  governor's address xored into its first 20 bytes; before OpenZeppelin 4.9, the hash alone. The newer rule comes first. */
export function operationsOf(proposal: Readonly<Values<Proposal>>, governor: Hex): Hex[] {
  const description = keccak256(stringToHex(proposal.description))
  const salted = toHex(BigInt(description) ^ BigInt(concat([governor, `0x${'00'.repeat(12)}`])), { size: 32 })
  const none: Hex = `0x${'00'.repeat(32)}`
  const { targets, values, calldatas } = proposal
  return [salted, description].map((salt) =>
    keccak256(encodeAbiParameters(BATCH, [targets as Hex[], values.map(BigInt), calldatas as Hex[], none, salt])),
  )
}

/** The one that the timelock has, where it is followed. */
function operationOf(
  rows: Rows,
  proposal: Readonly<Values<Proposal>>,
  { id, kind, timelock }: GovernorProfile,
  event: EventContext,
) {
  if (kind === 'Bravo') return null
  const operations = operationsOf(proposal, id as Hex)
  const scope = timelock === null ? '' : event.governances.idPrefixOf(timelock)
  return operations.find((operation) => rows.get(TimelockOperation, `${scope}${operation}-0`)) ?? operations[0]!
}

interface Ballot {
  voter: string
  proposalId: bigint
  support: number
  weight: bigint
  reason: string
  params?: string
}

const SPLIT = 255
const SPLIT_PARAMS = 2 + 2 * 48
/** Whether the ballot counts by a rule of OpenZeppelin's or Bravo's. */
const counts = ({ support, params }: Ballot) =>
  support <= 2 || (support === SPLIT && params !== undefined && params.length === SPLIT_PARAMS)

/** The Governor that speaks, as its row says. */
const own = (rows: Rows, event: EventContext) => rows.must(Governor, event.address)

function cast(rows: Rows, ballot: Ballot, event: EventContext) {
  const { voter, support, weight, reason, params = null } = ballot
  const proposalId = event.idPrefix + ballot.proposalId
  const first = `${proposalId}-${voter}`
  const before = rows.get(Vote, first, { property: 'proposalId', value: proposalId })
  const id = before ? `${first}-${event.id}` : first // who splits a vote may cast it in several ballots
  rows.put(Vote, { id, proposalId, voter, support, weight, reason, params, castAt: event.timestamp })
  const proposal = rows.get(Proposal, proposalId)
  if (!proposal) return // made before the first block, or by an event that is not OpenZeppelin's
  const parts = counts(ballot) ? partsOf(ballot) : { for: 0n, against: 0n, abstain: 0n }
  rows.put(Proposal, {
    ...proposal,
    againstVotes: proposal.againstVotes + parts.against,
    forVotes: proposal.forVotes + parts.for,
    abstainVotes: proposal.abstainVotes + parts.abstain,
    quorum: proposal.quorum ?? quorumNow(rows, own(rows, event), event),
  })
}

/** Changes a proposal that the index knows; one made before the first block is left alone. */
function change(rows: Rows, event: EventContext, id: bigint, values: Partial<Values<Proposal>>) {
  if (rows.get(Proposal, event.idPrefix + id)) rows.change(Proposal, event.idPrefix + id, values)
}

/** The row of the Governor that speaks stands before anything else that it says. */
export function addGovernor(rows: Rows, event: EventContext) {
  if (!rows.get(Governor, event.address)) rows.put(Governor, event.governances.profile(event.address)!)
}

export const governor: EventHandlers<'ModelGovernor'> = {
  ProposalCreated(rows, created, event) {
    const { proposalId, proposer, targets, values, signatures, calldatas, voteStart, voteEnd, description } = created
    rows.whole(Vote, 'proposalId', event.idPrefix + proposalId) // none as a rule, so that no ballot is looked for later
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
    const operation = operationOf(rows, proposal, own(rows, event), event)
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
}
