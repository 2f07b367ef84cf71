import {
  Address,
  BlockNumber,
  Choice,
  Clock,
  Flag,
  Hash,
  Id,
  Integer,
  Json,
  type Keeping,
  KeptIn,
  OnChain,
  Ref,
  Searched,
  Text,
  Texts,
  Time,
  Versioned,
  Wei,
} from '../define.ts'
import { searchVector } from '../searchVector.ts'

@OnChain(
  'A followed Governor and its counting rules: OpenZeppelin’s, a descendant of it, or Compound’s Alpha or Bravo.',
)
export class Governor extends Versioned {
  @Id('Its address, in lower case.') id!: string
  @Text('What its contract calls itself (`name()`), in its first 200 characters; empty where it does not.')
  name!: string
  @Choice('GovernorKind', ['OpenZeppelin', 'Bravo', 'Alpha'], 'The implementation whose rules it follows.') kind!:
    | 'OpenZeppelin'
    | 'Bravo'
    | 'Alpha'
  @Address('Its votes token; null when the token is not followed.', { nullable: true, index: true }) token!:
    | string
    | null
  @Address('Its timelock; null when it has none, or it is not followed.', { nullable: true }) timelock!: string | null
  @Choice('GovernorClock', ['Timestamp', 'BlockNumber'], 'The unit of its clock (ERC-6372): seconds or blocks.')
  clock!: 'Timestamp' | 'BlockNumber'
  @Choice(
    'QuorumCounting',
    ['ForAbstain', 'For', 'All'],
    'Which votes count toward the quorum: For + Abstain (OpenZeppelin), For (Alpha, Bravo), or all.',
  )
  counting!: 'ForAbstain' | 'For' | 'All'
  @Wei('The denominator of the quorum fraction.') quorumDenominator!: bigint
  @Wei('The fixed quorum in votes, when it is not a fraction of the supply.', { nullable: true }) fixedQuorum!:
    | bigint
    | null
  @Integer('Seconds after its `eta` at which a queued proposal expires; null when it never does.', { nullable: true })
  gracePeriod!: number | null
  @Flag('Whether a proposal with enough votes in favour succeeds before its deadline (GovernorSuperQuorum).', {
    default: false,
  })
  hasSuperQuorum!: boolean
  @Flag('Whether the params of a ballot may split it: three numbers of 16 bytes, against, for and abstain.', {
    default: false,
  })
  fractional!: boolean
  @BlockNumber(
    'The block as of which its contract was asked for what it does not emit: the first one at whose end it answers. Null when it was not asked.',
    { nullable: true },
  )
  askedAt!: number | null
  @Text(
    'Why its quorum is not known, or not before the contract was asked for a proposal, with the first ballot on it: states that depend on it are null until then. Null where it is known.',
    { nullable: true },
  )
  quorumUnknown!: string | null
  @Text('Why it is followed no longer, from this version on: the states of its proposals are null. Null while it is.', {
    nullable: true,
  })
  unfollowed!: string | null
}

@OnChain('What a proposal says and does, which never changes: kept once, however often it is voted on.')
@Searched('proposal_content_search', searchVector('description'))
export class ProposalContent extends Versioned {
  @Id('The proposal’s id.') id!: string
  @Text('What is proposed and why, in the proposer’s words.') description!: string
  @Hash(
    'The keccak256 of the bytes of the description, which may be no text: a part of what `queue` and `execute` take.',
    {
      nullable: true,
    },
  )
  descriptionHash!: string | null
  @Texts('Contracts to be called.') targets!: string[]
  @Json('The native value of each call in wei, as decimal strings.') values!: string[]
  @Texts('The function signature of each call, when the call data does not include its selector (Bravo).')
  signatures!: string[]
  @Texts('Call data of each call.') calldatas!: string[]
}

