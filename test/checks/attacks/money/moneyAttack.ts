/** Something that somebody tries in order to take money, or to stop others. gOPEN is wrapped native currency, so that gas and gOPEN are the same wei. */
export interface MoneyAttack {
  name: string
  /** Who tries it. */
  attacker: string
  /** What `stopped` counts. */
  stops?: string
  /** How many seeds a check plays at least: many where chance decides. */
  seeds: number
  /** Plays the attack under a law without the rule and under the present one. */
  play(seed: number): Attempted | Promise<Attempted>
}

/** Money moves in wei. */
export interface Attempt {
  /** What the attacker pays or loses: fees, bonds, stakes; without gas. */
  paid: bigint
  gained: bigint
  /** How many people, calls or epochs it stops. */
  stopped: number
}

export interface Attempted {
  without: Attempt
  with: Attempt
  /** The gas of the attacker's transactions with the rule. */
  gas: bigint
  /** What the rules leave to it: what "Not stopped" in docs/threats.md says. */
  left?: bigint
}

export const attempt = (of: Partial<Attempt> = {}): Attempt => ({ paid: 0n, gained: 0n, stopped: 0, ...of })

/** Chance decides: the bound of a mean needs this many seeds. */
export const MANY_SEEDS = 1_000
/** Only the amounts are random. */
export const FEW_SEEDS = 3
