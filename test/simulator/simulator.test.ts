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
  'simulations with forks, wrong answers and kills end with the rows of a clean sync, and these events did occur',
  async () => {
    const coverage = new Coverage()
    for (const seed of [1, 2, 3, 8, 112]) {
      const outcome = await simulate(seed, environment)
      expect({ seed, found: outcome.found }).toEqual({ seed, found: [] })
      coverage.add(outcome.coverage)
    }
    expect(coverage.missing(['forks seen', 'orderly restarts', 'restarts after a cut-off', 'retries'])).toEqual([])
    expect(Math.max(...coverage.depths.keys())).toBeGreaterThan(4)
  },
  TIMEOUT_MS,
)

const MAX_SEEDS = 12

test.each(bugs)(
  'the simulator finds the bug: %s',
  async (bug) => {
    for (let seed = 1; seed <= MAX_SEEDS; seed++) {
      const { found } = await simulate(seed, environment, bug)
      if (found.length) return expect(found.join()).not.toMatch(/did not catch up|has sent no request/) // wrong rows, or a wrong stop
    }
    expect.fail(`${MAX_SEEDS} simulations did not find the bug`)
  },
  TIMEOUT_MS,
)
