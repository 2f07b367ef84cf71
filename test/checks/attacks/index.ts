import type { Attack } from './attack.ts'
import { boilerplate } from './boilerplate.ts'
import { copyAttacks, paddedAttacks } from './copies.ts'
import { flooding } from './flooding.ts'
import { judgementAttacks } from './judgement.ts'
import { lateTwin, revealOrder } from './reveals.ts'

/** The attacks of `npm run check -- attacks`, in the order of its table. */
export const ATTACKS: readonly Attack[] = [
  ...copyAttacks,
  boilerplate,
  lateTwin,
  revealOrder,
  flooding,
  ...judgementAttacks,
  ...paddedAttacks,
]
