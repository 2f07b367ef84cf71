import { setImmediate as nextTurn } from 'node:timers/promises'
import { matchesInTime } from '#engine/text/boundedMatch.ts'
import { type Assessment, QualityIndex, UNPUBLISHED } from '#rules/quality.ts'
import { MAX_SAMPLE_BYTES } from '#rules/sample.ts'
import { requirementCheck } from '#rules/sampleRequirements.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { type Specification, utf8Of } from '#schema/documents.ts'
import { Contribution, type Datanet } from '#schema/onchain/datanets.ts'
import { rowsOf } from '#schema/rows.ts'
import { recordedScreening } from '#screening/recorded.ts'
import { inCommitOrder } from './commitOrder.ts'
import { JobError } from './job.ts'
import { loadMandatedModel, loadSealed, type Sources } from './modelLookup.ts'

/** For how long contributions are judged before other events, such as heartbeats, get their turn. */
const JUDGED_FOR_MS = 100

/** How many samples are in memory as they were submitted. A sample of 1 MiB may be submitted any number of times. */
const TEXTS_AT_ONCE = 32

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
  onProgress: (done: number) => void = () => {},
): Promise<AssessedContribution[]> {
  const { rubric, specification } = await loadMandatedModel(sources, datanet.modelId)
  const qualityIndex = new QualityIndex({
    sealed: [...(await loadSealed(sources, rubric.test)), ...(await loadSealed(sources, rubric.validation))],
    checks: [specificationCheck(specification)],
    comparison: datanet.comparison ?? 'prose',
  })
  const all = await inCommitOrder(sources, await contributionsBeside(sources, datanet))
  const isAsked = ({ datanetId }: Contribution) => datanetId === datanet.id
  const contributions = all.slice(0, all.findLastIndex(({ contribution }) => isAsked(contribution)) + 1)
  const assessed: AssessedContribution[] = []
  let since = performance.now()
  for (let next = 0; next < contributions.length; next += TEXTS_AT_ONCE) {
    const part = contributions.slice(next, next + TEXTS_AT_ONCE)
    const texts = await Promise.all(part.map(({ contribution }) => sampleText(sources, contribution)))
    for (const [index, { contribution, committed }] of part.entries()) {
      if (performance.now() - since > JUDGED_FOR_MS) {
        await nextTurn()
        since = performance.now()
      }
      const { id, reason, status } = contribution
      const text = texts[index]
      const entry = { id, committed, text, check: recordedScreening(reason) }
      if (isAsked(contribution) || (text === undefined && status === 'Submitted'))
        assessed.push({ contribution, committed, assessment: qualityIndex.add(entry) })
      else qualityIndex.hold(entry)
      onProgress((next + index + 1) / contributions.length)
    }
  }
  return assessed
}

/** The contributions of the datanet, and those of the datanets that the owner of its model opened for it: anybody may open one, and what is given to a
 *  stranger's takes nothing from others. */
const contributionsBeside = ({ db }: Sources, { id, modelId }: Datanet): Promise<Contribution[]> =>
  rowsOf(db, Contribution, `datanet_id = $1 or datanet_id in (${OWN_DATANETS})`, [id, modelId])

/** SQL: the ids of the datanets of the model `$2` that its owner opened. */
const OWN_DATANETS = `select d.id from datanet d join model m on m.id = d.model_id and m.to_block is null and m.proposer = d.owner
  where d.model_id = $2 and d.to_block is null`

/** The text of the sample; undefined when the content is not published, or was not when it was scored. It is empty, and thus malformed, when the content is
 *  something else, such as a model, or bytes that no reader of documents takes, so that training could not read what is accepted here. */
async function sampleText(
  { artifacts }: Sources,
  { contentHash, reason, status }: Contribution,
): Promise<string | undefined> {
  if (status === 'Rejected' && reason !== null && wasUnreadable(reason)) return undefined
  try {
    return utf8Of(await artifacts.get(contentHash, { maxBytes: MAX_SAMPLE_BYTES })) ?? ''
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code === 'corrupt') throw error
    return error.code === 'missing' ? undefined : ''
  }
}

/** Earlier releases recorded what was not published as no JSON: whatever else they called so is malformed all the same. */
const wasUnreadable = (reason: string) => reason.startsWith(UNPUBLISHED) || reason.startsWith('Not JSON.')

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
