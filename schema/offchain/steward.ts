import { BlockNumber, Choice, Flag, Id, Integer, Json, OffChain, Ref, Text, Time, Wei } from '../define.ts'
import { Model } from '../onchain/models.ts'
import { JobRun } from './jobs.ts'

/** In the order in which they are taken, when several are due. */
export const STEWARD_STEPS = [
  'recourse',
  'settle',
  'follow',
  'promote',
  'evaluate',
  'align',
  'judge',
  'train',
  'score',
  'monitor',
  'redeem',
  'publish',
] as const
export type StewardStepName = (typeof STEWARD_STEPS)[number]

export const STEWARD_STATES = ['Working', 'Waiting', 'Held', 'Paused', 'Unmanaged'] as const
export type StewardState = (typeof STEWARD_STATES)[number]

@OffChain(
  'What the steward does for a model with a mandate: its policy says when the model is scored, trained, evaluated, judged, aligned and promoted without a person.',
)
export class Stewardship {
  @Id('The model id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'For which model.', { inverse: 'stewardships' }) modelId!: string
  @Choice(
    'StewardState',
    STEWARD_STATES,
    'Working: a job of it runs. Waiting: for what the next steps say. Held: a job failed for good. Paused: an operator paused it. Unmanaged: there is no policy.',
  )
  state!: StewardState
  @Text('Why it is in this state.') explanation!: string
  @Json('The policy in force: the mandate’s sections, and the operator’s for the others. Null when there is none.', {
    nullable: true,
  })
  policy!: Record<string, unknown> | null
  @BlockNumber('The block whose facts this rests on; null before the first decision.', { nullable: true }) block!:
    | number
    | null
  @Time('When this was last found, by the clock of the database.') decidedAt!: Date
  @Flag('Whether an operator paused it.', { default: false }) paused!: boolean
  @Text('Why it was paused.', { nullable: true }) pausedReason!: string | null
  @Time('When it was last resumed: jobs that failed earlier hold it no more.', { nullable: true })
  resumedAt!: Date | null
}

@OffChain('A step of the steward: one that it has asked for, with its job, or one of the next, with what it waits for.')
export class StewardStep {
  @Id('The step and the facts that made it due: the same facts make the same step.') id!: string
  @Ref(() => Model, 'model', 'The model; null for settlements, which concern all of them.', {
    nullable: true,
    inverse: 'stewardSteps',
  })
  modelId!: string | null
  @Choice('StewardStepName', STEWARD_STEPS, 'What is done.') name!: StewardStepName
  @Text('Why it is done.') reason!: string
  @Text('What it waits for; null when it was asked for.', { nullable: true }) waitsFor!: string | null
  @Time('When it will be due at the latest, if that is known.', { nullable: true }) dueAt!: Date | null
  @Integer('Its place among the next steps, from 0.') place!: number
  @Wei('What the mandate pays for it.') cost!: bigint
  @Ref(() => JobRun, 'job', 'The job; null until it is asked for.', { nullable: true, inverse: 'stewardSteps' })
  jobId!: string | null
  @Time('When it was asked for, or found to be next.') decidedAt!: Date
}
