import { expect, test } from 'vitest'
import { runWithFaults, undisturbedBooks } from './checks/faults/run.ts'
import type { PlannedFault } from './checks/faults/schedule.ts'

/** One short run of `npm run check -- faults`, with a plan of its own. */

const SEED = 1
const PLAN: readonly PlannedFault[] = [
  { name: 'redis wiped', fromMs: 2_000, lastsMs: 500 },
  { name: 's3 errors', fromMs: 3_000, lastsMs: 6_000 },
  { name: 'database killed', fromMs: 12_000, lastsMs: 500 },
  { name: 'worker killed', fromMs: 16_000, lastsMs: 1_000 },
]

test('whatever fails and comes back, no job is lost or doubled, and no cent and no root differ', async ({ signal }) => {
  const expected = await undisturbedBooks(() => {}, signal)
  const { found, injected } = await runWithFaults(SEED, PLAN, expected, () => {}, signal)
  expect(found).toEqual([])
  expect(injected.map(({ name }) => name)).toEqual(expect.arrayContaining(['s3 errors', 'database killed']))
}, 400_000)
