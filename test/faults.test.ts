import { expect, test } from 'vitest'
import { runWithFaults, undisturbedBooks } from './checks/faults/run.ts'
import { planOf } from './checks/faults/schedule.ts'

/** One quick seed of `npm run check -- faults`. */
const SEED = 1

test('whatever fails and comes back, no job is lost or doubled, and no cent and no root differ', async ({ signal }) => {
  const expected = await undisturbedBooks(() => {}, signal)
  const { found, injected } = await runWithFaults(SEED, planOf(SEED), expected, () => {}, signal)
  expect(found).toEqual([])
  expect(injected.length).toBeGreaterThan(2)
}, 400_000)
