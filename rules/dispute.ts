/** Rule 12, amendment 12a (disputes): what can be disputed, on which grounds, and who decides. */

/** The subjects, their grounds, and who decides: recomputation from public facts and artifacts wherever it can,
 *  the Governor's vote where judgement is needed. Subjects are named as in the contract's enum. */
export const GROUNDS = {
  Contribution: {
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
  /** Only the Governor takes a validator's stake, because a judgement is a person's reputation; the recomputation informs its vote. */
  Judgement: {
    /** The settlement's figures do not follow from the reveals. */
    settlement: 'vote',
    /** It fails gold tasks beyond chance. */
    gold: 'vote',
    collusion: 'vote',
  },
  Version: {
    /** A target is not met at the lower bound of the logged evaluation. */
    target: 'recomputation',
    /** Manifest, dataset root or adapter do not have the registered hashes. */
    artifacts: 'recomputation',
    harm: 'vote',
  },
  RewardMap: {
    /** The root does not follow from the finalised facts. */
    root: 'recomputation',
  },
} as const satisfies Record<string, Record<string, 'recomputation' | 'vote'>>

export type DisputeSubject = keyof typeof GROUNDS

/**
 * Who decides a dispute.
 * @throws RangeError with the possible grounds.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { decidedBy } from '#rules/dispute.ts'
 *
 * assert.equal(decidedBy('RewardMap', 'root'), 'recomputation')
 * assert.equal(decidedBy('Contribution', 'licence'), 'vote')
 * ```
 */
export function decidedBy(subject: DisputeSubject, ground: string): 'recomputation' | 'vote' {
  const decider = new Map<string, 'recomputation' | 'vote'>(Object.entries(GROUNDS[subject])).get(ground)
  if (decider === undefined)
    throw new RangeError(
      `A dispute about a ${subject} cannot have the ground "${ground}". Use one of: ${Object.keys(GROUNDS[subject]).join(', ')}.`,
    )
  return decider
}

/** Decides a dispute by recomputation: it is upheld when the recomputed value differs from the recorded one (hexadecimal digits may differ
 *  in case). A vote needs no rule here: the proposal that passed calls `Disputes.resolve` itself.
 *  @throws RangeError when the ground is decided by a vote. */
export function recomputedOutcome(
  subject: DisputeSubject,
  ground: string,
  values: { recorded: string; recomputed: string },
): 'upheld' | 'rejected' {
  if (decidedBy(subject, ground) !== 'recomputation')
    throw new RangeError(`A dispute about a ${subject} for "${ground}" is decided by a vote, not by recomputation.`)
  return values.recorded.toLowerCase() === values.recomputed.toLowerCase() ? 'rejected' : 'upheld'
}

/** The wei that an upheld dispute takes when recomputation decides it: the whole stake behind a contribution. A version and a reward map have
 *  no stake, and the contract refuses to slash them. */
export function upheldSlash(subject: DisputeSubject, stakeWei: bigint): bigint {
  return subject === 'Contribution' ? stakeWei : 0n
}
