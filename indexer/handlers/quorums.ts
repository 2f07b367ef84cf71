import { quorumOf } from '#rules/tally.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { type GovernorProfile, isCompound } from '../governors/profile.ts'
import type { Rows, Values } from '../store/rows.ts'
import type { EventContext } from './eventContext.ts'
import { valueIn } from './settings.ts'

type StoredProposal = Readonly<Values<Proposal>>

/** The quorum of a past snapshot, as long as neither supply nor fraction has changed since; null where it is not known. */
function quorumNow(rows: Rows, governor: Readonly<GovernorProfile>, event: EventContext): bigint | null {
  if (governor.quorumUnknown !== null) return null
  if (governor.fixedQuorum !== null) return governor.fixedQuorum
  if (governor.token === null) return null
  const supply = valueIn(rows, event, governor.token, 'totalSupply')
  const numerator = valueIn(rows, event, governor.id, 'quorumNumerator')
  // the supply is negative where the token was not followed from its first block on
  if (supply === undefined || numerator === undefined || BigInt(supply) < 0n) return null
  return quorumOf(BigInt(supply), BigInt(numerator), governor.quorumDenominator)
}

/** Stores the quorum of every proposal with a past snapshot, of the Governor or the token that emitted the event. Called before
 *  supply or fraction changes: a change at the snapshot itself still counts, a later one does not. */
export function fixQuorums(rows: Rows, event: EventContext) {
  for (const proposal of rows.find(Proposal, 'quorum', null)) {
    const governor = rows.get(Governor, proposal.governorId)
    if (!governor || (governor.id !== event.address && governor.token !== event.address)) continue
    if (proposal.voteStart >= event.governances.clockAt(governor, event)) continue
    const quorum = quorumNow(rows, governor, event)
    if (quorum !== null) rows.put(Proposal, { ...proposal, quorum })
  }
}

/** What a Governor computes in its own way is asked of it, unless it is ours or a replay. */
const isAsked = ({ askedAt }: Readonly<GovernorProfile>) => askedAt !== null

/** The quorum and the super quorum of a proposal on which somebody votes. With the first ballot, the contract is asked: its quorum may be no
 *  fraction of the supply, or not the one that it declares. */
export function votesNeeded(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  event: EventContext,
): Pick<Proposal, 'quorum' | 'superQuorum'> {
  const { superQuorum, againstVotes, forVotes, abstainVotes, voteStart } = proposal
  const quorum = proposal.quorum ?? quorumNow(rows, governor, event)
  const { answers } = event.governances
  if (againstVotes + forVotes + abstainVotes > 0n || isCompound(governor) || !isAsked(governor))
    return { quorum, superQuorum }
  const [asked] = answers?.numbers(rows, event, 'quorum', [voteStart]) ?? []
  const [needed] = (governor.hasSuperQuorum && answers?.numbers(rows, event, 'superQuorum', [voteStart])) || []
  const known = { superQuorum: needed ?? null }
  if (asked === undefined || quorum === null || asked === quorum) return { quorum: asked ?? quorum, ...known }
  if (governor.fixedQuorum !== null) {
    rows.change(Governor, governor.id, { fixedQuorum: null }) // it was none
    return { quorum: asked, ...known }
  }
  rows.change(Governor, governor.id, { quorumUnknown: NO_FRACTION })
  return { quorum: null, ...known }
}

const NO_FRACTION =
  'Its quorum() is not the fraction of the supply that its quorumNumerator() tells, or its token is not followed from its first block on.'

/** After another quorum was announced. A Governor without checkpoints (OpenZeppelin before 4.7.2, a plain variable, Compound's constant)
 *  applies it to past snapshots, too: so those are asked again. */
export function reviseQuorums(rows: Rows, event: EventContext) {
  const governor = rows.must(Governor, event.address)
  if (!isAsked(governor)) return
  const past = rows.find(Proposal, 'governorId', event.address).filter(({ quorum }) => quorum !== null)
  const quorums = isCompound(governor)
    ? past.map(() => governor.fixedQuorum)
    : (event.governances.answers?.numbers(
        rows,
        event,
        'quorum',
        past.map(({ voteStart }) => voteStart),
      ) ?? [])
  for (const [index, proposal] of past.entries()) {
    const quorum = quorums[index]
    if (quorum !== undefined && quorum !== proposal.quorum) rows.put(Proposal, { ...proposal, quorum })
  }
}
