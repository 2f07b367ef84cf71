import { type Feeds, input, mul, neg, reshape, sum } from '#engine/graph/index.ts'
import { tokenLogProbabilities } from '#engine/model/heads.ts'
import { idInput } from '#engine/model/inputs.ts'
import type { Objective, ObjectiveGraph, TrainedModel } from './objective.ts'
import { checkRow, checkWeight, countLearned, rowFeeds, rowLength, type TokenRow } from './rows.ts'

/** A text to learn. `weight` (default 1) scales its loss, for example by the trust in its annotator. */
export interface SupervisedExample extends TokenRow {
  weight?: number
}

const weightOf = ({ weight = 1 }: SupervisedExample): number => weight

/**
 * The objective of supervised fine-tuning and pre-training: the mean negative log-probability of the learned tokens,
 * weighted by their examples.
 */
export const supervised: Objective<SupervisedExample> = {
  name: 'supervised',
  rows: 1,
  lengthOf: rowLength,
  totalOf: (example) => weightOf(example) * countLearned(example),
  check: checkExample,
  build: (model) => tokenLoss(model),
  feeds: (examples, batch, length): Feeds => rowFeeds(examples, batch, length, weightOf),
}

function checkExample(example: SupervisedExample): void {
  checkRow(example)
  checkWeight(weightOf(example))
}

function tokenLoss(model: TrainedModel, packed = false): ObjectiveGraph {
  const { config, batch, length } = model
  const [ids, targets] = [idInput(config, batch, length), idInput(config, batch, length, 'targets')]
  const coefficients = input('coefficients', [batch, length])
  const packing = packed && {
    positions: input('positions', [batch, length], 'i32', { below: length }),
    segments: input('segments', [batch, length], 'i32'),
  }
  const { hidden } = model.forward(ids, packing || undefined)
  const losses = mul(neg(tokenLogProbabilities(config, model.weights, hidden, targets)), coefficients) // (B,T)
  return {
    inputs: [ids, targets, coefficients, ...(packing ? [packing.positions, packing.segments] : [])],
    loss: reshape(sum(losses), []),
    metrics: {},
  }
}

/** Several texts in one row; no token attends to another text. */
export type PackedExample = readonly SupervisedExample[]

/** The same loss with packed rows: less padding, the same gradient. */
export const packedSupervised: Objective<PackedExample> = {
  name: 'supervised, packed',
  rows: 1,
  lengthOf: (texts) => texts.map(rowLength).reduce((a, b) => a + b, 0),
  totalOf: (texts) => texts.map(supervised.totalOf).reduce((a, b) => a + b, 0),
  check: (texts) => texts.forEach(checkExample),
  build: (model) => tokenLoss(model, true),
  feeds: (examples, batch, length) => {
    const feeds = {
      ids: new Int32Array(batch * length),
      targets: new Int32Array(batch * length),
      coefficients: new Float32Array(batch * length),
      positions: new Int32Array(batch * length),
      segments: new Int32Array(batch * length).fill(-1),
    }
    examples.forEach((texts, index) => {
      let at = index * length
      texts.forEach((text, segment) => {
        const size = rowLength(text)
        const one = rowFeeds([text], 1, size, () => weightOf(text))
        feeds.ids.set(one.ids, at)
        feeds.targets.set(one.targets, at)
        feeds.coefficients.set(one.coefficients, at)
        feeds.positions.set(
          Int32Array.from({ length: size }, (_, position) => position),
          at,
        )
        feeds.segments.fill(segment, at, at + size)
        at += size
      })
    })
    return feeds
  },
}

/**
 * Packs texts into rows of at most `length` positions: first fit, longest first (Johnson, 1973).
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { packExamples } from '#engine/train/supervised.ts'
 *
 * const textOf = (tokens: number) => ({ ids: new Array(tokens).fill(1), mask: new Array(tokens).fill(1) })
 * const rows = packExamples([textOf(5), textOf(9), textOf(4)], 8)
 * assert.deepEqual(rows.map((row) => row.length), [1, 2]) // 8 positions, and 4 + 3
 * ```
 */
export function packExamples(examples: readonly SupervisedExample[], length: number): PackedExample[] {
  const rows: { room: number; texts: SupervisedExample[] }[] = []
  const order = [...examples].sort((a, b) => rowLength(b) - rowLength(a))
  for (const text of order) {
    const size = rowLength(text)
    if (size > length)
      throw new Error(`A text of ${size + 1} tokens does not fit in a row of ${length} positions; shorten it first.`)
    let row = rows.find(({ room }) => room >= size)
    if (!row) rows.push((row = { room: length, texts: [] }))
    row.texts.push(text)
    row.room -= size
  }
  return rows.map(({ texts }) => texts)
}
