import { afterAll, beforeAll, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { Coverage } from './coverage.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { simulate } from './simulate.ts'

/** Processes are started and killed here: on a busy machine that takes a while. */
const TIMEOUT_MS = 300_000

let environment: Environment
beforeAll(async () => {
  environment = await openEnvironment()
}, TIMEOUT_MS)
afterAll(() => environment.close())

test(
  'runs of forks, lies and kills end with the rows of a clean sync, and did meet forks, lies and kills',
  async () => {
    const coverage = new Coverage()
    for (const seed of [1, 2, 3, 8, 112]) {
      const outcome = await simulate(seed, environment)
      expect({ seed, found: outcome.found }).toEqual({ seed, found: [] })
      coverage.add(outcome.coverage)
    }
    expect(coverage.missing(['forks seen', 'ends and begins', 'sudden deaths', 'retries'])).toEqual([])
    expect(Math.max(...coverage.depths.keys())).toBeGreaterThan(4)
  },
  TIMEOUT_MS,
)

const ENOUGH = 12

test.each(bugs)(
  'it finds out that %s',
  async (bug) => {
    for (let seed = 1; seed <= ENOUGH; seed++) {
      const { found } = await simulate(seed, environment, bug)
      if (found.length) return expect(found.join()).not.toMatch(/did not catch up|asks nothing/) // wrong rows, or a wrong stop
    }
    expect.fail(`${ENOUGH} runs went by without anything being found`)
  },
  TIMEOUT_MS,
)
