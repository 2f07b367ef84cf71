import { quorumIn } from '#rules/storedProposal.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { type GovernorProfile, isCompound } from '../governors/profile.ts'
import type { Rows, Values } from '../store/rows.ts'
import { changeProposal } from './changeProposal.ts'
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
  if (supply === undefined || numerator === undefined) return null
  return quorumIn(governor, BigInt(supply), BigInt(numerator))
}

/** Stores the quorum of every proposal with a past snapshot, of the Governor or the token that emitted the event. Called before
 *  supply or fraction changes: a change at the snapshot itself still counts, a later one does not. */
export function fixQuorums(rows: Rows, event: EventContext) {
  for (const proposal of rows.find(Proposal, 'quorum', null)) {
    const governor = rows.get(Governor, proposal.governorId)
    if (!governor || (governor.id !== event.address && governor.token !== event.address)) continue
    if (proposal.voteStart >= event.governances.clockAt(governor, event)) continue
    const quorum = quorumNow(rows, governor, event)
    if (quorum === null) continue
    // At an event of the Governor, it may answer with what this event changes.
    const isCertain = governor.id === event.address || isCompound(governor) || !isAsked(governor)
    const needed = isCertain ? quorum : quorumTold(rows, proposal, governor, quorum, event)
    changeProposal(rows, proposal, { quorum: needed })
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
  const [needed] = (governor.hasSuperQuorum && answers?.numbers(rows, event, 'superQuorum', [voteStart])) || []
  return { quorum: quorumTold(rows, proposal, governor, quorum, event), superQuorum: needed ?? null }
}

/** The quorum of a past snapshot that the contract tells; the one that is known where it tells none. */
function quorumTold(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  known: bigint | null,
  event: EventContext,
): bigint | null {
  const of = askedOf(governor, event)
  const [asked] = of.governances.answers?.numbers(rows, of, 'quorum', [proposal.voteStart]) ?? []
  if (asked !== undefined && asked === known) return known
  const [told = known] = contractQuorums(rows, [proposal], of)
  if (told === known || known === null) return told
  if (governor.fixedQuorum !== null)
    rows.change(Governor, governor.id, { fixedQuorum: null }) // it was none
  else setNoFraction(rows, governor)
  return told
}

/** A question to the Governor as of the event's block. */
const askedOf = ({ id }: Readonly<GovernorProfile>, { block, governances }: EventContext) => ({
  address: id,
  block,
  governances,
})

/** An id beyond any time or block. */
const isHashedId = ({ onChainId }: StoredProposal) => BigInt(onChainId) >= 2n ** 64n

/** What the contract says that proposals need. Optimism's quorum() takes a proposal's id in place of its snapshot; where it takes a snapshot, an id that
 *  is a hash is in the future, for which OpenZeppelin's tokens tell no supply. */
function contractQuorums(
  rows: Rows,
  proposals: readonly StoredProposal[],
  of: ReturnType<typeof askedOf>,
): (bigint | undefined)[] {
  const numbers = (values: readonly (number | string)[]) =>
    of.governances.answers?.numbers(rows, of, 'quorum', values) ?? []
  const atSnapshots = numbers(proposals.map(({ voteStart }) => voteStart))
  const hashed = proposals.filter(isHashedId)
  const byId = numbers(hashed.map(({ onChainId }) => onChainId))
  return proposals.map((one, index) => byId[hashed.indexOf(one)] ?? atSnapshots[index])
}

/** From here on the contract is asked for each proposal. What was computed for those without a ballot, which would be asked with it, is not known. */
function setNoFraction(rows: Rows, { id }: Readonly<GovernorProfile>) {
  rows.change(Governor, id, { quorumUnknown: NO_FRACTION })
  for (const proposal of rows.find(Proposal, 'governorId', id))
    if (proposal.quorum !== null && proposal.againstVotes + proposal.forVotes + proposal.abstainVotes === 0n)
      changeProposal(rows, proposal, { quorum: null })
}

const NO_FRACTION =
  'Its quorum() is not the fraction of the supply that its quorumNumerator() tells, or its token is not followed from its first block on: the contract is asked for each proposal, with its first ballot.'

/** After another quorum was announced. A Governor without checkpoints (OpenZeppelin before 4.7.2, a plain variable, Compound's constant)
 *  applies it to past snapshots, too: so those are asked again. */
export function reviseQuorums(rows: Rows, event: EventContext) {
  const governor = rows.must(Governor, event.address)
  if (!isAsked(governor)) return
  const past = rows.find(Proposal, 'governorId', event.address).filter(({ quorum }) => quorum !== null)
  const asked = () =>
    governor.quorumUnknown === null
      ? (event.governances.answers?.numbers(
          rows,
          event,
          'quorum',
          past.map(({ voteStart }) => voteStart),
        ) ?? [])
      : contractQuorums(rows, past, askedOf(governor, event))
  const quorums = isCompound(governor) ? past.map(() => governor.fixedQuorum) : asked()
  for (const [index, proposal] of past.entries()) {
    const quorum = quorums[index]
    if (quorum !== undefined) changeProposal(rows, proposal, { quorum })
  }
}
