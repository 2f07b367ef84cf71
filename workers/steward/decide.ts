import { STEWARD_STEPS } from '#schema/offchain/steward.ts'
import { dataSteps } from './decideData.ts'
import { judgementSteps } from './decideJudgement.ts'
import { monitoringSteps } from './decideMonitoring.ts'
import { versionSteps } from './decideVersions.ts'
import { type ModelFacts, subjectOf } from './facts.ts'
import { isDue, type Step } from './step.ts'

/** The next steps of a model, each due or with what it waits for, in the order in which they are taken. They depend on the facts alone, so that all
 *  stewards that see the same facts ask for the same jobs. */
export function decide(facts: ModelFacts): Step[] {
  const { steps, inProgress } = judgementSteps(facts)
  const all = [...steps, ...versionSteps(facts), ...dataSteps(facts, inProgress), ...monitoringSteps(facts)]
    .filter(({ name }) => facts.operates || name === 'follow')
    .sort((a, b) => STEWARD_STEPS.indexOf(a.name) - STEWARD_STEPS.indexOf(b.name))
  return withinMandate(facts, afterRunning(facts, all))
}

/** What works on the same thing goes first, whoever asked for it. */
const afterRunning = ({ jobs }: ModelFacts, steps: Step[]): Step[] =>
  steps.map((step) => {
    const before = jobs.find(({ kind, subject }) => kind === step.kind && subject === subjectOf(step.input))
    return isDue(step) && before ? { ...step, waitsFor: `job ${before.id}` } : step
  })

/** What makes or judges versions for the mandate, and not for what it has begun. */
const NEEDS_MANDATE: readonly string[] = ['train', 'judge', 'align']

/** No step begins that the mandate does not cover: not after its deadline, and not beyond its budget. */
function withinMandate({ mandate, chainTime }: ModelFacts, steps: Step[]): Step[] {
  const isOver = mandate.deadline <= chainTime
  let left = mandate.funds
  return steps.map((step) => {
    if (!isDue(step) || !NEEDS_MANDATE.includes(step.name)) return step
    if (isOver) return { ...step, waitsFor: `a new mandate: this one ended at ${mandate.deadline.toISOString()}` }
    const cost = step.cost ?? 0n
    if (cost > left)
      return { ...step, waitsFor: `the budget: it costs ${cost} wei, and the mandate has ${left} wei left` }
    if (cost > mandate.dailyCap)
      return { ...step, waitsFor: `a lower price: it costs ${cost} wei, and a day’s cap is ${mandate.dailyCap} wei` }
    left -= cost
    return step
  })
}
