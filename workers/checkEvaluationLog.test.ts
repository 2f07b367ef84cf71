import { expect, test } from 'vitest'
import { toInspectLog } from '#engine/stats/evalLog.ts'
import { summariseMetric } from '#engine/tasks/evaluate.ts'
import { scoreOf } from '#engine/tasks/rubric.ts'
import { documentBytes, type EvaluationLog, type SealedItems } from '#schema/documents.ts'
import { sealEvaluationLog } from '#schema/evaluationLog.ts'
import { must } from '#test/must.ts'
import { checkEvaluationLog } from './checkEvaluationLog.ts'
import { evaluationSeed, loggedMetric } from './firstEvaluation.ts'

const items: SealedItems = {
  salt: `0x${'5a'.repeat(32)}`,
  items: [1, 2, 3, 4].map((n) => ({ prompt: `canary prompt ${n}`, completion: `canary | answer ${n}` })),
}
const rubric = {
  metrics: [
    { name: 'exact', kind: 'exact' as const },
    { name: 'words', kind: 'f1' as const },
    { name: 'surprise', kind: 'perplexity' as const },
  ],
}
const answers = ['canary | answer 1', 'canary | answer 9', 'canary | answer 3', 'given']
const LOSSES = [0.1, 0.7, 0.2, 2.5]

function logOf({ answered = answers, versionId = '7', asked = items } = {}): EvaluationLog {
  const samples = asked.items.map(({ prompt, completion }, index) => {
    const answer = must(answered[index])
    const [exact, words] = rubric.metrics
    return {
      id: String(index),
      input: prompt,
      target: completion,
      answer,
      scores: {
        exact: scoreOf(must(exact), answer, completion),
        words: scoreOf(must(words), answer, completion),
        surprise: Math.exp(must(LOSSES[index])),
      },
    }
  })
  const time = new Date(0)
  const details = toInspectLog({
    task: 'rubric',
    taskVersion: 1,
    dataset: 'items',
    model: 'm',
    config: { seed: evaluationSeed(versionId) },
    scorers: rubric.metrics.map(({ name }) => ({ name })),
    samples,
    startedAt: time,
    completedAt: time,
  })
  const metrics = rubric.metrics.map((metric) => {
    const values = samples.map(({ scores }) => scores[metric.name as keyof typeof scores])
    const found = loggedMetric(
      summariseMetric(metric, metric.kind === 'perplexity' ? values.map(Math.log) : values, undefined),
    )
    const { score, lower, upper } = found
    return { metric: found.metric, score: `${score}`, lower: `${lower}`, upper: `${upper}`, n: Number(found.n) }
  })
  const hash = `0x${'12'.repeat(32)}`
  return sealEvaluationLog(
    { versionId, rubric: hash, items: hash, seed: evaluationSeed(versionId), metrics },
    asked,
    details,
  )
}

test('a log tells scores, seed and salted hashes, and neither items, answers nor lengths', () => {
  const log = logOf()
  const text = new TextDecoder().decode(documentBytes(log))
  for (const secret of ['canary', 'answer', 'given', 'prompt']) expect(text).not.toContain(secret)
  expect(Buffer.from(log.sealed, 'base64').toString('latin1')).not.toContain('canary')
  expect(log).toMatchObject({ seed: 7, metrics: [{ metric: 'exact', score: '500000', n: 4 }, {}, {}] })
  expect(new Set(log.itemHashes).size).toBe(4)
  expect(documentBytes(logOf())).toEqual(documentBytes(log))
  const longer = ['canary | answer 1 and much more of it', ...answers.slice(1)]
  expect(logOf({ answered: longer }).sealed.length).toBe(log.sealed.length)
})

test('whoever has the items checks a log; each change of it is told', () => {
  const log = logOf()
  expect(checkEvaluationLog(log, items, rubric)).toEqual([])
  const changed = (change: Partial<EvaluationLog>) => checkEvaluationLog({ ...log, ...change }, items, rubric)
  const better = log.metrics.map((one) => (one.metric === 'exact' ? { ...one, lower: '499999' } : one))
  expect(changed({ metrics: better })).toEqual(['The exact does not follow from the scores.'])
  expect(changed({ metrics: log.metrics.slice(0, 2) })).toEqual(['The surprise is missing.'])
  expect(changed({ itemHashes: [...log.itemHashes].reverse() })).toEqual(['The hashes are not those of the items.'])
  expect(changed({ seed: 8 })).toEqual(['The seed is 8, not the one that follows from version 7.'])
  expect(() => changed({ sealed: `${log.sealed.slice(0, 100)}AAAA${log.sealed.slice(104)}` })).toThrow(/damaged/)
})

test('items that are not those that were asked do not open a log, or do not fit to it', () => {
  const log = logOf()
  const other = { ...items, salt: `0x${'5b'.repeat(32)}` }
  expect(() => checkEvaluationLog(log, other, rubric)).toThrow('These items do not open this log.')
  const swapped = {
    ...items,
    items: items.items.map((item, nth) => (nth === 1 ? { ...item, prompt: 'easier' } : item)),
  }
  expect(checkEvaluationLog(log, swapped, rubric)).toEqual([
    'The hashes are not those of the items.',
    'Item 1 is not the one that was asked.',
  ])
  const fewer = { ...items, items: items.items.slice(0, 3) }
  expect(checkEvaluationLog(log, fewer, rubric)).toContain('It has 4 of 3 items.')
})

test('scores that do not follow from the answers are told', () => {
  const lenient = { metrics: [{ name: 'exact', kind: 'regex' as const, pattern: '.' }] }
  expect(checkEvaluationLog(logOf(), items, lenient)).toEqual([
    'Item 1: the exact of its answer is another.',
    'Item 3: the exact of its answer is another.',
  ])
})
