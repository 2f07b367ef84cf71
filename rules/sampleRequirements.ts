/** Rule 3 (quality): what a specification requires of a sample. */

import type { SampleCheck } from './quality.ts'

/** As in the specification. Lengths are in UTF-16 code units. */
export type SampleRequirements = {
  description: string
  /** A regular expression that the whole completion matches. */
  completionPattern: string
  /** A prompt is on topic when it contains one of these words; when the list is empty, every prompt is. */
  topic: readonly string[]
  maxPromptLength: number
}

/** The pattern of a whole completion. @throws SyntaxError when it is no regular expression. */
export const wholePattern = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u')

/**
 * The check that a specification requires of every sample. `matches`: whether a text matches a pattern; where patterns and samples are strangers', it must
 * come to an end for each.
 * @throws SyntaxError when the pattern of completions is no regular expression.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { requirementCheck } from '#rules/sampleRequirements.ts'
 *
 * const check = requirementCheck({ description: 'yes or no', completionPattern: 'yes|no', topic: [], maxPromptLength: 9 })
 * assert.equal(check({ prompt: 'Is it?', completion: 'no' }), null)
 * assert.equal(check({ prompt: 'Is it?', completion: 'now' })?.verdict, 'malformed')
 * ```
 */
export function requirementCheck(
  required: SampleRequirements,
  matches = (pattern: RegExp, text: string) => pattern.test(text),
): SampleCheck {
  const completion = wholePattern(required.completionPattern)
  const topic = required.topic.map((word) => word.toLowerCase())
  return (sample) => {
    if (sample.prompt.length > required.maxPromptLength)
      return {
        verdict: 'malformed',
        reason: `The prompt has ${sample.prompt.length} characters; at most ${required.maxPromptLength} are asked for.`,
      }
    if (!matches(completion, sample.completion))
      return {
        verdict: 'malformed',
        reason: `The completion is not of the form asked for: ${required.description}`,
      }
    const text = sample.prompt.toLowerCase()
    if (topic.length > 0 && !topic.some((word) => text.includes(word)))
      return {
        verdict: 'offTopic',
        reason: 'The prompt has none of the topic’s words. The specification says what the datanet collects.',
      }
    return null
  }
}
