import { comparisonKeyDocument, itemsDocument } from '#schema/documents.ts'
import { ApiError } from '../errors.ts'

/** Evaluation items and the keys of comparisons are sealed: whoever could read them could train on them or vote by them. They are
 *  known by their shape, so that no label on them has to be trusted. @throws ApiError when `bytes` are one. */
export function requireUnsealed(bytes: Uint8Array): void {
  if (bytes[0] !== 0x7b) return
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return
  }
  if (itemsDocument.safeParse(value).success || comparisonKeyDocument.safeParse(value).success)
    throw new ApiError(
      'ARTIFACT_SEALED',
      'This artifact is sealed: it holds what versions or validators are tested by.',
    )
}
