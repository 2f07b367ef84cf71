import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { toInspectLog, toLmEvalResults } from './evalLog.ts'
import type { EvaluationRun } from './evaluation.ts'

const evaluation: EvaluationRun = {
  task: 'capitals',
  taskVersion: 1,
  dataset: 'capitals-v1',
  model: 'commons/tiny 1',
  config: { temperature: 0, seed: 7 },
  scorers: [
    { name: 'exact', metric: 'exact_match' },
    { name: 'loss', higherIsBetter: false },
  ],
  samples: [1, 0, 1, 1].map((exact, i) => ({
    id: `q${i}`,
    input: `Question ${i}?`,
    target: ['Bern', 'Berne'],
    answer: exact ? 'Bern' : 'Rome',
    scores: { exact, loss: i / 4 },
    cluster: i < 2 ? 'first' : undefined,
    promptTokens: 10,
    completionTokens: 2,
  })),
  startedAt: new Date('2026-11-20T10:00:00Z'),
  completedAt: new Date('2026-11-20T10:00:05Z'),
}

describe("Inspect's log", () => {
  const log = JSON.parse(JSON.stringify(toInspectLog(evaluation)))

  test('contains the mean and its clustered error', () => {
    expect(log).toMatchObject({ version: 2, status: 'success', eval: { task: 'capitals', dataset: { samples: 4 } } })
    const [exact] = log.results.scores
    expect(exact.metrics.mean.value).toBe(0.75)
    // Errors by cluster: {0.25 - 0.75}, 0.25, 0.25; their squares sum to 0.375, times 3/2.
    expect(exact.metrics.stderr.value).toBeCloseTo(Math.sqrt(0.375 * 1.5) / 4, 12)
  })

  test('contains every question, answer, score and the token counts', () => {
    expect(log.samples[1]).toMatchObject({
      id: 'q1',
      target: ['Bern', 'Berne'],
      scores: { exact: { value: 0, answer: 'Rome' } },
    })
    expect(log.samples[1].output.choices[0].message.content).toBe('Rome')
    expect(log.stats.model_usage['commons/tiny 1']).toEqual({ input_tokens: 40, output_tokens: 8, total_tokens: 48 })
  })

  test('is the same for the same evaluation', () => {
    expect(JSON.stringify(toInspectLog(evaluation))).toBe(JSON.stringify(toInspectLog(structuredClone(evaluation))))
    expect(toInspectLog({ ...evaluation, model: 'other' }).eval).not.toMatchObject({ run_id: log.eval.run_id })
  })
})

describe("lm-evaluation-harness's results", () => {
  test('contain each metric by task', () => {
    const results = JSON.parse(JSON.stringify(toLmEvalResults([evaluation, { ...evaluation, task: 'rivers' }])))
    expect(results.results.rivers).toMatchObject({ alias: 'rivers', 'exact_match,none': 0.75, 'loss,none': 0.375 })
    expect(results.higher_is_better.capitals).toEqual({ exact_match: true, loss: false })
    expect(results['n-samples'].capitals).toEqual({ original: 4, effective: 4 })
    expect(results.model_name_sanitized).toBe('commons__tiny__1')
    expect(results.total_evaluation_time_seconds).toBe('5')
  })

  test('report N/A for an unknown error', () => {
    const one = { ...evaluation, samples: evaluation.samples.slice(0, 1) }
    expect(toLmEvalResults([one]).results).toMatchObject({ capitals: { 'exact_match_stderr,none': 'N/A' } })
  })

  test('describe one model, with each task once', () => {
    expect(() => toLmEvalResults([])).toThrow('one model, not 0')
    expect(() => toLmEvalResults([evaluation, { ...evaluation, model: 'other' }])).toThrow('one model, not 2')
    expect(() => toLmEvalResults([evaluation, evaluation])).toThrow('each task only once')
  })
})

describe('an evaluation', () => {
  const sample = must(evaluation.samples[0])
  test.each<[string, EvaluationRun['samples'], string]>([
    ['without samples', [], 'no samples'],
    ['with two samples of one id', [sample, sample], 'two samples with the id q0'],
    ['with a score missing', [{ ...sample, scores: { exact: 1 } }], 'undefined for loss'],
    ['with a score of NaN', [{ ...sample, scores: { exact: Number.NaN, loss: 1 } }], 'NaN for exact'],
  ])('%s is not reported', (_, samples, message) => {
    expect(() => toInspectLog({ ...evaluation, samples })).toThrow(message)
    expect(() => toLmEvalResults([{ ...evaluation, samples }])).toThrow(message)
  })
})
