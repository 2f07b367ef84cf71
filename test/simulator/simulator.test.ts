import { expect, test } from 'vitest'
import { freshDatabase } from '../database.ts'
import { simulate } from './simulate.ts'

test.each([2, 3])('a clean sync’s rows, whatever happens (seed %i)', async (seed) => {
  expect(await simulate(seed, await freshDatabase(), await freshDatabase())).toEqual([])
})
