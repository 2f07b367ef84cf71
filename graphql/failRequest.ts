import type { Response } from 'express'
import { type ErrorLog, toClientError } from './errors.ts'

/** HTTP statuses by the code of an error; `other` for all other codes. */
export type ErrorStatuses = Readonly<Record<string, number>> & { readonly other: number }

/** Answers a request outside GraphQL that failed, in the form of a GraphQL error. */
export function failRequest(response: Response, error: unknown, log: ErrorLog, statuses: ErrorStatuses): void {
  const { code, message } = toClientError(error, log)
  response.status(statuses[code] ?? statuses.other).json({ errors: [{ message, extensions: { code } }] })
}
