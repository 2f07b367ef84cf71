import type { Attack } from './attack.ts'
import { bribery } from './judgement/bribery.ts'
import { clones, clonesBesideExperts } from './judgement/clones.ts'
import { nameAttacks } from './judgement/names.ts'
import { probing } from './judgement/probing.ts'
import { profitAttacks } from './judgement/profit.ts'
import { absentMajority, absentWhale, groundAddresses } from './judgement/seats.ts'

/** Attacks on the market of judgement, on rounds of 240 tasks with 48 gold tasks, 6 seats and a pot of 0.01 gOPEN each; honest judges stake 10 gOPEN
 *  and are right about 85 %; gas costs 1 gwei. */
export const judgementAttacks: readonly Attack[] = [
  ...nameAttacks,
  ...profitAttacks,
  clones,
  clonesBesideExperts,
  groundAddresses,
  absentMajority,
  absentWhale,
  bribery,
  ...probing,
]
