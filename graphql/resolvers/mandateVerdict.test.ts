import { expect, test } from 'vitest'
import { Evaluation, Mandate, Model, ModelVersion, Target } from '#schema/onchain/models.ts'
import { insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

const RUBRIC = `0x${'11'.repeat(32)}`
const OTHER = `0x${'22'.repeat(32)}`

test('a version is told whether it meets its mandate, target by target, with interval and reason, as of any block', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, Model, [
    { id: '1', liveVersionId: null, toBlock: 20 },
    { id: '1', liveVersionId: '7', fromBlock: 20 },
    { id: '2' },
    { id: '3' },
  ])
  await insertAll(db, ModelVersion, [
    { id: '7', modelId: '1' },
    { id: '8', modelId: '1' },
    { id: '9', modelId: '2' },
    { id: '10', modelId: '3' },
  ])
  await insertAll(db, Mandate, [
    { id: '1', modelId: '1', rubricHash: RUBRIC },
    { id: '3', modelId: '3', rubricHash: RUBRIC },
  ])
  const target = (metric: string, minimum: bigint, mayFall: boolean | null = false) => ({
    ...{ id: `1-${metric}`, modelId: '1', metric, minimum, mayFall },
  })
  await insertAll(db, Target, [
    target('a', 500n),
    target('b', 500n),
    target('c', 500n),
    target('d', 500n),
    target('e', 500n, null),
    target('f', 500n),
  ])
  const score = (id: number, versionId: string, metric: string, [lower, middle, upper]: bigint[], rest = {}) => ({
    ...{ id: `${id}`, versionId, metric, rubricHash: RUBRIC, n: 40 },
    ...{ lower, score: middle, upper },
    ...rest,
  })
  await insertAll(db, Evaluation, [
    score(10, '8', 'a', [600n, 700n, 800n]),
    score(9, '8', 'a', [510n, 520n, 530n]), // the first counts
    score(11, '8', 'b', [100n, 200n, 300n]),
    score(12, '8', 'c', [400n, 600n, 700n]),
    score(13, '8', 'd', [900n, 900n, 900n], { rubricHash: OTHER }),
    score(14, '8', 'e', [600n, 610n, 620n]),
    score(15, '8', 'f', [600n, 610n, 620n]),
    score(1, '7', 'e', [700n, 710n, 720n]),
    score(2, '7', 'f', [700n, 710n, 720n]),
  ])
  const query = (asOf: string) =>
    `{ modelVersions(orderBy: [{ field: id }] ${asOf}) { nodes { id meetsMandate { met reason targets { metric minimum mayFall met verdict reason evaluationId score lower upper n liveLower } } } } }`
  statements()
  const { data, errors } = await ask(query(''))
  expect(errors).toBeUndefined()
  expect(statements().filter((text) => text.includes('evaluation e'))).toHaveLength(1)
  const of = (id: string, from = data) =>
    from.modelVersions.nodes.find((one: { id: string }) => one.id === id).meetsMandate
  const verdicts = (id: string, from = data) => of(id, from).targets.map((one: { verdict: string }) => one.verdict)
  expect(verdicts('8')).toEqual(['met', 'missed', 'undecided', 'unmeasured', 'met', 'worse'])
  expect(of('8').met).toBe(false)
  expect(of('8').targets[0]).toEqual({
    ...{ metric: 'a', minimum: '500', mayFall: false, met: true, verdict: 'met', evaluationId: '9' },
    ...{ score: '520', lower: '510', upper: '530', n: 40, liveLower: null },
    reason: 'a 0.00052 (0.00051 to 0.00053, 40 items) against 0.0005: met at the lower confidence bound.',
  })
  expect(of('8').targets[5]).toMatchObject({
    met: false,
    liveLower: '700',
    reason: expect.stringContaining('the live version is significantly better, with 0.00071 (0.0007 to 0.00072'),
  })
  expect(of('8').reason).toMatch(/^b 0.0002 .* c 0.0006 .* d has not been evaluated yet\. f 0.00061 /)
  expect(verdicts('7')).toEqual(['unmeasured', 'unmeasured', 'unmeasured', 'unmeasured', 'met', 'met'])
  expect(of('9')).toEqual({ met: false, reason: 'The model has no mandate yet.', targets: [] })
  expect(of('10')).toMatchObject({ met: false, targets: [], reason: expect.stringContaining('no targets') })
  const before = (await ask(query('asOf: { block: 19 }'))).data
  expect(verdicts('8', before)[5], 'no version served then').toBe('met')

  await db.query(`delete from target where metric in ('b', 'c', 'd', 'f')`)
  const { met, reason } = of('8', (await ask(query(''))).data)
  expect({ met, reason }).toEqual({ met: true, reason: 'Every target is met at the lower bound of its interval.' })
  await insert(db, ModelVersion, { id: '11', modelId: '99' })
  expect(of('11', (await ask(query(''))).data).reason).toBe('The model of the version is not known.')
})
