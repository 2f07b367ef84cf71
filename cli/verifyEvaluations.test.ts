import { expect, test } from 'vitest'
import { testApi } from '#graphql/test/api.ts'
import { documentBytes, putDocument, rubricDocument } from '#schema/documents.ts'
import { sealEvaluationLog } from '#schema/evaluationLog.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import { insert, insertChain } from '#test/factory.ts'
import { evaluationVerdicts } from './verifyEvaluations.ts'

const items = { salt: `0x${'5a'.repeat(32)}`, items: [{ prompt: 'p', completion: 'c' }] }
const sample = { input: 'p', target: 'c', output: { completion: 'c' }, scores: { exact: { value: 1 } } }
const details = (seed: number) => ({ eval: { metadata: { seed } }, samples: [sample] })

test('evaluations are checked with opened or given items; wrong ones are told, sealed ones are not', async () => {
  const { db, artifacts } = await testApi()
  await insertChain(db, 3)
  const test = `0x${'77'.repeat(32)}`
  const named = await artifacts.put(documentBytes(items))
  const rubricOf = (name: string) =>
    putDocument(artifacts, rubricDocument, {
      metrics: [{ name: 'exact', kind: 'exact' }],
      test: name,
      validation: test,
      maxTokens: 4,
    })
  const [rubric, sealedRubric] = [await rubricOf(named), await rubricOf(test)]
  const scores = { score: 1_000_000n, lower: 206_549n, upper: 1_000_000n, n: 1 }
  const add = async (id: string, over: object = {}, row: object = {}) => {
    const { score, lower, upper, n } = scores
    const metrics = [{ metric: 'exact', score: `${score}`, lower: `${lower}`, upper: `${upper}`, n }]
    const log = sealEvaluationLog(
      { versionId: id, rubric, items: named, seed: Number(id), metrics, ...over },
      items,
      details(Number(id)),
    )
    const logHash = await artifacts.put(documentBytes(log))
    await insert(db, Evaluation, { id, versionId: id, rubricHash: rubric, metric: 'exact', ...scores, logHash, ...row })
  }
  await add('1')
  await add('2', { rubric: sealedRubric, items: test }, { rubricHash: sealedRubric })
  await add('3', {}, { lower: 300_000n })
  await add('4', { versionId: '1' })
  await add('5', { seed: 9 })
  const said = async (given?: { name: string; items: typeof items }) =>
    (await evaluationVerdicts(db, artifacts, given)).map(({ text, ok }) => [ok, text.replace(/.*: /, '')])
  const wrong = [
    [false, 'its metrics are not those on the chain.'],
    [false, 'it is the log of another version, rubric or set of items.'],
    [false, 'The seed is 9, not the one that follows from version 5.'],
  ]
  expect(await said()).toEqual([[true, 'right.'], [true, 'its items are still sealed.'], ...wrong])
  const given = { name: test, items }
  expect(await said(given)).toEqual([[true, 'right.'], [true, 'right.'], ...wrong])
  const other = { name: test, items: { ...items, salt: `0x${'5b'.repeat(32)}` } }
  expect((await said(other))[1]).toEqual([false, 'These items do not open this log.'])
})
