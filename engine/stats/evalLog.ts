import { createHash } from 'node:crypto'
import type { Estimate } from './estimate.ts'
import { type EvaluationRun, type EvaluationSample, estimateScores } from './evaluation.ts'

type Json = Record<string, unknown>

/**
 * Converts an evaluation to an Inspect log (inspect.aisi.org.uk): EvalLog version 2 in JSON, which `inspect view` and
 * `read_eval_log` open. Identifiers are hashes of the content, so the same evaluation gives the same log.
 */
export function toInspectLog(evaluation: EvaluationRun): Json {
  const { task, taskVersion, dataset, model, config, scorers, samples, startedAt, completedAt } = evaluation
  const estimates = estimateScores(evaluation)
  const created = startedAt.toISOString()
  const identity = (part: string) =>
    hash(part, task, String(taskVersion), dataset, model, created, JSON.stringify(config))
  const usage = {
    input_tokens: total(samples, 'promptTokens'),
    output_tokens: total(samples, 'completionTokens'),
    total_tokens: total(samples, 'promptTokens') + total(samples, 'completionTokens'),
  }
  return {
    version: 2,
    status: 'success',
    eval: {
      eval_id: identity('eval'),
      run_id: identity('run'),
      created,
      task,
      task_id: identity('task'),
      task_version: taskVersion,
      task_attribs: {},
      task_args: {},
      dataset: { name: dataset, samples: samples.length, sample_ids: samples.map(({ id }) => id), shuffled: false },
      model,
      model_args: {},
      model_generate_config: {},
      config: {},
      packages: {},
      metadata: config,
      scorers: scorers.map(({ name }) => ({ name })),
    },
    plan: { name: 'plan', steps: [{ solver: 'generate', params: {} }], config: {} },
    results: {
      total_samples: samples.length,
      completed_samples: samples.length,
      scores: scorers.map(({ name }) => {
        const { mean, standardError } = estimateOf(estimates, name)
        const metrics = { mean, ...(Number.isFinite(standardError) ? { stderr: standardError } : {}) }
        return {
          name,
          scorer: name,
          params: {},
          metrics: Object.fromEntries(
            Object.entries(metrics).map(([key, value]) => [key, { name: key, value, params: {} }]),
          ),
        }
      }),
    },
    stats: { started_at: created, completed_at: completedAt.toISOString(), model_usage: { [model]: usage } },
    samples: samples.map((sample) => inspectSample(sample, evaluation)),
  }
}

function inspectSample(sample: EvaluationSample, { model, scorers }: EvaluationRun): Json {
  const usage = {
    input_tokens: sample.promptTokens ?? 0,
    output_tokens: sample.completionTokens ?? 0,
    total_tokens: (sample.promptTokens ?? 0) + (sample.completionTokens ?? 0),
  }
  const answer = { content: sample.answer, source: 'generate', role: 'assistant', model }
  return {
    id: sample.id,
    epoch: 1,
    input: sample.input,
    target: sample.target,
    messages: [{ content: sample.input, source: 'input', role: 'user' }, answer],
    output: {
      model,
      choices: [{ message: answer, stop_reason: sample.stopReason ?? 'stop' }],
      completion: sample.answer,
      usage,
    },
    scores: Object.fromEntries(
      scorers.map(({ name }) => [
        name,
        {
          value: sample.scores[name],
          answer: sample.answer,
          ...(sample.explanation ? { explanation: sample.explanation } : {}),
        },
      ]),
    ),
    metadata: sample.cluster === undefined ? {} : { cluster: sample.cluster },
    store: {},
    events: [],
    model_usage: { [model]: usage },
    attachments: {},
  }
}

