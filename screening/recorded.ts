import type { SampleCheck } from '#rules/quality.ts'
import type { FindingVerdict } from './findings.ts'
import { screeningFindingText } from './findings.ts'
import { screenSample } from './screenSample.ts'

/** The version of everything that decides what is found: these files, secretlint's rules, libphonenumber-js and validator. It grows with each change of
 *  them, and every verdict records it, so that nobody is judged by rules of a later day. `screenSample.test.ts` fails when that was forgotten. */
export const SCREENING_RULES = 1

const RECORDED = / \[screening (\d{1,9})\]$/

/** The reason of a verdict as it is written to the chain. */
export const withScreeningRules = (reason: string): string => `${reason} [screening ${SCREENING_RULES}]`

/** What a verdict on chain says of the screening. */
const FINDING: Record<FindingVerdict, RegExp> = {
  secret: /^Holds a secret \(/,
  personalData: /^Holds personal data \(/,
}

/** Refuses a sample for the first thing that is found. */
export const screeningCheck: SampleCheck = (sample) => {
  const [first, ...others] = screenSample(sample)
  if (!first) return null
  const more = others.length > 0 ? ` Found in all: ${others.length + 1}.` : ''
  return { verdict: first.verdict, reason: `${screeningFindingText(first)}${more}` }
}

/** The check for a contribution whose verdict has this reason; null: it has none yet. A verdict of the present rules, and one to come, is computed; what
 *  other rules found, or releases before there were any, counts as it is recorded. */
export function recordedScreening(reason: string | null): SampleCheck {
  if (reason === null || Number(RECORDED.exec(reason)?.[1]) === SCREENING_RULES) return screeningCheck
  for (const verdict of ['secret', 'personalData'] as const)
    if (FINDING[verdict].test(reason)) return () => ({ verdict, reason: reason.replace(RECORDED, '') })
  return () => null
}
