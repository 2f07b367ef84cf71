import { concat, encodeAbiParameters, type Hex, keccak256, stringToHex, toHex } from 'viem'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import type { Rows, Values } from '../rows.ts'
import { type Handlers, height, type Moment, moment } from './handler.ts'
import { fixQuorums, quorumNow, setting } from './settings.ts'

const TALLY = ['againstVotes', 'forVotes', 'abstainVotes'] as const

const BATCH = [
  { type: 'address[]' },
  { type: 'uint256[]' },
  { type: 'bytes[]' },
  { type: 'bytes32' },
  { type: 'bytes32' },
] as const

/** The timelock operation of a queued proposal, by GovernorTimelockControl's rule: the salt is the description's hash with the
 *  governor's address xored into its first 20 bytes. */
export function operationOf(proposal: Readonly<Values<Proposal>>, governor: Hex): Hex {
  const description = BigInt(keccak256(stringToHex(proposal.description)))
  const salt = toHex(description ^ BigInt(concat([governor, `0x${'00'.repeat(12)}`])), { size: 32 })
  const none: Hex = `0x${'00'.repeat(32)}`
  const { targets, values, calldatas } = proposal
  return keccak256(encodeAbiParameters(BATCH, [targets as Hex[], values.map(BigInt), calldatas as Hex[], none, salt]))
}

interface Ballot {
  voter: string
  proposalId: bigint
  support: number
  weight: bigint
  reason: string
  params?: string
}

function cast(rows: Rows, ballot: Ballot, at: Moment) {
  const { voter, support, weight, reason, params = null } = ballot
  const proposalId = ballot.proposalId.toString()
  rows.put(Vote, {
    id: `${proposalId}-${voter}`,
    proposalId,
    voter,
    support,
    weight,
    reason,
    params,
    castAt: at.timestamp,
  })
  const proposal = rows.get(Proposal, proposalId)
  if (!proposal) return // made before the first block, or by an event that is not OpenZeppelin's
  const tally = TALLY[support]
  const counted = tally ? { [tally]: proposal[tally] + weight } : {}
  rows.put(Proposal, { ...proposal, ...counted, quorum: proposal.quorum ?? quorumNow(rows) })
}

/** Changes a proposal that the index knows; one made before the first block is left alone. */
function change(rows: Rows, id: bigint, values: Partial<Values<Proposal>>) {
  if (rows.get(Proposal, id.toString())) rows.change(Proposal, id.toString(), values)
}

export const governor: Handlers<'ModelGovernor'> = {
  ProposalCreated(rows, { proposalId, proposer, targets, values, calldatas, voteStart, voteEnd, description }, at) {
    rows.put(Proposal, {
      id: proposalId.toString(),
      proposer,
      description,
      targets: [...targets],
      values: values.map(String),
      calldatas: [...calldatas],
      voteStart: height(voteStart),
      voteEnd: height(voteEnd),
      againstVotes: 0n,
      forVotes: 0n,
      abstainVotes: 0n,
      quorum: null,
      canceled: false,
      executed: false,
      eta: null,
      operation: null,
      createdAt: at.timestamp,
    })
  },
  ProposalQueued(rows, { proposalId, etaSeconds }, at) {
    const proposal = rows.get(Proposal, proposalId.toString())
    if (proposal)
      rows.put(Proposal, { ...proposal, eta: moment(etaSeconds), operation: operationOf(proposal, at.address) })
  },
  ProposalExecuted(rows, { proposalId }) {
    change(rows, proposalId, { executed: true })
  },
  ProposalCanceled(rows, { proposalId }) {
    change(rows, proposalId, { canceled: true })
  },
  ProposalExtended(rows, { proposalId, extendedDeadline }) {
    change(rows, proposalId, { voteEnd: height(extendedDeadline) })
  },
  VoteCast: cast,
  VoteCastWithParams: cast,
  VotingDelaySet(rows, { newVotingDelay }) {
    setting(rows, 'votingDelay', newVotingDelay)
  },
  VotingPeriodSet(rows, { newVotingPeriod }) {
    setting(rows, 'votingPeriod', newVotingPeriod)
  },
  ProposalThresholdSet(rows, { newProposalThreshold }) {
    setting(rows, 'proposalThreshold', newProposalThreshold)
  },
  QuorumNumeratorUpdated(rows, { newQuorumNumerator }, at) {
    fixQuorums(rows, at)
    setting(rows, 'quorumNumerator', newQuorumNumerator)
  },
  TimelockChange(rows, { newTimelock }) {
    setting(rows, 'timelock', newTimelock)
  },
  LateQuorumVoteExtensionSet(rows, { newVoteExtension }) {
    setting(rows, 'lateQuorumExtension', newVoteExtension)
  },
  EIP712DomainChanged: null,
}
