import { exampleAccount } from '../accounts.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'

export interface ScoreInterval {
  name: string
  score: number
  lower: number
  upper: number
}

interface Evaluated {
  metrics: ScoreInterval[]
  base?: ScoreInterval[]
  meetsTargets: boolean
  promoted: boolean
  missed: string[]
}

export const MAIN_METRIC = 'fieldsExact'
export const metricOf = (metrics: ScoreInterval[] | undefined, name = MAIN_METRIC): ScoreInterval => {
  const found = metrics?.find((one) => one.name === name)
  if (!found) throw new Error(`The evaluation has no metric ${name}.`)
  return found
}

export interface Trained {
  versionId: string
  base: ScoreInterval
  tuned: ScoreInterval
}

/** A version that is bad on purpose is refused; the real version is trained on the contributions and promoted. */
export async function trainStage(
  context: StoryContext,
  modelId: string,
  datanetId: string,
): Promise<Trained & { stages: StageResult[] }> {
  const { api, seed, say, recipe } = context
  const bad = await api.runJob<{ versionId: string }>(
    'fineTune',
    { modelId, datanetId, ...recipe.fineTune, epochs: 1, learningRate: 1e-6, seed },
    `bad:${seed}`,
  )
  const refused = await api.runJob<Evaluated>('evaluate', { versionId: bad.versionId }, `evaluate:${bad.versionId}`)
  const gate = new Checks()
  gate.that('it misses the targets', !refused.meetsTargets && !refused.promoted)
  gate.that('the chain refuses its promotion', await promotionReverts(context, bad.versionId))
  say('a deliberately worse version was refused')

  const made = await api.runJob<{
    versionId: string
    samples: number
    counted: number
    harmful: number
    finalLoss: number
  }>('fineTune', { modelId, datanetId, ...recipe.fineTune, seed }, `fineTune:${seed}`)
  say(`version ${made.versionId} trained on ${made.samples} samples`)
  const found = await api.runJob<Evaluated>(
    'evaluate',
    { versionId: made.versionId, baseline: true },
    `evaluate:${made.versionId}`,
  )
  const base = metricOf(found.base)
  const tuned = metricOf(found.metrics)
  const fit = new Checks()
  fit.that('fine-tuning beats the base outside both intervals', tuned.lower > base.upper)
  const promote = new Checks()
  promote.that('every target is met at the lower bound', found.meetsTargets)
  promote.that('it serves', found.promoted)
  return {
    versionId: made.versionId,
    base,
    tuned,
    stages: [
      {
        name: 'fineTune',
        ok: fit.failed.length === 0,
        facts: {
          ...made,
          base: base.score,
          tuned: tuned.score,
          tunedLower: tuned.lower,
          baseUpper: base.upper,
          failed: fit.failed.join('; '),
        },
      },
      {
        name: 'evaluate',
        ok: gate.failed.length === 0,
        facts: { refusedVersion: bad.versionId, missed: refused.missed.join(', '), failed: gate.failed.join('; ') },
      },
      {
        name: 'promote',
        ok: promote.failed.length === 0,
        facts: { versionId: made.versionId, failed: promote.failed.join('; ') },
      },
    ],
  }
}

async function promotionReverts({ chain }: StoryContext, versionId: string): Promise<boolean> {
  return chain.send(exampleAccount('proposer'), 'ModelRegistry', 'promote', [BigInt(versionId)]).then(
    () => false,
    () => true,
  )
}

/** Evaluates a version; the result says whether it was promoted. */
export const evaluateVersion = ({ api }: StoryContext, versionId: string) =>
  api.runJob<Evaluated>('evaluate', { versionId }, `evaluate:${versionId}`)
