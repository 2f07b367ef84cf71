import { matchInTime } from '#engine/text/boundedMatch.ts'
import type { SampleObjection } from '#rules/quality.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import { requirementObjections, type SampleRequirements } from '#rules/sampleRequirements.ts'

/** What cannot be read of a specification requires nothing. */
const NOTHING: SampleRequirements = { description: '', completionPattern: '[^]*', topic: [], maxPromptLength: Infinity }

/** What a specification objects to in a sample. A pattern that takes too long is told once, and nothing is compared with it after that. One that is invalid is told
 *  elsewhere. */
export function objectionsBy(
  required: Partial<SampleRequirements>,
  onSlow: () => void,
): (sample: PromptCompletion) => Iterable<SampleObjection> {
  let isSlow = false
  const matches = (pattern: RegExp, text: string): boolean => {
    const found = isSlow || matchInTime(pattern, text)
    if (found !== undefined) return found
    isSlow = true
    onSlow()
    return true
  }
  const whole = { ...NOTHING, ...required }
  try {
    return requirementObjections(whole, matches)
  } catch {
    return requirementObjections({ ...whole, completionPattern: NOTHING.completionPattern }, matches)
  }
}
