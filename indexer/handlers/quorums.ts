import { QUORUM_CHANGED, quorumIn } from '#rules/storedProposal.ts'
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
    const isOwn = governor.id === event.address
    if (!isAsked(governor) || (isOwn && isCompound(governor))) changeProposal(rows, proposal, { quorum })
    // At an event of the Governor, it may answer with what this event changes: it is asked after that (`reviseQuorums`).
    else if (isOwn) continue
    else if (isCompound(governor))
      changeProposal(rows, proposal, votesStillNeeded(rows, { ...proposal, quorum }, governor, event))
    else changeProposal(rows, proposal, { quorum: quorumTold(rows, proposal, governor, quorum, event) })
  }
}

/** What a Governor computes in its own way is asked of it, unless it is ours or a replay. */
const isAsked = ({ askedAt }: Readonly<GovernorProfile>) => askedAt !== null

type VotesNeeded = Pick<Proposal, 'quorum' | 'superQuorum'>

const UNKNOWN: VotesNeeded = { quorum: null, superQuorum: null }

const hasBallots = ({ againstVotes, forVotes, abstainVotes }: StoredProposal) =>
  againstVotes + forVotes + abstainVotes > 0n

/** The quorum and the super quorum of a proposal on which somebody votes. With the first ballot, the contract is asked: its quorum may be no
 *  fraction of the supply, or not the one that it declares. */
export function votesNeeded(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  event: EventContext,
): VotesNeeded {
  if (governor.quorumUnknown === QUORUM_CHANGED) return UNKNOWN
  const { superQuorum, voteStart } = proposal
  const quorum = proposal.quorum ?? quorumNow(rows, governor, event)
  if (!isAsked(governor)) return { quorum, superQuorum }
  if ((hasBallots(proposal) && proposal.quorum !== null) || isCompound(governor))
    return votesStillNeeded(rows, { ...proposal, quorum }, governor, event)
  const { answers } = event.governances
  const [needed] = (governor.hasSuperQuorum && answers?.numbers(rows, event, 'superQuorum', [voteStart])) || []
  const told = quorumTold(rows, proposal, governor, quorum, event)
  if (quorum !== null && told !== null && told !== quorum && isLastChanged(rows, governor, event))
    return setChanged(rows, governor)
  return { quorum: told, superQuorum: needed ?? null }
}

/** Where the quorum of the last snapshot that is known changed, nothing is known any more: asked when somebody proposes. */
export function checkLastQuorum(rows: Rows, event: EventContext) {
  const governor = rows.must(Governor, event.address)
  if (isAsked(governor) && isLastChanged(rows, governor, event)) setChanged(rows, governor)
}

/** Whether the last proposal with a ballot needs something else than it did. */
function isLastChanged(rows: Rows, governor: Readonly<GovernorProfile>, event: EventContext): boolean {
  let last: StoredProposal | undefined
  for (const one of rows.find(Proposal, 'governorId', governor.id))
    if (hasBallots(one) && one.quorum !== null && one.voteStart >= (last?.voteStart ?? 0)) last = one
  return last !== undefined && isChanged(rows, last, governor, event)
}

/** What a proposal needs at an event of it. The contract is asked again, as of the event's block: where the answer is another one, and no event of
 *  the block announces that, nothing is known any more of what its proposals need. */
export function votesStillNeeded(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  event: EventContext,
): VotesNeeded {
  const { quorum, superQuorum } = proposal
  return isChanged(rows, proposal, governor, event) ? setChanged(rows, governor) : { quorum, superQuorum }
}

function isChanged(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  event: EventContext,
): boolean {
  const { quorum, superQuorum, voteStart } = proposal
  const { answers } = event.governances
  if (!isAsked(governor) || event.announcesQuorum) return false
  const of = askedOf(governor, event)
  const [needed] = (superQuorum !== null && answers?.numbers(rows, of, 'superQuorum', [voteStart])) || []
  if (needed !== undefined && needed !== superQuorum) return true
  if (quorum === null) return false
  const told = isCompound(governor) ? answers?.quorumVotes(rows, of) : contractQuorum(rows, proposal, quorum, of)
  return told !== undefined && told !== quorum
}

function setChanged(rows: Rows, { id }: Readonly<GovernorProfile>): VotesNeeded {
  rows.change(Governor, id, { quorumUnknown: QUORUM_CHANGED })
  for (const proposal of rows.find(Proposal, 'governorId', id)) changeProposal(rows, proposal, UNKNOWN)
  return UNKNOWN
}

/** The quorum of a past snapshot that the contract tells; null where it tells none, whatever it declares. */
function quorumTold(
  rows: Rows,
  proposal: StoredProposal,
  governor: Readonly<GovernorProfile>,
  known: bigint | null,
  event: EventContext,
): bigint | null {
  const told = contractQuorum(rows, proposal, known, askedOf(governor, event)) ?? null
  if (told === null || told === known || known === null) return told
  if (governor.fixedQuorum !== null)
    rows.change(Governor, governor.id, { fixedQuorum: null }) // it was none
  else setNoFraction(rows, governor)
  return told
}

/** What the contract says that a proposal needs: `known` where it says so of its snapshot. */
function contractQuorum(
  rows: Rows,
  proposal: StoredProposal,
  known: bigint | null,
  of: ReturnType<typeof askedOf>,
): bigint | undefined {
  const [asked] = of.governances.answers?.numbers(rows, of, 'quorum', [proposal.voteStart]) ?? []
  return asked !== undefined && asked === known ? asked : contractQuorums(rows, [proposal], of)[0]
}

/** A question to the Governor as of the event's block. */
const askedOf = ({ id }: Readonly<GovernorProfile>, { block, blockHash, governances }: EventContext) => ({
  address: id,
  block,
  blockHash,
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
  const clock = event.governances.clockAt(governor, event)
  const isKnowable = governor.quorumUnknown !== QUORUM_CHANGED
  const past = rows
    .find(Proposal, 'governorId', event.address)
    .filter(({ quorum, voteStart }) => quorum !== null || (isKnowable && voteStart < clock))
  const quorums = isCompound(governor)
    ? past.map(() => governor.fixedQuorum)
    : pastQuorums(rows, past, askedOf(governor, event))
  for (const [index, proposal] of past.entries()) {
    const quorum = quorums[index]
    if (quorum !== undefined) changeProposal(rows, proposal, { quorum })
  }
}

/** What the contract says that proposals need: of those for whose snapshot it does not tell what is known, it may be asked by their ids. */
function pastQuorums(rows: Rows, past: readonly StoredProposal[], of: ReturnType<typeof askedOf>) {
  const numbers = past.map(({ voteStart }) => voteStart)
  const atSnapshots = of.governances.answers?.numbers(rows, of, 'quorum', numbers) ?? []
  const others = past.filter(({ quorum }, index) => atSnapshots[index] !== quorum)
  const byOthers = contractQuorums(rows, others, of)
  return past.map((one, index) => (others.includes(one) ? byOthers[others.indexOf(one)] : atSnapshots[index]))
}
