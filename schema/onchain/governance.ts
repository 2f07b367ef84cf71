import {
  Address,
  BlockNumber,
  Choice,
  Flag,
  Hash,
  Id,
  Integer,
  Json,
  OnChain,
  Ref,
  Text,
  Texts,
  Time,
  Versioned,
  Wei,
} from '../define.ts'

@OnChain('A Governor proposal. Its time-dependent state is computed for the moment asked.')
export class Proposal extends Versioned {
  @Id('The Governor’s proposal id.') id!: string
  @Address('Who proposed.', { index: true }) proposer!: string
  @Text('The description as it was voted on.') description!: string
  @Texts('Contracts to be called.') targets!: string[]
  @Json('Native value of each call, in wei, as decimal strings.') values!: string[]
  @Texts('Call data of each call.') calldatas!: string[]
  @BlockNumber('The clock value at which power is counted (seconds or a block, as the token’s clock runs).')
  voteStart!: number
  @BlockNumber('The clock value after which no vote counts.') voteEnd!: number
  @Wei('Votes against.') againstVotes!: bigint
  @Wei('Votes for.') forVotes!: bigint
  @Wei('Abstentions.') abstainVotes!: bigint
  @Wei('For + Abstain needed at the snapshot, once known.', { nullable: true }) quorum!: bigint | null
  @Flag('Cancelled.') canceled!: boolean
  @Flag('Executed.') executed!: boolean
  @Time('When the timelock may execute it, once queued.', { nullable: true }) eta!: Date | null
  @Hash('The timelock operation that carries it out, once queued.', { nullable: true, index: true }) operation!:
    | string
    | null
  @Time('When it was proposed.') createdAt!: Date
}

@OnChain('One vote on a proposal.')
export class Vote extends Versioned {
  @Id('`proposal-voter`.') id!: string
  @Ref(() => Proposal, 'proposal', 'The proposal.', { inverse: 'votes' }) proposalId!: string
  @Address('Who voted.', { index: true }) voter!: string
  @Integer('0 against, 1 for, 2 abstain.') support!: number
  @Wei('Power at the snapshot.') weight!: bigint
  @Text('The voter’s reason.') reason!: string
  @Text('Parameters of `VoteCastWithParams`, as hex.', { nullable: true }) params!: string | null
  @Time('When it was cast.') castAt!: Date
}

@OnChain('A gOPEN holder: balance, delegate and voting power.')
export class Holder extends Versioned {
  @Id('The account.') id!: string
  @Wei('Tokens held.') balance!: bigint
  @Address('Who votes with them.', { nullable: true, index: true }) delegate!: string | null
  @Wei('Voting power: own and delegated to it.') votes!: bigint
}

@OnChain('Settings of the Governor and the token that change by vote.')
export class GovernorSetting extends Versioned {
  @Id(
    'The setting’s name: votingDelay, votingPeriod, proposalThreshold, quorumNumerator, timelock, lateQuorumExtension, totalSupply, minDelay.',
  )
  id!: string
  @Text('Its value.') value!: string
}

@OnChain('An operation scheduled in the timelock.')
export class TimelockOperation extends Versioned {
  @Id('The operation id, and the call’s index.') id!: string
  @Hash('The operation id.', { index: true }) operation!: string
  @Integer('The call’s place in the operation.') index!: number
  @Address('The contract to be called.') target!: string
  @Wei('Native value.') value!: bigint
  @Text('Call data.') data!: string
  @Hash('The operation that must come before.') predecessor!: string
  @Choice('TimelockStatus', ['Waiting', 'Done', 'Cancelled'], 'Where it stands.') status!:
    | 'Waiting'
    | 'Done'
    | 'Cancelled'
  @Time('When it becomes ready.') readyAt!: Date
}