/**
 * Converts evaluations of one model to a results file of lm-evaluation-harness: `results.<task>["<metric>,none"]` with its
 * `_stderr`, configurations, and sample counts.
 * @throws Error when the evaluations are of several models, or when two have the same task.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { toLmEvalResults } from '#engine/stats/evalLog.ts'
 *
 * const time = new Date(0)
 * const samples = [{ id: '0', input: '1 + 1', target: '2', answer: '2', scores: { exact: 1 } }]
 * const run = { task: 'sums', taskVersion: 1, dataset: 'one sum', model: 'tiny', config: {}, startedAt: time, completedAt: time }
 * const { results } = toLmEvalResults([{ ...run, scorers: [{ name: 'exact', metric: 'acc' }], samples }])
 * assert.deepEqual(results, { sums: { alias: 'sums', 'acc,none': 1, 'acc_stderr,none': 'N/A' } })
 * ```
 */
export function toLmEvalResults(evaluations: readonly EvaluationRun[]): Json {
  const models = new Set(evaluations.map(({ model }) => model))
  const [model] = models
  if (model === undefined || models.size !== 1)
    throw new Error(`A results file describes one model, not ${models.size}.`)
  const tasks = new Set(evaluations.map(({ task }) => task))
  if (tasks.size !== evaluations.length) throw new Error('A results file can contain each task only once.')
  const byTask = (value: (evaluation: EvaluationRun) => unknown) =>
    Object.fromEntries(evaluations.map((evaluation) => [evaluation.task, value(evaluation)]))
  const started = Math.min(...evaluations.map(({ startedAt }) => startedAt.getTime())) / 1000
  const ended = Math.max(...evaluations.map(({ completedAt }) => completedAt.getTime())) / 1000
  return {
    results: byTask(lmEvalResult),
    group_subtasks: byTask(() => []),
    configs: byTask(({ task, dataset, taskVersion, config, fewShot = 0, scorers }) => ({
      task,
      dataset_path: dataset,
      num_fewshot: fewShot,
      metric_list: scorers.map(({ name, metric = name, higherIsBetter = true }) => ({
        metric,
        aggregation: 'mean',
        higher_is_better: higherIsBetter,
      })),
      generation_kwargs: config,
      metadata: { version: taskVersion },
    })),
    versions: byTask(({ taskVersion }) => taskVersion),
    'n-shot': byTask(({ fewShot = 0 }) => fewShot),
    higher_is_better: byTask(({ scorers }) =>
      Object.fromEntries(scorers.map(({ name, metric = name, higherIsBetter = true }) => [metric, higherIsBetter])),
    ),
    'n-samples': byTask(({ samples }) => ({ original: samples.length, effective: samples.length })),
    config: {
      model: 'modelcommons',
      model_args: { pretrained: model },
      batch_size: null,
      limit: null,
      bootstrap_iters: 0,
    },
    git_hash: null,
    date: started,
    model_source: 'modelcommons',
    model_name: model,
    model_name_sanitized: model.replace(/[^\w.-]/g, '__'),
    start_time: started,
    end_time: ended,
    total_evaluation_time_seconds: String(ended - started),
  }
}

/** A standard error that is unknown (only one cluster) is reported as "N/A", as the harness does. */
function lmEvalResult(evaluation: EvaluationRun): Json {
  const estimates = estimateScores(evaluation)
  const row: Json = { alias: evaluation.task }
  for (const { name, metric = name } of evaluation.scorers) {
    const { mean, standardError } = estimateOf(estimates, name)
    row[`${metric},none`] = mean
    row[`${metric}_stderr,none`] = Number.isFinite(standardError) ? standardError : 'N/A'
  }
  return row
}

function estimateOf(estimates: ReadonlyMap<string, Estimate>, name: string): Estimate {
  const estimate = estimates.get(name)
  if (!estimate) throw new Error(`The scorer ${name} has no estimate.`)
  return estimate
}

function total(samples: readonly EvaluationSample[], field: 'promptTokens' | 'completionTokens'): number {
  return samples.reduce((sum, sample) => sum + (sample[field] ?? 0), 0)
}

/** 22 characters, like Inspect's own identifiers. */
function hash(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 22)
}
