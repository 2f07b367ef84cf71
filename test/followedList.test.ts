import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { followedRows, followedTable } from '#indexer/test/followedList.ts'

const README = 'README.md'
const TABLE = /\| what \| how it is followed \|\n(\|.*\n)+/

test('README’s list of what is followed is that of the tests which show it (`npx vitest run test/followedList.test.ts -u` writes it)', async () => {
  const readme = await readFile(README, 'utf8')
  expect(readme).toMatch(TABLE)
  await expect(readme.replace(TABLE, `${followedTable()}\n`)).toMatchFileSnapshot(`../${README}`)
})

test.each(followedRows)('a test is named after the row “%s”', async (row, { shownBy }) => {
  expect(await readFile(shownBy, 'utf8')).toMatch(new RegExp(`shows\\('${row}'|\\b${row}: \\[`))
})
