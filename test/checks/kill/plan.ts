import { type SeededRandom, seededRandomAt } from '../../simulator/random.ts'

/** One epoch in the life of money, drawn from its seed: who asks what, when fees are redeemed, who claims, and what is killed when. */
export interface MoneyRound {
  seed: number
  steps: readonly MoneyStep[]
  /** Of the accounts that the epoch's map pays, those that claim now: the first two always, the others now or after a later epoch. */
  claims(account: string, place: number): boolean
  kills: readonly PlannedKill[]
}

export type MoneyStep =
  | { kind: 'call'; consumer: number; message: number; open: boolean; key: string }
  | { kind: 'deposit'; consumer: number }
  | { kind: 'redeem'; key: string }

export const VICTIMS = ['worker', 'index', 'api', 'postgres', 'anvil'] as const
export type Victim = (typeof VICTIMS)[number]

/** `at`: the moment, as a part of the time that the round takes without kills. */
export interface PlannedKill {
  victim: Victim
  at: number
}

export const CONSUMERS = 3
/** Different messages that consumers send. */
export const MESSAGES = 12
const CALLS = { least: 2, most: 6 }
const KILLS = { least: 1, most: 3 }
/** The restart of a process takes so long that a round with kills is longer than one without. */
const LATEST_KILL = 1.5

export function roundOf(seed: number): MoneyRound {
  const random = seededRandomAt(seed, 0)
  const calls: MoneyStep[] = Array.from({ length: between(random, CALLS) }, (_, nth) => ({
    kind: 'call',
    consumer: random(CONSUMERS),
    message: random(MESSAGES),
    open: random(3) > 0,
    key: `kill:${seed}:${nth}`,
  }))
  const steps = [...calls]
  const insert = (step: MoneyStep) => steps.splice(random(steps.length + 1), 0, step)
  for (let nth = random(3); nth > 0; nth--) insert({ kind: 'redeem', key: `kill:${seed}:redeem:${nth}` })
  if (random(3) === 0) insert({ kind: 'deposit', consumer: random(CONSUMERS) })
  return {
    seed,
    steps,
    claims: (account, place) => place < 2 || seededRandomAt(seed, 1, Number.parseInt(account.slice(2, 9), 16))(4) > 0,
    kills: Array.from({ length: between(random, KILLS) }, () => ({
      victim: VICTIMS[random(VICTIMS.length)] ?? 'worker',
      at: (LATEST_KILL * random(1000)) / 1000,
    })).sort((a, b) => a.at - b.at),
  }
}

const between = (random: SeededRandom, { least, most }: { least: number; most: number }) =>
  least + random(most - least + 1)
