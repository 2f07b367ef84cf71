import { writeFileSync } from 'node:fs'
import { toInspectLog } from '#engine/stats/evalLog.ts'
import type { EvaluationRun } from '#engine/stats/evaluation.ts'

/** `node --import tsx test/oracles/evalLog.ts FILE.json` writes one of our logs, which `evalLog.py` reads with Inspect. */
export const evaluation: EvaluationRun = {
  task: 'triage',
  taskVersion: 1,
  dataset: '4 items',
  model: 'base+adapter',
  config: { seed: 1, temperature: 0, maxTokens: 56 },
  scorers: [
    { name: 'fieldsExact', metric: 'fields', higherIsBetter: true },
    { name: 'perplexity', metric: 'perplexity', higherIsBetter: false },
  ],
  samples: [1, 0, 1, 1].map((right, index) => ({
    id: String(index),
    input: `Message ${index}`,
    target: 'delivery | low | none | We are on it.',
    answer: right ? 'delivery | low | none | Soon.' : 'refund',
    scores: { fieldsExact: right, perplexity: 1.5 + index / 4 },
    cluster: index < 2 ? 'first' : 'second',
    promptTokens: 20,
    completionTokens: 12,
    stopReason: index === 1 ? 'max_tokens' : 'stop',
  })),
  startedAt: new Date(0),
  completedAt: new Date(5000),
}

const [file] = process.argv.slice(2)
if (file) writeFileSync(file, JSON.stringify(toInspectLog(evaluation)))
