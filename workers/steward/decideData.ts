import type { DatanetFacts, ModelFacts } from './facts.ts'
import { countOf, type Step } from './step.ts'

/** Data: contributions are scored in batches, and trained on when there are enough new ones. */
export const dataSteps = (facts: ModelFacts, judgementInProgress: string | undefined): Step[] =>
  facts.datanets.flatMap((datanet) => [
    ...scoreStep(facts, datanet),
    ...trainStep(
      facts,
      datanet,
      judgementInProgress ?? evaluationInProgress(facts) ?? scoringInProgress(facts, datanet),
    ),
  ])

function scoreStep({ policy: { score }, now }: ModelFacts, { id, unscored }: DatanetFacts): Step[] {
  if (!score) return []
  const step = { name: 'score', kind: 'scoreDatanet', input: { datanetId: id } } as const
  if (!unscored)
    return [
      {
        ...step,
        occasion: `score/${id}`,
        reason: `Contributions of datanet ${id} are scored.`,
        waitsFor: 'contributions',
      },
    ]
  const due = {
    ...step,
    occasion: `score/${id}/from ${unscored.firstId}`,
    reason: `${countOf(unscored.count, 'contribution')} of datanet ${id} ${unscored.count === 1 ? 'has' : 'have'} no verdict.`,
  }
  const dueAt = after(unscored.oldestAt, score.afterSeconds)
  if (unscored.count >= score.batch || dueAt <= now) return [due]
  return [{ ...due, waitsFor: `${countOf(score.batch - unscored.count, 'more contribution')}, or its time`, dueAt }]
}

function trainStep(
  { policy: { train }, modelId, live, now }: ModelFacts,
  { id, fresh, trained }: DatanetFacts,
  inProgress: string | undefined,
): Step[] {
  if (!train) return []
  const needed = trained ? Math.max(1, Math.ceil(train.growth * trained.samples)) : train.samples
  const parentVersionId = train.continue && live ? live.id : undefined
  const step = {
    name: 'train',
    occasion: `train/${id}/after ${trained?.versionId ?? 'none'}`,
    kind: 'fineTune',
    input: {
      ...train.settings,
      modelId,
      datanetId: id,
      ...(parentVersionId !== undefined && { parentVersionId }),
      ...(train.priceWei !== '0' && { priceWei: train.priceWei }),
    },
    reason: trained
      ? `Datanet ${id} has ${countOf(fresh, 'accepted contribution')} that version ${trained.versionId} was not trained on.`
      : `Datanet ${id} has ${countOf(fresh, 'accepted contribution')}, and no version was trained on them.`,
    cost: BigInt(train.priceWei),
  } as const
  const dueAt = trained && train.afterSeconds !== undefined ? after(trained.at, train.afterSeconds) : undefined
  if (fresh < needed && !(fresh > 0 && dueAt && dueAt <= now)) {
    const missing = countOf(needed - fresh, 'more accepted contribution')
    if (!dueAt) return [{ ...step, waitsFor: missing }]
    return fresh > 0
      ? [{ ...step, waitsFor: `${missing}, or its time`, dueAt }]
      : [{ ...step, waitsFor: `${missing}, or one from ${dueAt.toISOString()} on` }]
  }
  return inProgress ? [{ ...step, waitsFor: inProgress }] : [step]
}

/** Verdicts are written a few at a time: who trains between them trains on a part of the samples. A job that waits for commitments of others stops nobody. */
function scoringInProgress({ jobs }: ModelFacts, { id }: DatanetFacts): string | undefined {
  const scoring = jobs.find(({ kind, subject, waits }) => kind === 'scoreDatanet' && subject === id && !waits)
  return scoring && `the verdicts of job ${scoring.id}`
}

/** The newest version first shows what it is worth. */
function evaluationInProgress({ policy, versions }: ModelFacts): string | undefined {
  const newest = versions.at(-1)
  const waits = policy.evaluate !== false && newest?.status === 'Registered' && newest.metrics.length === 0
  return waits ? `the evaluation of version ${newest.id}` : undefined
}

const after = (time: Date, seconds: number) => new Date(time.getTime() + seconds * 1000)
