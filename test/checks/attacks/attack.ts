/** Something that somebody tries against the rules. */
export interface Attack {
  name: string
  /** What `play` returns, such as "earned together, in units of one original". */
  measure: string
  /** The most that may be gained with the rules; undefined when the rules do not stop it. */
  limit?: number
  /** Chance decides what one play gains: the limit is for the mean over many seeds, with its upper confidence bound. */
  chance?: true
  /** Plays the attack once without and once with the rules. */
  play(seed: number): Played | Promise<Played>
}

export interface Played {
  before: number
  after: number
}

/** Wei for a unit of gas: the low end of what public chains ask, so that the bound is strict. */
export const GAS_PRICE = 10n ** 7n