@OnChain('A Governor proposal. Its time-dependent state is computed for the requested point in the chain.')
export class Proposal extends Versioned implements Keeping<ProposalContent> {
  declare readonly keptIn?: ProposalContent
  @Id(
    'The proposal’s id at its Governor; for all Governors except the first of a chain, the Governor’s address and a dash come before it.',
  )
  id!: string
  @Ref(() => Governor, 'governor', 'The Governor to which it was proposed.', { inverse: 'proposals' })
  governorId!: string
  @Text('The proposal’s id at its Governor.', { index: true }) onChainId!: string
  @Address('The account that made it.', { index: true }) proposer!: string
  @KeptIn(ProposalContent) description!: string
  @KeptIn(ProposalContent) descriptionHash!: string | null
  @KeptIn(ProposalContent) targets!: string[]
  @KeptIn(ProposalContent) values!: string[]
  @KeptIn(ProposalContent) signatures!: string[]
  @KeptIn(ProposalContent) calldatas!: string[]
  @Clock('The clock value of the snapshot at which voting power is counted (seconds or a block, as the token’s clock).')
  voteStart!: number
  @Clock('The clock value after which voting is closed.') voteEnd!: number
  @Wei('Voting power cast against it.') againstVotes!: bigint
  @Wei('Voting power cast for it.') forVotes!: bigint
  @Wei('Abstentions.') abstainVotes!: bigint
  @Wei('The quorum at the snapshot, in votes, once known.', { nullable: true }) quorum!: bigint | null
  @Wei('The votes in favour with which it succeeds before its deadline, once known.', { nullable: true }) superQuorum!:
    | bigint
    | null
  @Flag('Cancelled.') canceled!: boolean
  @Flag('Whether its actions were carried out.') executed!: boolean
  @Time('When the timelock may execute it, once queued.', { nullable: true }) eta!: Date | null
  @Hash('The timelock operation that executes it, once queued.', { nullable: true, index: true }) operation!:
    | string
    | null
  @Time('When it was proposed.') createdAt!: Date
}

@OnChain('One vote on a proposal.', { appended: true })
export class Vote extends Versioned {
  @Id('`proposal-voter`; for a further ballot of the same voter, its position on the chain is appended.') id!: string
  @Ref(() => Proposal, 'proposal', 'On what was voted: a proposal.', { inverse: 'votes' }) proposalId!: string
  @Address('The account that cast it.', { index: true }) voter!: string
  @Integer(
    '0 against, 1 for, 2 abstain, 255 split as in `params`; at a Governor that is `fractional`, `params` split any.',
  )
  support!: number
  @Wei('The voting power at the snapshot.') weight!: bigint
  @Text('The voter’s reason.') reason!: string
  @Text('Parameters of `VoteCastWithParams`, as hex.', { nullable: true }) params!: string | null
  @Time('When it was cast.') castAt!: Date
}

@OnChain('A holder of a votes token: balance, delegate and voting power.')
export class Holder extends Versioned {
  @Id('The account; for all tokens except the first of a chain, the token’s address and a dash come before it.')
  id!: string
  @Address('The votes token’s contract.') token!: string
  @Address('Who holds them.', { index: true }) account!: string
  @Wei('Tokens held.') balance!: bigint
  @Wei(
    'Tokens locked to vote, which are not in the balance; null where the whole balance votes, as with most tokens.',
    {
      nullable: true,
    },
  )
  locked!: bigint | null
  @Address('The account that votes with them.', { nullable: true, index: true }) delegate!: string | null
  @Wei('Voting power: own and delegated to it.') votes!: bigint
}

@OnChain('Settings of a Governor, its token and its timelock that change by vote.')
export class GovernorSetting extends Versioned {
  @Id(
    'Its name; for all contracts except the first of their kind on a chain, the contract’s address and a dash come before it.',
  )
  id!: string
  @Address('The contract that emitted it.') contract!: string
  @Text(
    'The setting’s name: votingDelay, votingPeriod, proposalThreshold, quorumNumerator, timelock, lateQuorumExtension, totalSupply, minDelay, votesNeedLock.',
  )
  name!: string
  @Text('What it was set to last, as text.') value!: string
}

@OnChain('An operation scheduled in the timelock.')
export class TimelockOperation extends Versioned {
  @Id(
    'The operation id and the call’s index; for all timelocks except the first of a chain, the timelock’s address comes before it.',
  )
  id!: string
  @Hash('The operation id.', { index: true }) operation!: string
  @Integer('The index of the call in the operation.') index!: number
  @Address('The contract to be called.') target!: string
  @Wei('Native value.') value!: bigint
  @Text('Call data.') data!: string
  @Hash('The operation that must be executed before.') predecessor!: string
  @Choice('TimelockStatus', ['Waiting', 'Done', 'Cancelled'], 'Whether it waits, was carried out or was cancelled.')
  status!: 'Waiting' | 'Done' | 'Cancelled'
  @Time('When it becomes ready.') readyAt!: Date
}
