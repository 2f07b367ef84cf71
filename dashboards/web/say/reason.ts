import { percent } from './figures.ts'

/** Reasons and titles as people read them. */

/** The version of the screening rules stands at the end of a reason for programs. */
const RULES = / \[screening (\d+)\]$/

/** Without marks of programs, and with shares in percent. */
export const plainReason = (reason: string | null): string =>
  (reason ?? '')
    .replace(RULES, '')
    .replace(/(\d+)( ppm| beyond luck)/g, (_, ppm: string, unit: string) => percent(ppm) + unit.replace(' ppm', ''))

/** Which version of the screening rules decided; null where the reason does not say. */
export const screeningRules = (reason: string | null): string | null => RULES.exec(reason ?? '')?.[1] ?? null

/** The name of the model, or the first line of the proposal’s description without the markers of programs. */
export const proposalTitle = (description: string, model?: string | null): string =>
  model ||
  description
    .replace(/\n.*$/s, '')
    .replace(/#proposer=.*$/, '')
    .replace(/^#+\s*/, '')
    .trim()
    .slice(0, 140) ||
  'Untitled proposal'
