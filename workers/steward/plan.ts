import type { JobStatus } from '#schema/offchain/jobs.ts'
import type { StewardState } from '#schema/offchain/steward.ts'
import { isDue, type Step } from './step.ts'

/** A step that was asked for. */
export interface StepRecord {
  /** The occasion, and behind `#` the number of the try after the first. */
  id: string
  jobId: string
  kind: string
  /** Null when the job is forgotten, long after its success. */
  status: JobStatus | null
  finishedAt: Date | null
  error: { code: string; message: string } | null
}

/** What an operator said about a model. */
export interface Control {
  paused: boolean
  pausedReason: string | null
  resumedAt: Date | null
}

export type IdentifiedStep = Step & { id: string }

export interface ModelPlan {
  state: StewardState
  explanation: string
  /** What is asked for now. */
  ask: IdentifiedStep[]
  /** What comes later, each with what it waits for: by when it is due at the latest, then what nobody can date, in the order in which it is taken. */
  next: IdentifiedStep[]
}

const hasFailed = ({ status }: StepRecord) => status === 'Failed' || status === 'Cancelled'
const hasEnded = (record: StepRecord) => hasFailed(record) || record.status === 'Succeeded' || record.status === null

/** When a step is due at the latest: at once where only a stop holds it, and last where that is not known. */
const dueMs = (step: Step): number => (isDue(step) ? 0 : (step.dueAt?.getTime() ?? Number.MAX_SAFE_INTEGER))

export const occasionOf = (id: string): string => id.split('#')[0] ?? id

/** Which steps are asked for. None is asked for twice, unless its job failed and the model was resumed after that. A failure holds the model: what comes
 *  next may rest on what failed. */
export function plan(steps: readonly Step[], records: readonly StepRecord[], control: Control): ModelPlan {
  const { paused, pausedReason, resumedAt } = control
  const failed = records.find((one) => hasFailed(one) && !(resumedAt && one.finishedAt && one.finishedAt <= resumedAt))
  const running = records.filter((one) => !hasEnded(one))
  const stop = paused ? 'the end of the pause' : failed ? `job ${failed.jobId}, which failed` : undefined
  const remaining = steps.flatMap((step): IdentifiedStep[] => {
    const own = records.filter(({ id }) => occasionOf(id) === step.occasion)
    if (!own.every(hasFailed)) return []
    return [{ ...step, id: own.length === 0 ? step.occasion : `${step.occasion}#${own.length + 1}` }]
  })
  const ask = stop ? [] : remaining.filter(isDue)
  const next = remaining
    .filter((step) => !ask.includes(step))
    .toSorted((a, b) => dueMs(a) - dueMs(b))
    .map((step) => ({ ...step, waitsFor: step.waitsFor ?? stop }))
  return { ask, next, ...stateOf() }

  function stateOf(): Pick<ModelPlan, 'state' | 'explanation'> {
    if (paused) return { state: 'Paused', explanation: pausedReason ?? 'An operator paused it.' }
    if (failed)
      return {
        state: 'Held',
        explanation: `The job ${failed.kind} ${failed.jobId} ${failed.status === 'Failed' ? 'failed' : 'was cancelled'}${failed.error ? ` (${failed.error.code}: ${failed.error.message})` : ''}. Try that job again, or resume the model.`,
      }
    const works = [...running.map(({ kind, jobId }) => `${kind} (job ${jobId})`), ...ask.map(({ kind }) => kind)]
    if (works.length > 0) return { state: 'Working', explanation: `In progress: ${works.join(', ')}.` }
    const [first] = next
    return {
      state: 'Waiting',
      explanation: first ? `Next is ${first.name}: it waits for ${first.waitsFor}.` : 'The policy has no next step.',
    }
  }
}
