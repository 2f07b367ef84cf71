import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { boardFile, boards } from './emit.ts'

interface Target {
  expr?: string
  rawSql?: string
}

/** All targets of a board, also those inside rows. */
const targetsOf = (board: unknown): Target[] => {
  const found: Target[] = []
  JSON.stringify(board, (_key, value) => {
    if (value && typeof value === 'object' && ('expr' in value || 'rawSql' in value)) found.push(value)
    return value
  })
  return found
}

for (const [name, board] of Object.entries(boards()))
  test(`the committed board ${name} is what the code emits`, async () => {
    const committed = JSON.parse(await readFile(boardFile(name), 'utf8'))
    expect(committed, 'run: node --import tsx dashboards/grafana/emit.ts').toEqual(JSON.parse(JSON.stringify(board)))
  })

test('operators see whether RPC endpoints fail, disagree, or leave ranges without a witness', () => {
  const shown = JSON.stringify(targetsOf(boards().service))
  for (const count of ['failovers', 'disagreements', 'unwitnessed_ranges', 'corrected_blocks'])
    expect(shown).toContain(`modelcommons_index_${count}_total`)
})

test('every SQL statement of a board runs on the current schema', async () => {
  const db = await freshDatabase()
  const statements = targetsOf(boards().lifecycle).flatMap(({ rawSql }) => rawSql ?? [])
  expect(statements.length).toBeGreaterThan(10)
  for (const statement of statements) await db.query(statement)
})

test('every data source that a board queries is provisioned', async () => {
  const provisioned = await readFile(new URL('./provisioning/datasources/sources.yml', import.meta.url), 'utf8')
  const uids = JSON.stringify(boards()).match(/"uid":"modelcommons-(prometheus|postgres)"/g) ?? []
  expect(uids.length).toBeGreaterThan(20)
  for (const uid of new Set(uids)) expect(provisioned).toContain(`uid: ${uid.slice(7, -1)}`)
})
