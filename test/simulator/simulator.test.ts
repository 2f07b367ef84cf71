import { expect, test } from 'vitest'
import { freshDatabase } from '../database.ts'
import { simulate } from './simulate.ts'

test.each([1, 2, 3])('a clean sync’s rows, whatever happens (seed %i)', async (seed) => {
  expect(await simulate(seed, await freshDatabase(), await freshDatabase())).toEqual([])
})

test('a table whose rows are not taken back is caught', async () => {
  const subject = await freshDatabase()
  await subject.query(`
    create function keep() returns trigger language plpgsql as 'begin return null; end';
    create trigger keep before delete on chain_event for each row execute function keep();`)
  const found = await simulate(2, subject, await freshDatabase()).catch((error: Error) => [error.message])
  expect(found.length).toBeGreaterThan(0)
})
