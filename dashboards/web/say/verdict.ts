import type { StoryAnswer } from '../data/documents.ts'
import { percent } from './figures.ts'

export type Model = StoryAnswer['models']['nodes'][number]
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

/** The first metric in which a version is significantly worse than the live one, with both scores. */
function worseThanLive(model: Model, scores: readonly Score[]): { own: Score; live: Score } | undefined {
  const serving = model.versions.nodes.find(({ id }) => id === model.liveVersionId)
  const known = new Map((serving ? scoresOf(model, serving) : []).map((score) => [score.metric, score]))
  for (const { metric } of model.targets.nodes.filter(({ mayFall }) => mayFall === false)) {
    const [own, live] = [scores.find((score) => score.metric === metric), known.get(metric)]
    if (own && live && Number(own.upper) < Number(live.lower)) return { own, live }
  }
  return undefined
}

const withInterval = ({ score, lower, upper }: Score) => `${percent(score)} (${percent(lower)} to ${percent(upper)})`

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
  const worse = worseThanLive(model, scores)
  if (worse)
    return {
      kind: 'refused',
      title: 'Worse than the live one',
      because: `${worse.own.metric} is ${withInterval(worse.own)}; the live version has ${withInterval(worse.live)}.`,
    }
  return { kind: 'ready', title: 'Meets its targets', because: 'Anyone may promote it now.' }
}
