import type { MatchingNote } from './askWorker.ts'

/** The patterns that were found to take too long, by their sources. */
let slow = new Set<string>()

export const setSlowPatterns = (sources: readonly string[]): void => {
  slow = new Set(sources)
}

/** Whether a text matches a pattern; undefined when that takes too long. Stands for the engine's own, which stops in time by itself. In a worker of a browser
 *  nothing can: whoever started it is told of each comparison, ends it when one takes too long, and starts it again. */
function watchedMatch(pattern: RegExp, text: string): boolean | undefined {
  if (slow.has(pattern.source)) return undefined
  const tell = (matching: string | null) => self.postMessage({ matching } satisfies MatchingNote)
  tell(pattern.source)
  const matches = pattern.test(text)
  tell(null)
  return matches
}

const watchedMatches = (pattern: RegExp, text: string): boolean => watchedMatch(pattern, text) ?? false

export { watchedMatch as matchInTime, watchedMatches as matchesInTime }
