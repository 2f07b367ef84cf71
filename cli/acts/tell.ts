import type { ActProgress, RequestRetry, UnavailableError } from '#client/index.ts'

/** What an act tells while it runs, on the error output: lines for people, or with `--json` an object a line. Only the result is on the standard output. */

export interface JsonOption {
  json?: boolean
}

export const tellProgress = (progress: ActProgress, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify(progress) : progressLine(progress))

/** Why the command waits, after the first try of a request: whoever looks on would take it for hung. */
export function tellRetry(error: UnavailableError, { tries, leftMs }: RequestRetry, options: JsonOption): void {
  if (tries > 1) return
  const { code } = ((error.cause as Error | undefined)?.cause ?? {}) as { code?: string }
  const reason = `${error.message}${code ? ` (${code})` : ''}`
  tellProgress({ act: 'request', step: `trying again for ${Math.ceil(leftMs / 1000)} s: ${reason}` }, options)
}

/** What whoever runs the act should know. */
export const tellNote = (note: string, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify({ note }) : note)

const progressLine = ({ step, done, total, hash }: ActProgress): string =>
  [step, total ? `${done} of ${total}` : done, hash].filter(Boolean).join('  ')
