/** Rule 1 (tally): the state of a proposal from a table row. */

import { type ProposalState, type ProposalVotes, proposalState, quorumOf } from './tally.ts'

/** A proposal as a table row: its state of knowledge at the block of the row, without history. */
export interface StoredProposal {
  /** In units of the Governor's clock. */
  voteStart: number
  voteEnd: number
  againstVotes: bigint
  forVotes: bigint
  abstainVotes: bigint
  canceled: boolean
  executed: boolean
  /** The time from which the timelock may execute it; `null` until it is queued. */
  eta: Date | null
  /** With this many votes in favour it succeeds before its deadline; `null` until it is known. */
  superQuorum?: bigint | null
}

/** How a Governor measures time and counts votes. */
export interface Counting {
  clock: 'Timestamp' | 'BlockNumber'
  counting: 'ForAbstain' | 'For' | 'All'
  quorumDenominator: bigint
  fixedQuorum: bigint | null
  /** Seconds after the eta at which a queued proposal expires; `null`: never. */
  gracePeriod: number | null
  /** GovernorSuperQuorum. */
  hasSuperQuorum?: boolean
  /** Why the quorum is not known. */
  quorumUnknown?: string | null
}

/** The reason of a Governor that changed the quorum of a past snapshot without an event. */
export const QUORUM_CHANGED =
  'What a proposal of it needs changed after a ballot on it, without an event that announces that: it may change at any time.'

/** Whether a quorum that is not stored follows from what the Governor declares. A contract of others, which is asked, may compute its own in any way and
 *  change it without an event: what a proposal needs is known from when the contract told it. */
export const declaresQuorum = ({ quorumUnknown, askedAt }: { quorumUnknown: string | null; askedAt: number | null }) =>
  quorumUnknown === null && askedAt === null

const COUNTED = { ForAbstain: 'for,abstain', For: 'for', All: 'for,against,abstain' } as const

export const countedFor = ({ counting }: Pick<Counting, 'counting'>) => COUNTED[counting]

export const tallyOf = (row: Pick<StoredProposal, 'againstVotes' | 'forVotes' | 'abstainVotes'>): ProposalVotes => ({
  against: row.againstVotes,
  for: row.forVotes,
  abstain: row.abstainVotes,
})

const BEYOND_ALL_VOTES = 2n ** 256n

/** The quorum: fixed, or a fraction of the supply; `null` when neither is known, or the contract cannot compute it. */
export function quorumIn(
  { fixedQuorum, quorumDenominator }: Pick<Counting, 'fixedQuorum' | 'quorumDenominator'>,
  supply: bigint | null,
  numerator: bigint | null,
): bigint | null {
  if (fixedQuorum !== null) return fixedQuorum
  if (supply === null || numerator === null || supply < 0n || quorumDenominator === 0n) return null
  const quorum = quorumOf(supply, numerator, quorumDenominator)
  return quorum < BEYOND_ALL_VOTES ? quorum : null
}

const seconds = (time: Date | null) => BigInt(Math.floor((time?.getTime() ?? 0) / 1000))

/**
 * The state that the Governor's `state()` reports at a block. When the quorum or the super quorum is unknown (`null`): the state if it is the
 * same for each, else `null`. Where it may change at any time, a queued proposal need not have the votes any more.
 * @oracle ModelGovernor.state
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { stateOfStored } from '#rules/storedProposal.ts'
 *
 * const row = {
 *   voteStart: 20,
 *   voteEnd: 30,
 *   againstVotes: 1n,
 *   forVotes: 5n,
 *   abstainVotes: 0n,
 *   canceled: false,
 *   executed: false,
 *   eta: null,
 * }
 * const governor = {
 *   clock: 'BlockNumber',
 *   counting: 'ForAbstain',
 *   quorumDenominator: 100n,
 *   fixedQuorum: null,
 *   gracePeriod: null,
 * } as const
 * assert.equal(stateOfStored(row, governor, 5n, { block: 31, time: null }), 'Succeeded')
 * assert.equal(stateOfStored(row, governor, 6n, { block: 31, time: null }), 'Defeated')
 * assert.equal(stateOfStored(row, governor, null, { block: 31, time: null }), null)
 * ```
 */
export function stateOfStored(
  row: StoredProposal,
  governor: Counting,
  quorum: bigint | null,
  now: { block: number; time: Date | null },
): ProposalState | null {
  const reached = row.eta !== null && governor.quorumUnknown !== QUORUM_CHANGED // queued, it had the votes that it needed
  const possible = (known: bigint | null | undefined) =>
    known == null ? (reached ? [0n] : [0n, BEYOND_ALL_VOTES]) : [known]
  const states = new Set(
    possible(quorum).flatMap((needed) =>
      (governor.hasSuperQuorum ? possible(row.superQuorum) : [undefined]).map((superQuorum) =>
        stateWith(row, governor, { quorum: needed, superQuorum }, now),
      ),
    ),
  )
  return states.size === 1 ? ([...states][0] ?? null) : null
}

function stateWith(
  row: StoredProposal,
  governor: Counting,
  needed: { quorum: bigint; superQuorum?: bigint },
  now: { block: number; time: Date | null },
): ProposalState {
  const votes = [row.againstVotes, row.forVotes, row.abstainVotes].map((weight, support) => ({
    voter: '',
    support,
    weight,
    block: 0n,
  }))
  const rule = {
    clock: governor.clock === 'Timestamp' ? ('timestamp' as const) : ('block' as const),
    created: 0n,
    snapshot: BigInt(row.voteStart),
    deadline: BigInt(row.voteEnd),
    ...needed,
    counting: countedFor(governor),
    ...(row.eta && { queued: { block: 0n, eta: seconds(row.eta) } }),
    ...(row.executed && { executed: 0n }),
    ...(row.canceled && { canceled: 0n }),
    ...(governor.gracePeriod !== null && { gracePeriod: BigInt(governor.gracePeriod) }),
  }
  return proposalState(rule, votes, { block: BigInt(now.block), time: seconds(now.time) })
}
