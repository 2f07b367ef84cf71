import { type Fields, parseTriage } from './triage.ts'

/** The scores of one completion, each 0 or 1. */
export type FieldScores = {
  /** Category, urgency and order are all right. */
  fieldsExact: number
  category: number
  urgency: number
  order: number
  /** The line can be parsed. */
  format: number
}

/** Compares the fields of a completion with the truth. A line that cannot be parsed scores 0 everywhere. */
export function scoreFields(completion: string, truth: Fields): FieldScores {
  const read = parseTriage(completion)
  if (read === null) return { fieldsExact: 0, category: 0, urgency: 0, order: 0, format: 0 }
  const category = Number(read.category === truth.category)
  const urgency = Number(read.urgency === truth.urgency)
  const order = Number(read.order === truth.order)
  return { fieldsExact: category * urgency * order, category, urgency, order, format: 1 }
}
