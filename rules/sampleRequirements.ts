/** Rule 3 (quality): what a specification requires of a sample. */

import type { SampleCheck, SampleObjection } from './quality.ts'
import type { PromptCompletion } from './sample.ts'

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

type Matches = (pattern: RegExp, text: string) => boolean
const matchesAtOnce: Matches = (pattern, text) => pattern.test(text)

/**
 * The check that a specification requires of every sample: the first objection decides. `matches`: whether a text matches a pattern; where patterns and
 * samples are strangers', it must come to an end for each.
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
export function requirementCheck(required: SampleRequirements, matches = matchesAtOnce): SampleCheck {
  const objections = requirementObjections(required, matches)
  return (sample) => {
    const [first] = objections(sample)
    return first ?? null
  }
}

/** All objections to a sample, each looked for when it is asked for. @throws SyntaxError as `requirementCheck` */
export function requirementObjections(
  { description, completionPattern, topic, maxPromptLength }: SampleRequirements,
  matches = matchesAtOnce,
): (sample: PromptCompletion) => Iterable<SampleObjection> {
  const pattern = wholePattern(completionPattern)
  const words = topic.map((word) => word.toLowerCase())
  return function* ({ prompt, completion }) {
    if (prompt.length > maxPromptLength)
      yield {
        verdict: 'malformed',
        reason: `The prompt has ${prompt.length} characters; at most ${maxPromptLength} are asked for.`,
      }
    if (!matches(pattern, completion))
      yield {
        verdict: 'malformed',
        reason: `The completion is not of the form asked for, ${completionPattern}: ${description}`,
      }
    const text = prompt.toLowerCase()
    if (words.length > 0 && !words.some((word) => text.includes(word)))
      yield {
        verdict: 'offTopic',
        reason: 'The prompt has none of the topic’s words. The specification says what the datanet collects.',
      }
  }
}
