import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { percent } from './figures.ts'

export type Model = LifecycleAnswer['models']['nodes'][number]
export type Version = Model['versions']['nodes'][number]
export type Score = Version['evaluations']['nodes'][number]

export interface Verdict {
  kind: 'promoted' | 'rolledBack' | 'refused' | 'ready' | 'waiting'
  title: string
  because: string
}

/** The latest score of every metric under the mandate's rubric, targets first. */
export function scoresOf(model: Model, version: Version): Score[] {
  const rubric = model.mandates.nodes[0]?.rubricHash
  const latest = new Map<string, Score>()
  for (const score of version.evaluations.nodes)
    if ((!rubric || score.rubricHash === rubric) && !latest.has(score.metric)) latest.set(score.metric, score)
  const rank = (metric: string) => (minimumOf(model, metric) === undefined ? 1 : 0)
  return [...latest.values()].sort((a, b) => rank(a.metric) - rank(b.metric) || (a.metric < b.metric ? -1 : 1))
}

/** The target of a metric, in ppm. */
export const minimumOf = (model: Model, metric: string): number | undefined => {
  const target = model.targets.nodes.find((one) => one.metric === metric)
  return target && Number(target.minimum)
}

/** A score beside that of the live version. */
export interface LiveComparison {
  score: Score
  live: Score
  /** Rule 15: the whole interval lies below that of the live version. */
  isWorse: boolean
}

const liveOf = (model: Model) => model.versions.nodes.find(({ id }) => id === model.liveVersionId)

/** What is compared for a version that may be promoted over the live one: each metric of the mandate that may not fall. */
export function liveComparisons(model: Model, version: Version): LiveComparison[] {
  const live = liveOf(model)
  if (!live || live.id === version.id || version.status !== 'Registered') return []
  const known = new Map(scoresOf(model, live).map((score) => [score.metric, score]))
  return scoresOf(model, version).flatMap((score) => {
    const before = known.get(score.metric)
    const isBound = model.targets.nodes.some(({ metric, mayFall }) => metric === score.metric && mayFall === false)
    return before && isBound ? [{ score, live: before, isWorse: Number(score.upper) < Number(before.lower) }] : []
  })
}

/** A score with its interval, in words. */
const withInterval = ({ score, lower, upper }: Score) => `${percent(score)} (${percent(lower)} to ${percent(upper)})`

const compared = ({ score, live }: LiveComparison) =>
  `${score.metric} ${withInterval(score)} against ${withInterval(live)}`

/** Whether a version may serve, and why: every target must be met at the lower confidence bound, and no metric may be significantly worse than that of the
 *  live version, unless the mandate lets it fall. */
export function verdictOf(model: Model, version: Version): Verdict {
  const scores = scoresOf(model, version)
  const missed = scores.filter((score) => Number(score.lower) < (minimumOf(model, score.metric) ?? -Infinity))
  const unknown = model.targets.nodes.filter(({ metric }) => !scores.some((score) => score.metric === metric))
  if (version.status === 'RolledBack')
    return { kind: 'rolledBack', title: 'Rolled back', because: version.rollbackReason ?? 'It may never serve again.' }
  if (version.status === 'Promoted')
    return {
      kind: 'promoted',
      title: model.liveVersionId === version.id ? 'Promoted · live' : 'Promoted',
      because: 'Every target is met at the lower bound of its interval.',
    }
  if (missed.length > 0)
    return {
      kind: 'refused',
      title: 'Refused',
      because: missed
        .map(
          (score) =>
            `${score.metric} is ${withInterval(score)}; ${percent(minimumOf(model, score.metric) ?? 0)} is asked for at the lower bound.`,
        )
        .join(' '),
    }
  if (scores.length === 0 || unknown.length > 0)
    return { kind: 'waiting', title: 'Not evaluated', because: 'The mandate’s rubric has not been run on it yet.' }
  const comparisons = liveComparisons(model, version)
  const worse = comparisons.filter(({ isWorse }) => isWorse)
  if (worse.length > 0)
    return {
      kind: 'refused',
      title: 'Worse than the live one',
      because: `Version ${model.liveVersionId} stays: ${worse.map(compared).join('; ')}. The whole interval lies below.`,
    }
  const kept =
    comparisons.length > 0
      ? ` Not significantly worse than version ${model.liveVersionId}: ${comparisons.map(compared).join('; ')}.`
      : ''
  return { kind: 'ready', title: 'Meets its targets', because: `Anyone may promote it now.${kept}` }
}
