import {
  Address,
  Choice,
  Clock,
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

@OnChain(
  'A Governor that is followed, and how it counts: OpenZeppelin’s, one that descends from it, or Compound’s Bravo.',
)
export class Governor extends Versioned {
  @Id('Its address, in lower case.') id!: string
  @Text('What the configuration calls it.') name!: string
  @Choice('GovernorKind', ['OpenZeppelin', 'Bravo'], 'Whose rules it follows.') kind!: 'OpenZeppelin' | 'Bravo'
  @Address('Its votes token; null when that is not followed.', { nullable: true, index: true }) token!: string | null
  @Address('Its timelock; null when it has none, or it is not followed.', { nullable: true }) timelock!: string | null
  @Choice('GovernorClock', ['Timestamp', 'BlockNumber'], 'What its clock counts (ERC-6372): seconds, or blocks.')
  clock!: 'Timestamp' | 'BlockNumber'
  @Choice(
    'QuorumCounting',
    ['ForAbstain', 'For', 'All'],
    'Which votes count toward the quorum: For + Abstain (OpenZeppelin), For (Bravo), or all.',
  )
  counting!: 'ForAbstain' | 'For' | 'All'
  @Wei('Of what the quorum numerator is a part.') quorumDenominator!: bigint
  @Wei('The quorum in votes, where it is no fraction of the supply.', { nullable: true }) fixedQuorum!: bigint | null
  @Integer('Seconds after its `eta` at which a queued proposal expires; null when it never does.', { nullable: true })
  gracePeriod!: number | null
}

@OnChain('A Governor proposal. Its time-dependent state is computed for the moment asked.')
export class Proposal extends Versioned {
  @Id(
    'The proposal’s id at its Governor; after the Governor’s address and a dash for every Governor but a chain’s first.',
  )
  id!: string
  @Ref(() => Governor, 'governor', 'The Governor that it was made at.', { inverse: 'proposals' }) governorId!: string
  @Text('The proposal’s id at its Governor.', { index: true }) onChainId!: string
  @Address('Who proposed.', { index: true }) proposer!: string
  @Text('The description as it was voted on.') description!: string
  @Texts('Contracts to be called.') targets!: string[]
  @Json('Native value of each call, in wei, as decimal strings.') values!: string[]
  @Texts('The function of each call, where its call data leaves it out (Bravo).') signatures!: string[]
  @Texts('Call data of each call.') calldatas!: string[]
  @Clock('The clock value at which power is counted (seconds or a block, as the token’s clock runs).')
  voteStart!: number
  @Clock('The clock value after which no vote counts.') voteEnd!: number
  @Wei('Votes against.') againstVotes!: bigint
  @Wei('Votes for.') forVotes!: bigint
  @Wei('Abstentions.') abstainVotes!: bigint
  @Wei('The quorum at the snapshot, in votes, once known.', { nullable: true }) quorum!: bigint | null
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
  @Id('`proposal-voter`; a further ballot of the same voter adds where it stands on the chain.') id!: string
  @Ref(() => Proposal, 'proposal', 'The proposal.', { inverse: 'votes' }) proposalId!: string
  @Address('Who voted.', { index: true }) voter!: string
  @Integer('0 against, 1 for, 2 abstain, 255 split as `params` say.') support!: number
  @Wei('Power at the snapshot.') weight!: bigint
  @Text('The voter’s reason.') reason!: string
  @Text('Parameters of `VoteCastWithParams`, as hex.', { nullable: true }) params!: string | null
  @Time('When it was cast.') castAt!: Date
}

@OnChain('A holder of a votes token: balance, delegate and voting power.')
export class Holder extends Versioned {
  @Id('The account; after the token’s address and a dash for every token but a chain’s first.') id!: string
  @Address('The token.') token!: string
  @Address('The account.', { index: true }) account!: string
  @Wei('Tokens held.') balance!: bigint
  @Address('Who votes with them.', { nullable: true, index: true }) delegate!: string | null
  @Wei('Voting power: own and delegated to it.') votes!: bigint
}

@OnChain('Settings of a Governor, its token and its timelock that change by vote.')
export class GovernorSetting extends Versioned {
  @Id('Its name; after the contract’s address and a dash for every contract but a chain’s first of its kind.')
  id!: string
  @Address('The contract that said so.') contract!: string
  @Text(
    'The setting’s name: votingDelay, votingPeriod, proposalThreshold, quorumNumerator, timelock, lateQuorumExtension, totalSupply, minDelay.',
  )
  name!: string
  @Text('Its value.') value!: string
}

@OnChain('An operation scheduled in the timelock.')
export class TimelockOperation extends Versioned {
  @Id('The operation id, and the call’s index; after the timelock’s address for every timelock but a chain’s first.')
  id!: string
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
