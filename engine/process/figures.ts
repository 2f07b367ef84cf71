/** What an engine process counts since it started. */
export interface EngineCounts {
  /** Tokens of answers. */
  tokens: number
  /** Training steps. */
  steps: number
  /** Tokens of the prompts of answers that were read. */
  promptTokens: number
  /** Further tokens of these prompts, which were known from an earlier text. */
  cachedTokens: number
  /** Runs of a batch of answers, and the answers in each of them together: their quotient is the mean size of a batch. */
  batchRuns: number
  batchAnswers: number
}

/** How an engine process is, and what it has counted. */
export interface EngineFigures extends EngineCounts {
  /** Resident memory in bytes. */
  memoryBytes: number
  /** Base models in memory. */
  models: number
}

export const NO_COUNTS: EngineCounts = {
  tokens: 0,
  steps: 0,
  promptTokens: 0,
  cachedTokens: 0,
  batchRuns: 0,
  batchAnswers: 0,
}
export const NO_FIGURES: EngineFigures = { memoryBytes: 0, models: 0, ...NO_COUNTS }

/** The figures of a process that was started again: counts go on, the rest is the new process'. */
export function continued(ended: EngineCounts, current: EngineFigures): EngineFigures {
  const figures = { ...current }
  for (const key of Object.keys(NO_COUNTS) as (keyof EngineCounts)[]) figures[key] += ended[key]
  return figures
}
