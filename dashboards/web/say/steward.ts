import type { StewardAnswer } from '../data/documents/overview.ts'

export type KeptModel = StewardAnswer['stewardships']['nodes'][number]
export type NextStep = StewardAnswer['next']['nodes'][number]
export type TakenStep = StewardAnswer['taken']['nodes'][number]

const STEPS: Record<NextStep['name'], string> = {
  settle: 'Settle judgements',
  follow: 'Serve the live version',
  promote: 'Promote',
  evaluate: 'Evaluate',
  align: 'Align',
  judge: 'Ask for judgements',
  train: 'Fine-tune',
  score: 'Score samples',
  redeem: 'Redeem fees',
  publish: 'Publish rewards',
  monitor: 'Measure the live version',
  recourse: 'Open recourse',
}

export const stepTitle = (name: NextStep['name']): string => STEPS[name]

const STATES: Record<KeptModel['state'], { title: string; tone: string }> = {
  Working: { title: 'at work', tone: 'is-busy' },
  Waiting: { title: 'waits', tone: 'is-good' },
  Held: { title: 'held', tone: 'is-bad' },
  Paused: { title: 'paused', tone: 'is-bad' },
  Unmanaged: { title: 'by hand', tone: '' },
}

export const stateOf = (state: KeptModel['state']) => STATES[state]

/** How a step that was asked for went. Its job may be deleted, long after its success. */
export function resultOf({ job }: TakenStep): { title: string; tone: string; because: string | null } {
  const { code, message } = (job?.error ?? {}) as { code?: string; message?: string }
  const because = message ? `${code ?? 'FAILED'}: ${message}` : null
  switch (job?.status) {
    case 'Failed':
      return { title: 'failed', tone: 'is-bad', because }
    case 'Cancelled':
      return { title: 'cancelled', tone: 'is-bad', because }
    case 'Running':
      return { title: 'running', tone: 'is-busy', because: null }
    case 'Queued':
      return { title: 'queued', tone: 'is-busy', because: null }
    case 'Waiting':
      return { title: 'waits for a service', tone: 'is-busy', because }
    default:
      return { title: 'done', tone: 'is-good', because: null }
  }
}

/** What every model waits for together: settlements concern all of them. */
export const stepsOf = <Step extends { modelId: string | null }>(steps: readonly Step[], modelId: string | null) =>
  steps.filter((step) => step.modelId === modelId)
