/** Rule 12, amendment 12a (disputes): what can be disputed, on which grounds, and who decides. */

/** The subjects, their grounds, and who decides: recomputation from public facts and artifacts wherever it can,
 *  the Governor's vote where judgement is needed. Subjects are named, and stand, as in the contract's enum. */
export const GROUNDS = {
  Contribution: {
    /** The same or contained content was committed earlier. */
    duplicate: 'recomputation',
    /** It overlaps an evaluation item that is unsealed by now. */
    contaminated: 'recomputation',
    /** The artifact does not have the content hash, or is no sample. */
    malformed: 'recomputation',
    /** It holds a secret, or personal data, by the screening rules of its verdict. */
    secret: 'recomputation',
    personalData: 'recomputation',
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
    /** Nobody could fetch the manifest or the adapter, with bytes of the registered hashes, for `ARTIFACT_GRACE_SECONDS`. */
    artifacts: 'recomputation',
    /** The log of its evaluation is not that of its rubric's items, or the scores do not follow from the answers in it. */
    evaluation: 'recomputation',
    /** The manifest's weights do not follow from its influences, or an alignment's differ from its parent's. */
    weights: 'recomputation',
    harm: 'vote',
  },
  RewardMap: {
    /** The root does not follow from the finalised facts. */
    root: 'recomputation',
  },
} as const satisfies Record<string, Record<string, 'recomputation' | 'vote'>>

export type DisputeSubject = keyof typeof GROUNDS

/** In the order of the contract's enum: the place of a subject is its number there. */
export const DISPUTE_SUBJECTS = Object.keys(GROUNDS) as readonly DisputeSubject[]

const groundsOf = (subject: DisputeSubject) =>
  new Map<string | undefined, 'recomputation' | 'vote'>(Object.entries(GROUNDS[subject]))

/** What a resolver found on one ground: the recorded value and the recomputed one. */
export interface Finding {
  ground: string
  recorded: string
  recomputed: string
}

/** Decides a dispute. It is upheld when on any ground the recomputed value differs from the recorded one (hexadecimal digits may differ in case),
 *  whatever ground the challenger states: a dispute that an accomplice argues badly shields nobody. Otherwise a stated ground that
 *  needs judgement is left to a vote, and everything else is rejected. `stated`: undefined when the evidence cannot be read.
 *  @example
 *  ```ts
 *  import assert from 'node:assert'
 *  import { decideDispute } from '#rules/dispute.ts'
 *
 *  const copied = [{ ground: 'duplicate', recorded: 'Accepted', recomputed: 'Rejected' }]
 *  assert.deepEqual(decideDispute('Contribution', 'licence', copied), { outcome: 'upheld', ground: 'duplicate' })
 *  assert.deepEqual(decideDispute('Contribution', 'licence', []), { outcome: 'vote', ground: 'licence' })
 *  ```
 */
export function decideDispute(
  subject: DisputeSubject,
  stated: string | undefined,
  findings: readonly Finding[],
): { outcome: 'upheld' | 'rejected' | 'vote'; ground: string | undefined } {
  const wrong = findings.find((one) => one.recorded.toLowerCase() !== one.recomputed.toLowerCase())
  if (wrong) return { outcome: 'upheld', ground: wrong.ground }
  const needsVote = subject === 'Judgement' || groundsOf(subject).get(stated) === 'vote'
  return { outcome: needsVote ? 'vote' : 'rejected', ground: stated }
}

/** Artifacts count as broken when nobody could fetch them for this long: a store that is away, or one bad copy, is no proof. */
export const ARTIFACT_GRACE_SECONDS = 72 * 3600

/** What is known about the artifacts of a version disputed at `openedAt` (unix seconds), of which at least one cannot be fetched, or only with
 *  other bytes, at `now`. */
export const unreadableArtifacts = (openedAt: number, now: number): 'broken' | 'awaited' =>
  now - openedAt >= ARTIFACT_GRACE_SECONDS ? 'broken' : 'awaited'

/** The wei that an upheld dispute takes when recomputation decides it: the whole stake behind a contribution. A version and a reward map have
 *  no stake, and the contract refuses to slash them. */
export function upheldSlash(subject: DisputeSubject, stakeWei: bigint): bigint {
  return subject === 'Contribution' ? stakeWei : 0n
}
