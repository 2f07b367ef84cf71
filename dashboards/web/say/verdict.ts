import type { JudgedVersion, JudgingModel } from '../data/documents/models.ts'
import { percent } from './figures.ts'

/** What the API says of a version and its mandate, in words. */

export type JudgedTarget = JudgedVersion['meetsMandate']['targets'][number]

/** One metric of a version, in ppm, with its target if the mandate has one. */
export interface Score {
  metric: string
  score: string
  lower: string
  upper: string
  n: number
  target: JudgedTarget | null
  /** Of the live version, where this one may not be significantly worse. */
  live: { score: string; lower: string; upper: string } | null
}

export interface Verdict {
  kind: 'promoted' | 'rolledBack' | 'refused' | 'ready' | 'waiting'
  title: string
  because: string
}

/** What was measured of a version under the mandate's rubric: the targets first, then the other metrics. */
export function scoresOf(model: JudgingModel, version: JudgedVersion): Score[] {
  const rubric = model.mandates.nodes[0]?.rubricHash
  const isRival = version.status === 'Registered' && model.liveVersionId !== version.id
  const targets = version.meetsMandate.targets.flatMap((target): Score[] => {
    const { metric, score, lower, upper, n } = target
    if (score === null || lower === null || upper === null) return []
    const live = isRival && target.liveLower !== null ? liveScore(model, metric) : null
    return [{ metric, score, lower, upper, n: n ?? 0, target, live }]
  })
  const known = new Set(targets.map(({ metric }) => metric))
  const others = version.evaluations.nodes.filter((one) => {
    const isNew = !known.has(one.metric) && (!rubric || one.rubricHash === rubric)
    if (isNew) known.add(one.metric)
    return isNew
  })
  return [...targets, ...others.map((one): Score => ({ ...one, target: null, live: null }))]
}

function liveScore(model: JudgingModel, metric: string): Score['live'] {
  const found = model.liveVersion?.meetsMandate.targets.find((one) => one.metric === metric)
  if (!found || found.score === null || found.lower === null || found.upper === null) return null
  return { score: found.score, lower: found.lower, upper: found.upper }
}

const withInterval = ({ score, lower, upper }: Pick<JudgedTarget, 'score' | 'lower' | 'upper'>) =>
  `${percent(score ?? 0)} (${percent(lower ?? 0)} to ${percent(upper ?? 0)})`

/** Why a target is met or not, without parts per million. */
export function targetReason(model: JudgingModel, target: JudgedTarget): string {
  const { metric, verdict, minimum } = target
  const live = liveScore(model, metric)
  switch (verdict) {
    case 'unmeasured':
      return `${metric} has not been evaluated yet.`
    case 'worse':
      return `Version ${model.liveVersionId} stays: ${metric} ${withInterval(target)} against ${live ? withInterval(live) : percent(target.liveLower ?? 0)}. The whole interval lies below.`
    case 'met':
      return `${metric} ${withInterval(target)} reaches ${percent(minimum)}.`
    default:
      return `${metric} is ${withInterval(target)}; ${percent(minimum)} is asked for at the lower bound.${verdict === 'undecided' ? ' More test items could decide.' : ''}`
  }
}

/** Whether a version may serve, and why, as the API judges it by the rule of the contracts. */
export function verdictOf(model: JudgingModel, version: JudgedVersion): Verdict {
  const { met, targets } = version.meetsMandate
  if (version.status === 'RolledBack')
    return { kind: 'rolledBack', title: 'Rolled back', because: version.rollbackReason ?? 'It may never serve again.' }
  if (version.status === 'Promoted')
    return {
      kind: 'promoted',
      title: model.liveVersionId === version.id ? 'Promoted · live' : 'Promoted',
      because: 'Every target was met at the lower bound of its interval when it was promoted.',
    }
  if (met)
    return { kind: 'ready', title: 'Meets its targets', because: `Anyone may promote it now.${beside(model, version)}` }
  const failed = targets.filter(({ verdict }) => verdict === 'missed' || verdict === 'undecided')
  const worse = targets.filter(({ verdict }) => verdict === 'worse')
  const because = [...failed, ...worse].map((target) => targetReason(model, target)).join(' ')
  if (failed.length > 0) return { kind: 'refused', title: 'Refused', because }
  if (worse.length > 0) return { kind: 'refused', title: 'Worse than the live one', because }
  if (targets.length === 0)
    return { kind: 'waiting', title: 'No mandate', because: 'No version meets a mandate without targets.' }
  return { kind: 'waiting', title: 'Not evaluated', because: 'The mandate’s rubric has not been run on it yet.' }
}

/** How a version that may be promoted compares with the live one. */
function beside(model: JudgingModel, version: JudgedVersion): string {
  const compared = scoresOf(model, version).flatMap((score) =>
    score.live ? [`${score.metric} ${withInterval(score)} against ${withInterval(score.live)}`] : [],
  )
  return compared.length > 0
    ? ` Not significantly worse than version ${model.liveVersionId}: ${compared.join('; ')}.`
    : ''
}

export const VERDICT_TONES = {
  promoted: 'is-good',
  rolledBack: 'is-bad',
  refused: 'is-bad',
  ready: 'is-busy',
  waiting: '',
} as const
