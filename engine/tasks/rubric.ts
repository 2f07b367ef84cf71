import { exactMatch, jsonFields, regexMatch, wordF1 } from '#engine/stats/scorers.ts'
import { TaskError } from './task.ts'

/** One thing measured on every answer. */
export interface RubricMetric {
  name: string
  /**
   * `fields`: the answer and the right one are split by `separator`, and all listed `fields` must agree; `exact`: the
   * whole answer agrees; `f1`: over words; `regex`: `pattern` is found; `json`: the share of the right answer's JSON fields
   * that the answer has; `choice`: the right answer is likelier than the item's other choices; `perplexity`: of the right
   * answer.
   */
  kind: 'fields' | 'exact' | 'f1' | 'regex' | 'json' | 'choice' | 'perplexity'
  separator?: string
  /** Places of the fields compared, from 0; all of the right answer's unless told. */
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
      return regexMatch(answer, patternOf(metric)).score
    case 'json':
      return jsonFields(answer, objectOf(metric, right)).score
    case 'choice':
    case 'perplexity':
      throw new TaskError(`${metric.name} is measured on given answers, not on the model's.`)
  }
}

/** A malformed answer, with fewer fields than are listed, is wrong. */
function fieldsAgree({ name, separator, fields }: RubricMetric, answer: string, right: string): boolean {
  if (!separator) throw new TaskError(`The metric ${name} compares fields but has no separator; name one.`)
  const [given, wanted] = [answer, right].map((text) => text.split(separator).map((field) => field.trim()))
  const places = fields ?? wanted!.map((_, place) => place)
  if (places.length === 0) throw new TaskError(`The metric ${name} compares no field; list at least one.`)
  return places.every((place) => given![place] !== undefined && given![place] === wanted![place])
}

function objectOf({ name }: RubricMetric, right: string): Record<string, unknown> {
  try {
    const value = JSON.parse(right)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch {
    // Said below.
  }
  throw new TaskError(`The metric ${name} compares JSON fields, but a right answer is no JSON object: ${right}`)
}

function patternOf({ name, pattern }: RubricMetric): RegExp {
  if (pattern === undefined) throw new TaskError(`The metric ${name} is a regular expression but has no pattern.`)
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    throw new TaskError(`The pattern of the metric ${name} is no regular expression: ${(cause as Error).message}`, {
      cause,
    })
  }
}
