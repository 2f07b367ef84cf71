import { type Estimate, estimateMean } from './estimate.ts'

/** One question, put once. */
export type EvaluationSample = {
  id: string
  input: string
  target: string | string[]
  answer: string
  /** Scores by scorer, higher is better unless the scorer says otherwise. */
  scores: Record<string, number>
  /** Questions of one cluster share their errors, such as all those on one text. */
  cluster?: string
  promptTokens?: number
  completionTokens?: number
  /** Why generation ended. Default `stop`. */
  stopReason?: 'stop' | 'max_tokens' | 'unknown'
  explanation?: string
}

export type ScorerInfo = {
  name: string
  /** What the mean is called in reports, such as `acc`, `exact_match` or `f1`. Default the scorer's name. */
  metric?: string
  /** Default true; false for perplexities and losses. */
  higherIsBetter?: boolean
}

/** An evaluation as it was run: enough to recompute every figure, and to write either report. */
export type EvaluationRun = {
  task: string
  taskVersion: number
  dataset: string
  model: string
  /** Settings that shaped the answers, such as temperature and seed. */
  config: Record<string, unknown>
  fewShot?: number
  scorers: ScorerInfo[]
  samples: EvaluationSample[]
  startedAt: Date
  completedAt: Date
}

/**
 * Each scorer's mean with its clustered standard error. Refuses an evaluation without samples, with two samples of one
 * id, or with a score missing or not finite.
 */
export function estimateScores({
  task,
  scorers,
  samples,
}: Pick<EvaluationRun, 'task' | 'scorers' | 'samples'>): Map<string, Estimate> {
  if (samples.length === 0) throw new Error(`${task} has no samples to summarise.`)
  const ids = new Set<string>()
  for (const { id } of samples) {
    if (ids.has(id)) throw new Error(`${task} has two samples with the id ${id}.`)
    ids.add(id)
  }
  const clusters = samples.map(({ id, cluster }) => (cluster === undefined ? `sample ${id}` : `cluster ${cluster}`))
  return new Map(
    scorers.map(({ name }) => {
      const values = samples.map(({ id, scores }) => {
        if (!Number.isFinite(scores[name])) throw new Error(`${task}: sample ${id} has ${scores[name]} for ${name}.`)
        return scores[name]
      })
      return [name, estimateMean(values, clusters)]
    }),
  )
}
