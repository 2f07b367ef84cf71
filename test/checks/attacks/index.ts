import type { Attack } from './attack.ts'
import { boilerplate } from './boilerplate.ts'
import { copyAttacks } from './copies.ts'

/** The attacks of `npm run check -- attacks`, in the order of its table. */
export const ATTACKS: readonly Attack[] = [...copyAttacks, boilerplate]
