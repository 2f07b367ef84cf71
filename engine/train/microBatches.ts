import { type Feeds, outputNamed, type Tensor } from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import type { Objective } from './objective.ts'

/** One run of a graph: its feeds, padded to `length`. */
export interface MicroBatch {
  length: number
  feeds: Feeds
}

/**
 * Splits examples into micro-batches of `rows` examples. Their losses sum to `weight` times the weighted mean over all examples.
 * @throws Error that says why an example cannot be used for training.
 */
export function* microBatches<E>(
  objective: Objective<E>,
  examples: readonly E[],
  { rows, limit, weight }: { rows: number; limit: number; weight: number },
): Generator<MicroBatch, void, undefined> {
  for (const example of examples) checkExampleOf(objective, example, limit)
  const total = examples.reduce((sum, example) => sum + objective.totalOf(example), 0)
  // If all examples have weight 0, the gradient is zero, not 0 / 0.
  const scale = total > 0 ? weight / total : 0
  for (let from = 0; from < examples.length; from += rows) {
    const part = examples.slice(from, from + rows)
    const length = bucketLength(Math.max(...part.map((each) => objective.lengthOf(each))), limit)
    yield { length, feeds: { ...objective.feeds(part, rows, length), scale } }
  }
}

/** @throws Error that says why an example cannot be used for training. */
export function checkExampleOf<E>(objective: Objective<E>, example: E, limit: number): void {
  objective.check(example)
  bucketLength(objective.lengthOf(example), limit)
}

/** Sums losses and metrics over micro-batches; each is already divided by the total weight of the step. */
export class LossAccumulator {
  loss = 0
  readonly metrics: Record<string, number> = {}

  add(results: Readonly<Record<string, Tensor>>): void {
    this.loss += outputNamed(results, 'loss').value
    for (const [name, each] of Object.entries(results))
      if (name.startsWith('metric.')) {
        const key = name.slice('metric.'.length)
        this.metrics[key] = (this.metrics[key] ?? 0) + each.value
      }
  }
}
