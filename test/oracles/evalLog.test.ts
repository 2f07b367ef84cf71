import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { toInspectLog } from '#engine/stats/evalLog.ts'
import { must } from '#test/must.ts'
import { evaluation } from './evalLog.ts'

interface Sample {
  id: string
  target: string
  output: { completion: string; choices: { stop_reason: string }[]; usage: { total_tokens: number } }
  scores: Record<string, { value: number }>
}

interface Log {
  version: number
  status: string
  eval: { task: string; model: string }
  results: { scores: { name: string; metrics: Record<string, { value: number }> }[] }
  samples: Sample[]
  stats: { model_usage: Record<string, { total_tokens: number }> }
}

const values = (of: Record<string, { value: number }>) =>
  Object.fromEntries(Object.entries(of).map(([key, { value }]) => [key, value]))

test('the reader of Inspect finds the written values in our log', async () => {
  const golden = JSON.parse(await readFile(new URL('golden/evalLog.golden.json', import.meta.url), 'utf8'))
  const log = JSON.parse(JSON.stringify(toInspectLog(evaluation))) as Log
  expect({
    version: log.version,
    status: log.status,
    task: log.eval.task,
    model: log.eval.model,
    metrics: Object.fromEntries(log.results.scores.map(({ name, metrics }) => [name, values(metrics)])),
    samples: log.samples.map(({ id, output, target, scores }) => ({
      id,
      completion: output.completion,
      stop: must(output.choices[0]).stop_reason,
      target,
      scores: values(scores),
      tokens: output.usage.total_tokens,
    })),
    total_tokens: must(log.stats.model_usage[log.eval.model]).total_tokens,
  }).toEqual(golden)
})
