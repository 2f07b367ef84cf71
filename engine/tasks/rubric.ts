import { exactMatch, jsonFields, wordF1 } from '#engine/stats/scorers.ts'
import { matchesInTime } from '#engine/text/boundedMatch.ts'
import { TaskError } from './task.ts'

/** A metric of every answer. */
export interface RubricMetric {
  name: string
  /**
   * - `fields`: both answers are split by `separator`, and all listed `fields` must be equal
   * - `exact`: the answers are equal
   * - `f1`: F1 over words
   * - `regex`: `pattern` matches the answer, within a second
   * - `json`: the share of the right answer's JSON fields that the answer has
   * - `choice`: the right answer is more likely than the item's other choices
   * - `perplexity`: the perplexity of the right answer
   */
  kind: 'fields' | 'exact' | 'f1' | 'regex' | 'json' | 'choice' | 'perplexity'
  separator?: string
  /** Indices of the compared fields, from 0. Default: all fields of the right answer. */
  fields?: readonly number[]
  pattern?: string
}

/** The score of one answer, 0 to 1. */
export function scoreOf(metric: RubricMetric, answer: string, right: string): number {
  switch (metric.kind) {
    case 'fields':
      return fieldsAgree(metric, answer, right) ? 1 : 0
    case 'exact':
      return exactMatch(answer.trim(), [right.trim()], { normalise: false })
    case 'f1':
      return wordF1(answer, [right])
    case 'regex':
      return matchesInTime(patternOf(metric), answer) ? 1 : 0
    case 'json':
      return jsonFields(answer, objectOf(metric, right)).score
    case 'choice':
    case 'perplexity':
      throw new TaskError(`${metric.name} is measured on the given answers, not on the model's.`)
  }
}

/** An answer with fewer fields than are listed is wrong. */
function fieldsAgree({ name, separator, fields }: RubricMetric, answer: string, right: string): boolean {
  if (!separator) throw new TaskError(`The metric ${name} compares fields but has no separator; name one.`)
  const split = (text: string) => text.split(separator).map((field) => field.trim())
  const [given, expected] = [split(answer), split(right)]
  const compared = fields ?? [...expected.keys()]
  if (compared.length === 0) throw new TaskError(`The metric ${name} compares no field; list at least one.`)
  return compared.every((index) => given[index] !== undefined && given[index] === expected[index])
}

function objectOf({ name }: RubricMetric, right: string): Record<string, unknown> {
  try {
    const value = JSON.parse(right)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch {
    // The error below says so.
  }
  throw new TaskError(`The metric ${name} compares JSON fields, but a right answer is not a JSON object.`)
}

/** The pattern of a metric. @throws TaskError when it has none, or none that is valid. */
export function patternOf({ name, pattern }: RubricMetric): RegExp {
  if (pattern === undefined) throw new TaskError(`The metric ${name} is a regular expression but has no pattern.`)
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    throw new TaskError(
      `The pattern of the metric ${name} is not a valid regular expression: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}
