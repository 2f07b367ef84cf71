import { comparisonKeyDocument, itemsDocument } from '#schema/documents.ts'
import { ApiError } from '../errors.ts'

/** Evaluation items and comparison keys are sealed: a reader could train on them or copy the known answers. They are recognised by their
 *  shape, because a label could be wrong. @throws ApiError when `bytes` is a sealed artifact. */
export function requireUnsealed(bytes: Uint8Array): void {
  if (bytes[0] !== 0x7b) return // not a JSON object
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return
  }
  if (itemsDocument.safeParse(value).success || comparisonKeyDocument.safeParse(value).success)
    throw new ApiError('ARTIFACT_SEALED', 'This artifact is sealed: it contains test items or known answers.')
}
