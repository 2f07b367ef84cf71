import { matchInTime } from '#engine/text/boundedMatch.ts'
import type { SampleCheck } from '#rules/quality.ts'
import { requirementCheck, type SampleRequirements } from '#rules/sampleRequirements.ts'

/** The check of what a specification requires of samples. A pattern that takes too long is told once, and nothing is compared with it after that. One that is
 *  invalid is told elsewhere. */
export function requiredOf(required: SampleRequirements, onSlow: () => void): SampleCheck {
  let isSlow = false
  const matches = (pattern: RegExp, text: string): boolean => {
    const found = isSlow || matchInTime(pattern, text)
    if (found !== undefined) return found
    isSlow = true
    onSlow()
    return true
  }
  try {
    return requirementCheck(required, matches)
  } catch {
    return () => null
  }
}
