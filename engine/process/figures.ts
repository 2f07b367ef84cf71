/** What an engine process counts since it started. */
export interface EngineFigures {
  /** Resident memory in bytes. */
  memoryBytes: number
  /** Base models in memory. */
  models: number
  /** Tokens of answers. */
  tokens: number
  /** Training steps. */
  steps: number
}

export const NO_FIGURES: EngineFigures = { memoryBytes: 0, models: 0, tokens: 0, steps: 0 }

/** The figures of a process that was started again: counts go on, the rest is the new process'. */
export const continued = (ended: EngineFigures, current: EngineFigures): EngineFigures => ({
  ...current,
  tokens: ended.tokens + current.tokens,
  steps: ended.steps + current.steps,
})
