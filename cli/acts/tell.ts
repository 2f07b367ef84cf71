import type { ActProgress, RequestRetry, UnavailableError } from '#client/index.ts'

/** What an act tells while it runs, on the error output: lines for people, or with `--json` an object a line. Only the result is on the standard output. */

export interface JsonOption {
  json?: boolean
}

export const tellProgress = (progress: ActProgress, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify(progress) : progressLine(progress))

/** Tells why the command waits, once for all requests that fail in a row: whoever looks on would take it for hung. */
export function retryTeller(options: JsonOption): (error: UnavailableError, retry: RequestRetry) => void {
  let quietUntil = 0
  return (error, { leftMs }) => {
    const now = performance.now()
    const isTold = now < quietUntil
    quietUntil = Math.max(quietUntil, now + leftMs)
    if (isTold) return
    const { code } = ((error.cause as Error | undefined)?.cause ?? {}) as { code?: string }
    const reason = `${error.message}${code ? ` (${code})` : ''}`
    tellProgress({ act: 'request', step: `trying again for ${Math.ceil(leftMs / 1000)} s: ${reason}` }, options)
  }
}

/** What whoever runs the act should know. */
export const tellNote = (note: string, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify({ note }) : note)

const progressLine = ({ step, done, total, hash }: ActProgress): string =>
  [step, total ? `${done} of ${total}` : done, hash].filter(Boolean).join('  ')
