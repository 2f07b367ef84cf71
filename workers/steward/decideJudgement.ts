import { checkJobInput } from '#schema/jobs.ts'
import { FINE_TUNED, type LiveFacts, type ModelFacts, type RoundFacts } from './facts.ts'
import { countOf, isDue, type Step } from './step.ts'

/** Judgement: each fine-tuned version that goes live is judged once, its rounds are settled when they close, and then it is aligned. `inProgress`: what a new
 *  training must wait for, so that judgement is not spent on a version that is replaced meanwhile. */
export function judgementSteps(facts: ModelFacts): { steps: Step[]; inProgress?: string } {
  const { policy, versions, live, rounds, jobs } = facts
  const settle = settleSteps(facts)
  const isFineTuned = versions.find(({ id }) => id === live?.id)?.method === FINE_TUNED
  if (!live || !isFineTuned || live.aligned)
    return { steps: [...settle, ...(policy.judge ? [nothingToJudge(live)] : [])] }
  const next = [...judgeStep(facts, live), ...alignStep(facts, live)]
  const runs = jobs.some(({ kind, subject }) => ['compare', 'rlhf'].includes(kind) && subject === live.id)
  const isInProgress =
    policy.align && (runs || next.some(isDue) || rounds.some(({ versionId }) => versionId === live.id))
  return {
    steps: [...settle, ...next],
    ...(isInProgress && { inProgress: `the judgement and alignment of version ${live.id}` }),
  }
}

const nothingToJudge = (live: LiveFacts | null): Step => ({
  name: 'judge',
  occasion: 'judge',
  kind: 'compare',
  input: {},
  reason: live ? `Version ${live.id} is aligned, or was made by alignment.` : 'No version is live.',
  waitsFor: 'a fine-tuned version that goes live',
})

function judgeStep({ policy: { judge }, validators }: ModelFacts, live: LiveFacts): Step[] {
  if (!judge || live.rounds > 0) return []
  const input = checkJobInput('compare', { ...judge.settings, versionId: live.id, promptsHash: judge.prompts })
  const step = {
    name: 'judge',
    occasion: `judge/${live.id}`,
    kind: 'compare',
    input: { ...input },
    reason: `Version ${live.id} is live, and nobody has judged it.`,
    cost: BigInt(input.potWei) * BigInt(input.tasks),
  } as const
  const missing = judge.validators - validators
  return missing > 0 ? [{ ...step, waitsFor: `${countOf(missing, 'more validator')} with a stake` }] : [step]
}

function settleSteps({ rounds, chainTime }: ModelFacts): Step[] {
  return [...new Set(rounds.map(({ versionId }) => versionId))].map((versionId) => {
    const all = rounds.filter((one) => one.versionId === versionId)
    const closed = all.filter(({ revealDeadline }) => revealDeadline < chainTime)
    const [first] = [...(closed.length > 0 ? closed : all)].sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)))
    const step = {
      name: 'settle',
      occasion: `settle/${versionId}/from ${first?.id}`,
      kind: 'settleFeedback',
      input: { versionId },
    } as const
    if (closed.length > 0)
      return { ...step, reason: `The reveals of ${countOf(closed.length, 'round')} of version ${versionId} are over.` }
    const dueAt = firstEnd(all)
    return {
      ...step,
      reason: `Validators judge ${countOf(all.length, 'round')} of version ${versionId}.`,
      waitsFor: 'the end of the reveals',
      dueAt,
    }
  })
}

const firstEnd = (rounds: readonly RoundFacts[]) =>
  new Date(Math.min(...rounds.map(({ revealDeadline }) => revealDeadline.getTime())))

function alignStep({ policy: { align }, rounds }: ModelFacts, live: LiveFacts): Step[] {
  if (!align) return []
  const step = {
    name: 'align',
    occasion: `align/${live.id}`,
    kind: 'rlhf',
    input: {
      ...align.settings,
      versionId: live.id,
      promptsHash: align.prompts,
      ...(align.priceWei !== '0' && { priceWei: align.priceWei }),
    },
    reason: `Version ${live.id} has ${countOf(live.judged, 'judged comparison')}.`,
    cost: BigInt(align.priceWei),
  } as const
  const open = rounds.filter(({ versionId }) => versionId === live.id).length
  if (live.rounds === 0) return [{ ...step, waitsFor: 'its comparisons' }]
  if (open > 0) return [{ ...step, waitsFor: `the settlement of ${countOf(open, 'round')}` }]
  if (live.judged < align.judged)
    return [{ ...step, waitsFor: `${countOf(align.judged - live.judged, 'more judged comparison')}` }]
  return [step]
}
