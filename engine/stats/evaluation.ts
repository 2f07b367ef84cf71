import { type Estimate, estimateMean } from './estimate.ts'

/** One question and the model's answer to it. */
export type EvaluationSample = {
  id: string
  input: string
  target: string | string[]
  answer: string
  /** Scores by scorer name. Higher is better unless the scorer sets `higherIsBetter: false`. */
  scores: Record<string, number>
  /** Questions of one cluster (for example, about one text) have correlated errors. */
  cluster?: string
  promptTokens?: number
  completionTokens?: number
  /** Why generation ended. Default `stop`. */
  stopReason?: 'stop' | 'max_tokens' | 'unknown'
  explanation?: string
}

export type ScorerInfo = {
  name: string
  /** The mean's name in reports, such as `acc`, `exact_match` or `f1`. Default: the scorer's name. */
  metric?: string
  /** Default true. Set false for perplexities and losses. */
  higherIsBetter?: boolean
}

/** A completed evaluation, with everything that the figures and both report formats need. */
export type EvaluationRun = {
  task: string
  taskVersion: number
  dataset: string
  model: string
  /** Generation settings, such as temperature and seed. */
  config: Record<string, unknown>
  fewShot?: number
  scorers: ScorerInfo[]
  samples: EvaluationSample[]
  startedAt: Date
  completedAt: Date
}

/**
 * Each scorer's mean with its clustered standard error.
 * @throws Error when there are no samples, when two samples have the same id, or when a score is missing or not finite.
 */
export function estimateScores({
  task,
  scorers,
  samples,
}: Pick<EvaluationRun, 'task' | 'scorers' | 'samples'>): Map<string, Estimate> {
  if (samples.length === 0) throw new Error(`${task} has no samples to estimate scores from.`)
  const ids = new Set<string>()
  for (const { id } of samples) {
    if (ids.has(id)) throw new Error(`${task} has two samples with the id ${id}.`)
    ids.add(id)
  }
  const clusters = samples.map(({ id, cluster }) => (cluster === undefined ? `sample ${id}` : `cluster ${cluster}`))
  return new Map(
    scorers.map(({ name }) => {
      const values = samples.map(({ id, scores }) => {
        const score = scores[name]
        if (score === undefined || !Number.isFinite(score))
          throw new Error(`${task}: sample ${id} has ${score} for ${name}.`)
        return score
      })
      return [name, estimateMean(values, clusters)]
    }),
  )
}
