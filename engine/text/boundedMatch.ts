import { createContext, Script } from 'node:vm'

/** Of a text of the length of a sample or an answer, an honest pattern takes milliseconds; one that backtracks may take years, in which a process would do
 *  nothing else. */
const MAX_MATCH_MS = 1_000

const context = createContext({ pattern: /$/u, text: '' })
const match = new Script('pattern.test(text)')

/** Whether a text matches a pattern; undefined when that takes too long to find out. */
export function matchInTime(pattern: RegExp, text: string): boolean | undefined {
  Object.assign(context, { pattern, text })
  try {
    return match.runInContext(context, { timeout: MAX_MATCH_MS }) as boolean
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
    throw error
  }
}

/** Whether a text matches a pattern; one for which that takes too long does not. */
export const matchesInTime = (pattern: RegExp, text: string): boolean => matchInTime(pattern, text) ?? false
