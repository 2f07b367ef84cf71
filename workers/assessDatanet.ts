import { matchesInTime } from '#engine/text/boundedMatch.ts'
import { type Assessment, QualityIndex } from '#rules/quality.ts'
import { requirementCheck } from '#rules/sampleRequirements.ts'
import type { Specification } from '#schema/documents.ts'
import type { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { comparedSamples } from './comparedSamples.ts'
import { JobError } from './job.ts'
import { loadMandatedModel, loadSealed, type Sources } from './modelLookup.ts'

export interface AssessedContribution {
  contribution: Contribution
  assessment: Assessment
  /** The `commitOrder` of its commitment. */
  committed: bigint
}

/**
 * Judges every contribution of a datanet in the order of the commitments (rule 3), so that anyone can recompute the verdicts on chain. What an earlier one
 * has, of this datanet or another of the model's owner (4b), is not new. Each pair is compared as the datanet asked for compares, whatever the other one's
 * setting is: the later sample is judged by the rules under which it was given.
 *
 * Before those that they precede come the contributions of the other datanets that have no verdict and that nobody can read: whoever scores must refuse
 * them first, else their contributors could publish them later and so make copies of what was accepted meanwhile.
 */
export async function assessDatanet(
  sources: Sources,
  datanet: Datanet,
  onProgress?: (done: number) => void,
): Promise<AssessedContribution[]> {
  const index = await qualityIndexOf(sources, datanet)
  const isAsked = ({ datanetId }: Contribution) => datanetId === datanet.id
  const assessed: AssessedContribution[] = []
  for await (const { contribution, entry } of comparedSamples(sources, datanet, isAsked, onProgress))
    if (isAsked(contribution) || (entry.text === undefined && contribution.status === 'Submitted'))
      assessed.push({ contribution, committed: entry.committed, assessment: index.add(entry) })
    else index.hold(entry)
  return assessed
}

/** An index that judges the samples of a datanet by its comparison, its model's specification and the sealed items. */
async function qualityIndexOf(sources: Sources, { modelId, comparison }: Datanet): Promise<QualityIndex> {
  const { rubric, specification } = await loadMandatedModel(sources, modelId)
  return new QualityIndex({
    sealed: [...(await loadSealed(sources, rubric.test)), ...(await loadSealed(sources, rubric.validation))],
    checks: [specificationCheck(specification)],
    comparison: comparison ?? 'prose',
  })
}

/** The check that a specification requires of a sample. */
function specificationCheck({ samples }: Specification) {
  try {
    return requirementCheck(samples, matchesInTime)
  } catch (cause) {
    throw new JobError(
      'BAD_SPECIFICATION',
      `The specification's pattern of completions is not a regular expression: ${(cause as Error).message}. Propose a corrected specification.`,
      { cause },
    )
  }
}
