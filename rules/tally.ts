/** Rule 1 (tally): votes, quorum and the state of a proposal as of any block. The Governor computes them; this is its oracle. */

import { bigintMax, mulDiv } from './bps.ts'

/** OpenZeppelin Governor 5's `ProposalState`, in the order of its enum. */
export const PROPOSAL_STATES = [
  'Pending',
  'Active',
  'Canceled',
  'Defeated',
  'Succeeded',
  'Queued',
  'Expired',
  'Executed',
] as const
export type ProposalState = (typeof PROPOSAL_STATES)[number]

/** What the clocks read at one block: everything up to and including `block`, whose timestamp is `time` (unix seconds). */
export type ClockReading = { block: bigint; time: bigint }

/** One `VoteCast` or `VoteCastWithParams`. `support`: 0 against, 1 for, 2 abstain, 255 fractional (then `params` holds
 *  three packed uint128: against, for, abstain). `weight` is the voting power in the event. */
export type VoteCast = { voter: string; support: number; weight: bigint; block: bigint; params?: string }

export type ProposalVotes = { for: bigint; against: bigint; abstain: bigint }

/** The events of a proposal. `snapshot`, `deadline` and `extensions` are in units of `clock`. Each event has its block, so the same record gives
 *  the state at every block. */
export type ProposalHistory = {
  clock: 'block' | 'timestamp'
  created: bigint
  snapshot: bigint
  deadline: bigint
  /** Votes needed, as of the snapshot (see `quorumOf`). */
  quorum: bigint
  /** GovernorSuperQuorum: with this many votes in favour a proposal succeeds before its deadline. */
  superQuorum?: bigint
  /** `COUNTING_MODE`'s `quorum=`: which votes count toward it. OpenZeppelin's modules count `for,abstain`. */
  counting?: 'for,abstain' | 'for' | 'for,against,abstain'
  extensions?: readonly { block: bigint; deadline: bigint }[]
  /** `eta` in unix seconds. */
  queued?: { block: bigint; eta: bigint }
  executed?: bigint
  canceled?: bigint
  /** The timelock's own events for the operation of this proposal: they execute or cancel the proposal as well. */
  timelock?: { executed?: bigint; canceled?: bigint }
  /** Seconds after `eta` at which a queued proposal expires (Compound's timelock; OpenZeppelin's has none). */
  gracePeriod?: bigint
  /** Unix seconds after which a proposal that succeeded can no longer be executed (a mandate's deadline). */
  expiresAt?: bigint
}

const FRACTIONAL = 255
/** Three uint128: against, for, abstain. In ballots by signature, a nonce of 16 bytes follows (flexible voting). */
const PACKED = /^0x([0-9a-f]{32})([0-9a-f]{32})([0-9a-f]{32})([0-9a-f]{32})?$/i

/** Adds up the votes cast up to the block `asOf` (default: all).
 *  @throws RangeError on a kind of support that Governor 5 does not know. */
export function tally(votes: Iterable<VoteCast>, asOf?: bigint): ProposalVotes {
  const sum: ProposalVotes = { for: 0n, against: 0n, abstain: 0n }
  for (const vote of votes) {
    if (asOf !== undefined && vote.block > asOf) continue
    const parts = partsOf(vote)
    sum.against += parts.against
    sum.for += parts.for
    sum.abstain += parts.abstain
  }
  return sum
}

/** For + Against + Abstain. */
export function turnout(sum: ProposalVotes): bigint {
  return sum.for + sum.against + sum.abstain
}

/** The parts that the params of a fractional ballot give; undefined where they give none. */
export function splitOf(params: string | undefined): ProposalVotes | undefined {
  const [, against, favour, abstain] = params?.match(PACKED) ?? []
  if (against === undefined) return undefined
  return { against: BigInt(`0x${against}`), for: BigInt(`0x${favour}`), abstain: BigInt(`0x${abstain}`) }
}

/** Splits one vote into its three parts (GovernorCountingSimple, or GovernorCountingFractional when `support` is 255). `fractional`: params that
 *  split the ballot count with every support (flexible voting). */
