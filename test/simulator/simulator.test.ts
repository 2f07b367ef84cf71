import { afterAll, beforeAll, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { Tally } from './coverage.ts'
import { type Lane, openLane } from './environment.ts'
import { simulate } from './simulate.ts'

/** Processes are started and killed here: on a busy machine that takes a while. */
const TIMEOUT_MS = 300_000

let lane: Lane
beforeAll(async () => {
  lane = await openLane()
}, TIMEOUT_MS)
afterAll(() => lane.close())

test(
  'lives of forks, lies and kills end with the rows of a clean sync, and did meet forks, lies and kills',
  async () => {
    const tally = new Tally()
    for (const seed of [1, 2, 3, 8, 112]) {
      const outcome = await simulate(seed, lane)
      expect({ seed, found: outcome.found }).toEqual({ seed, found: [] })
      tally.add(outcome.tally)
    }
    expect(tally.missing(['forks seen', 'ends and begins', 'sudden deaths', 'retries'])).toEqual([])
    expect(Math.max(...tally.depths.keys())).toBeGreaterThan(4)
  },
  TIMEOUT_MS,
)

const ENOUGH = 12

test.each(bugs)(
  'it finds out that %s',
  async (bug) => {
    for (let seed = 1; seed <= ENOUGH; seed++) {
      const { found } = await simulate(seed, lane, bug)
      if (found.length) return expect(found.join()).not.toMatch(/did not catch up|asks nothing/) // wrong rows, or a wrong stop
    }
    expect.fail(`${ENOUGH} lives went by without anything being found`)
  },
  TIMEOUT_MS,
)
