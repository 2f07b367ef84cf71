import type { ActProgress } from '#client/index.ts'

/** What an act tells while it runs, on the error output: lines for people, or with `--json` an object a line. Only the result is on the standard output. */

export interface JsonOption {
  json?: boolean
}

export const tellProgress = (progress: ActProgress, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify(progress) : progressLine(progress))

/** What whoever runs the act should know. */
export const tellNote = (note: string, { json }: JsonOption): void =>
  console.error(json ? JSON.stringify({ note }) : note)

const progressLine = ({ step, done, total, hash }: ActProgress): string =>
  [step, total ? `${done} of ${total}` : done, hash].filter(Boolean).join('  ')
