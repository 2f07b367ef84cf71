import type { Policy } from '#schema/policy.ts'
import { periodStart, type RollingStanding, rollingStanding } from '../rollingEvaluations.ts'
import type { ModelFacts, ServedFacts } from './facts.ts'
import { countOf, type Step } from './step.ts'

type Monitoring = NonNullable<Policy['monitor']>

/** What serves: each version behind an endpoint of the worker's account is evaluated on and on, and disputed when it falls below the mandate. Only what the workers
 *  measure themselves decides; calls of consumers do not. */
export function monitoringSteps(facts: ModelFacts): Step[] {
  const { monitor } = facts.policy
  if (!monitor) return []
  if (facts.served.length === 0) return [nothingServes]
  return facts.served.flatMap((served) => {
    const standing = rollingStanding(facts.targets, served.evaluations)
    return [...recourseStep(monitor, served, standing), monitorStep(facts, monitor, served, standing)]
  })
}

const nothingServes: Step = {
  name: 'monitor',
  occasion: 'monitor',
  kind: 'monitorVersion',
  input: {},
  reason: 'No endpoint of this operator serves a version.',
  waitsFor: 'an endpoint',
}

function monitorStep(
  { now }: ModelFacts,
  { everySeconds, parts }: Monitoring,
  { versionId, evaluations }: ServedFacts,
  standing: RollingStanding | undefined,
): Step {
  const period = Math.floor(now.getTime() / 1000 / everySeconds)
  const step = {
    name: 'monitor',
    occasion: `monitor/${versionId}/${period}`,
    kind: 'monitorVersion',
    input: { versionId, period, everySeconds, parts },
    reason: standingText(versionId, standing),
  } as const
  const isMeasured = evaluations.some((one) => periodStart(one) >= period * everySeconds)
  return isMeasured
    ? { ...step, waitsFor: 'its next period', dueAt: new Date((period + 1) * everySeconds * 1000) }
    : step
}

function standingText(versionId: string, standing: RollingStanding | undefined): string {
  if (!standing) return `Version ${versionId} serves, and was not evaluated since it was promoted.`
  const { missing, parts, fallen } = standing
  if (missing > 0)
    return `Version ${versionId} serves; ${countOf(missing, 'part')} of ${parts} were not evaluated lately.`
  return fallen.length > 0
    ? `Version ${versionId} serves: ${fallen.map(({ reason }) => reason).join(' ')}`
    : `Version ${versionId} serves, and no target of the mandate is out of its reach.`
}

/** Once in a rotation of the parts, and not again after a vote for the version. */
function recourseStep(
  { maxBondWei }: Monitoring,
  { versionId, disputes }: ServedFacts,
  standing: RollingStanding | undefined,
): Step[] {
  if (!standing?.fallen.length) return []
  const step = {
    name: 'recourse',
    occasion: `recourse/${versionId}/${standing.rotation}`,
    kind: 'disputeVersion',
    input: { versionId, maxBondWei },
    reason: standingText(versionId, standing),
  } as const
  const open = disputes.find(({ outcome }) => outcome === 'Open')
  if (open) return [{ ...step, waitsFor: `the decision on dispute ${open.id}` }]
  const rejected = disputes.find(({ outcome, isOwn }) => isOwn && outcome === 'Rejected')
  return rejected ? [{ ...step, waitsFor: `another version: dispute ${rejected.id} was rejected` }] : [step]
}