export function partsOf(vote: Omit<VoteCast, 'block'>, fractional = vote.support === FRACTIONAL): ProposalVotes {
  const split = fractional ? splitOf(vote.params) : undefined
  if (split) return split
  if (vote.support === 0) return { against: vote.weight, for: 0n, abstain: 0n }
  if (vote.support === 1) return { against: 0n, for: vote.weight, abstain: 0n }
  if (vote.support === 2) return { against: 0n, for: 0n, abstain: vote.weight }
  throw new RangeError(
    `Vote of ${vote.voter}: support ${vote.support} is neither 0, 1, 2 nor 255 with 48 or 64 bytes of parameters. ` +
      'This Governor counts votes in another way, which is not supported.',
  )
}

/** Votes needed at a snapshot: the quorum fraction of the total supply, both as of the snapshot (GovernorVotesQuorumFraction).
 *  @oracle ModelGovernor.quorum */
export function quorumOf(supplyAtSnapshot: bigint, numerator: bigint, denominator = 100n): bigint {
  return mulDiv(supplyAtSnapshot, numerator, denominator)
}

/** Votes that count toward the quorum. */
export function quorumVotes(sum: ProposalVotes, counting: ProposalHistory['counting'] = 'for,abstain'): bigint {
  if (counting === 'for') return sum.for
  return counting === 'for,abstain' ? sum.for + sum.abstain : turnout(sum)
}

/**
 * The state that Governor 5's `state()` returns at `asOf`, with the overrides of GovernorTimelockControl, GovernorTimelockCompound and
 * GovernorSuperQuorum. Later events are ignored.
 * @throws RangeError when the proposal did not exist yet.
 * @oracle ModelGovernor.state
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { proposalState } from '#rules/tally.ts'
 *
 * const proposal = { clock: 'block', created: 10n, snapshot: 20n, deadline: 30n, quorum: 100n } as const
 * const votes = [{ voter: '0xa', support: 1, weight: 100n, block: 25n }]
 * assert.equal(proposalState(proposal, votes, { block: 25n, time: 0n }), 'Active')
 * assert.equal(proposalState(proposal, votes, { block: 31n, time: 0n }), 'Succeeded')
 * ```
 */
export function proposalState(proposal: ProposalHistory, votes: Iterable<VoteCast>, asOf: ClockReading): ProposalState {
  const happened = (block: bigint | undefined) => block !== undefined && block <= asOf.block
  if (!happened(proposal.created))
    throw new RangeError(
      `The proposal was created in block ${proposal.created}; ask for that block or later, not ${asOf.block}.`,
    )
  if (happened(proposal.executed)) return 'Executed'
  if (happened(proposal.canceled)) return 'Canceled'
  const now = proposal.clock === 'block' ? asOf.block : asOf.time
  if (proposal.snapshot >= now) return 'Pending'

  const sum = tally(votes, asOf.block)
  const succeeded = sum.for > sum.against
  if (deadlineAt(proposal, asOf.block) >= now) {
    const early = proposal.superQuorum !== undefined && sum.for >= proposal.superQuorum && succeeded
    if (!early) return 'Active'
  } else if (!succeeded || quorumVotes(sum, proposal.counting) < proposal.quorum) return 'Defeated'

  const { queued } = proposal
  if (queued === undefined || !happened(queued.block)) return isLate(proposal.expiresAt, asOf) ? 'Expired' : 'Succeeded'
  if (happened(proposal.timelock?.executed)) return 'Executed'
  if (happened(proposal.timelock?.canceled)) return 'Canceled'
  const graceOver = proposal.gracePeriod !== undefined && asOf.time >= queued.eta + proposal.gracePeriod
  return graceOver || isLate(proposal.expiresAt, asOf) ? 'Expired' : 'Queued'
}

/** The deadline as of a block: GovernorPreventLateQuorum may have extended it. */
export function deadlineAt(proposal: ProposalHistory, block: bigint): bigint {
  let { deadline } = proposal
  for (const extension of proposal.extensions ?? [])
    if (extension.block <= block) deadline = bigintMax(deadline, extension.deadline)
  return deadline
}

function isLate(expiresAt: bigint | undefined, asOf: ClockReading): boolean {
  return expiresAt !== undefined && asOf.time > expiresAt
}
