import { mulDiv } from './bps.ts'

/** What can be disputed, in the order of the contract's enum. */
export const SUBJECTS = ['contribution', 'judgement', 'version', 'rewardMap'] as const
export type Subject = (typeof SUBJECTS)[number]

/** The grounds on which each subject can be disputed, and who decides: recomputation from public facts and artifacts
 *  wherever it can, the governor's vote where judgement is needed (rule 12). */
export const GROUNDS = {
  contribution: {
    /** The same or contained content was committed earlier. */
    duplicate: 'recomputation',
    /** It overlaps an evaluation item that is unsealed by now. */
    contaminated: 'recomputation',
    /** The artifact does not have the content hash, or is no sample. */
    malformed: 'recomputation',
    /** Its influence is clearly negative. */
    harmful: 'recomputation',
    licence: 'vote',
    offTopic: 'vote',
  },
  /** A judgement's stake is a person's standing: only the governor takes it, with the recomputation before it. */
  judgement: {
    /** The settlement's figures do not follow from the reveals. */
    settlement: 'vote',
    /** It fails gold tasks beyond chance. */
    gold: 'vote',
    collusion: 'vote',
  },
  version: {
    /** A target is not met at the lower bound of the logged evaluation. */
    target: 'recomputation',
    /** Manifest, dataset root or adapter do not have the registered hashes. */
    artifacts: 'recomputation',
    harm: 'vote',
  },
  rewardMap: {
    /** The root does not follow from the finalised facts. */
    root: 'recomputation',
  },
} as const satisfies Record<Subject, Record<string, 'recomputation' | 'vote'>>

export type DisputeGround<S extends Subject = Subject> = S extends Subject ? keyof (typeof GROUNDS)[S] & string : never

/** Who decides a dispute.
 *  @throws RangeError naming the grounds that are possible. */
export function decidedBy(subject: Subject, ground: string): 'recomputation' | 'vote' {
  const grounds: Record<string, 'recomputation' | 'vote'> = GROUNDS[subject]
  if (!Object.hasOwn(grounds, ground))
    throw new RangeError(
      `A ${subject} cannot be disputed for "${ground}". Name one of: ${Object.keys(grounds).join(', ')}.`,
    )
  return grounds[ground]!
}

/** Outcomes as `DisputeResolved` carries them. */
export type DisputeOutcome = 'upheld' | 'rejected'
export const outcomeCode = (outcome: DisputeOutcome): 1 | 2 => (outcome === 'upheld' ? 1 : 2)

/** What decides: a recomputed value against the recorded one, or a governor proposal's state. */
export type DisputeEvidence =
  | { by: 'recomputation'; recorded: string; recomputed: string }
  | { by: 'vote'; state: string }

/** The outcome, or `null` while it is open. A recomputation that gives another value upholds the dispute; a vote
 *  upholds it once the proposal that does so is executed, and rejects it when that is defeated, cancelled or expired.
 *  @throws RangeError when the evidence is of the wrong kind for the ground. */
export function disputeOutcome(subject: Subject, ground: string, evidence: DisputeEvidence): DisputeOutcome | null {
  const decider = decidedBy(subject, ground)
  if (evidence.by !== decider)
    throw new RangeError(`A ${subject} disputed for "${ground}" is decided by ${decider}, not by ${evidence.by}.`)
  if (evidence.by === 'recomputation')
    return evidence.recorded.toLowerCase() === evidence.recomputed.toLowerCase() ? 'rejected' : 'upheld'
  if (evidence.state === 'Executed') return 'upheld'
  return ['Defeated', 'Canceled', 'Expired'].includes(evidence.state) ? 'rejected' : null
}

/** Where the money goes, in wei. Invariant: `bond + slashed = toChallenger + toTreasury`. */
export type DisputeFlows = { slashed: bigint; toChallenger: bigint; toTreasury: bigint }

/** Upheld: the bond comes back with half of what is slashed, the other half goes to the treasury. Rejected: the bond
 *  goes to the treasury and nothing is slashed. `stake` is what the subject has locked, `slash` what is asked. */
export function disputeFlows(input: {
  outcome: DisputeOutcome
  bond: bigint
  stake: bigint
  slash: bigint
}): DisputeFlows {
  const { outcome, bond, stake, slash } = input
  if (slash < 0n || slash > stake) throw new RangeError(`Cannot slash ${slash} of a stake of ${stake}.`)
  if (outcome === 'rejected') return { slashed: 0n, toChallenger: 0n, toTreasury: bond }
  const bounty = mulDiv(slash, 1n, 2n)
  return { slashed: slash, toChallenger: bond + bounty, toTreasury: slash - bounty }
}

/** What an upheld dispute sets in motion, besides money. */
export const CONSEQUENCES: Record<Subject, string> = {
  contribution: 'It earns nothing from the next epoch on.',
  judgement: 'It no longer weighs in training, and its stake is slashed.',
  version: 'It is rolled back and its endpoints stop serving it.',
  rewardMap: 'It is cancelled and the epoch is published anew.',
}
