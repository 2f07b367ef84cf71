import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { Target } from './onchain/models.ts'
import { targetsOf } from './promotionFacts.ts'

test('a target of a contract that did not say whether its metric may fall lets it fall', async () => {
  const db = await freshDatabase()
  for (const [metric, mayFall] of [
    ['exact', null],
    ['format', false],
  ] as const)
    await insert(db, Target, { id: `1-${metric}`, modelId: '1', metric, minimum: 7n, mayFall })
  expect(await targetsOf(db, '1')).toEqual([
    { metric: 'exact', minimum: 7n, mayFall: true },
    { metric: 'format', minimum: 7n, mayFall: false },
  ])
})
