import type { PromptCompletion } from '#rules/sample.ts'
import type { FindingVerdict, Match, ScreeningFinding } from './findings.ts'
import { personalDataIn } from './personalData.ts'
import { secretsIn } from './secrets.ts'

/**
 * Looks for secrets and personal data in a sample, secrets first, in the order of the text. The same sample has the same findings under the same
 * `SCREENING_RULES`, whoever looks, and whatever other samples there are.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { screenSample } from '#screening/screenSample.ts'
 *
 * const sample = { prompt: 'Whom do I ask?', completion: 'Write to\njane.doe@acme-tools.io' }
 * assert.deepEqual(screenSample(sample), [
 *   { verdict: 'personalData', kind: 'e-mail address', field: 'completion', line: 2 },
 * ])
 * ```
 */
export const screenSample = (sample: PromptCompletion): ScreeningFinding[] => [
  ...findings(sample, 'secret', secretsIn),
  ...findings(sample, 'personalData', personalDataIn),
]

const findings = (sample: PromptCompletion, verdict: FindingVerdict, find: (text: string) => Match[]) =>
  (['prompt', 'completion'] as const).flatMap((field) =>
    placed(sample[field], find(sample[field])).map(
      ({ kind, line }): ScreeningFinding => ({ verdict, kind, field, line }),
    ),
  )

/** In the order of the text, with their lines. Lines are counted in one pass, because a text may hold thousands of findings. */
function placed(text: string, matches: readonly Match[]): (Match & { line: number })[] {
  let line = 1
  let next = text.indexOf('\n')
  return matches
    .toSorted((a, b) => a.at - b.at || (a.kind < b.kind ? -1 : 1))
    .map((match) => {
      for (; next !== -1 && next < match.at; next = text.indexOf('\n', next + 1)) line++
      return { ...match, line }
    })
}
