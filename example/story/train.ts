import { accountOf, encodeCall } from '#client/index.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { type Evaluated, metricOf, type ScoreInterval, type StewardResults } from './steward.ts'

export interface Trained {
  versionId: string
  base: ScoreInterval
  tuned: ScoreInterval
  stages: StageResult[]
}

/** What the steward has made of the samples: a version on too few of them, which was not promoted, and one on all of them, which serves. */
export async function trainStage(context: StoryContext, done: StewardResults): Promise<Trained> {
  const [, made] = done<{ versionId: string; samples: number; counted: number; harmful: number; finalLoss: number }>(
    'train',
  )
  const [refused, found] = done<Evaluated>('evaluate')
  if (!made || !refused || !found) throw new Error('The steward has not trained and evaluated two versions.')
  const served = done<Evaluated>('promote').filter(({ promoted }) => promoted)
  const serves = (versionId: string) => served.some((one) => one.versionId === versionId)
  const base = metricOf(refused.base)
  const tuned = metricOf(found.metrics)
  const figures = { base: base.score, tuned: tuned.score, tunedLower: tuned.lower, baseUpper: base.upper }
  const fineTune = stageOf(
    'fineTune',
    { ...made, ...figures },
    {
      'fine-tuning beats the base outside both intervals': tuned.lower > base.upper,
    },
  )
  const evaluate = stageOf(
    'evaluate',
    { refusedVersion: refused.versionId, missed: refused.missed.join(', ') },
    {
      'it misses the targets': refused.missed.length > 0 && !serves(refused.versionId),
      'the chain refuses its promotion': await promotionReverts(context, refused.versionId),
    },
  )
  const promote = stageOf(
    'promote',
    { versionId: made.versionId },
    {
      'every target is met at the lower bound': found.missed.length === 0,
      'it serves': serves(made.versionId),
    },
  )
  return { versionId: made.versionId, base, tuned, stages: [fineTune, evaluate, promote] }
}

async function promotionReverts({ as }: StoryContext, versionId: string): Promise<boolean> {
  const operator = as('platform')
  const to = operator.deployment.addresses.ModelRegistry
  const data = encodeCall('ModelRegistry', 'promote', [BigInt(versionId)])
  return operator.node.call({ account: accountOf(operator), to, data }).then(
    () => false,
    () => true,
  )
}
