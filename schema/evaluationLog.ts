import { hkdfSync } from 'node:crypto'
import { itemSalt, sealedItemHash } from '#rules/sealedItem.ts'
import { documentBytes, type EvaluationLog, evaluationLogDocument, type SealedItems } from './documents.ts'
import { SealError, sealAlike, unseal } from './journal/seal.ts'

/** The public log of an evaluation (amendment 14). It commits to every item, answer and score. When the items are opened, everybody can read all of it and
 *  check it; until then it tells the scores of the whole. */

export const itemHashesOf = ({ salt, items }: SealedItems): string[] =>
  items.map((item, index) => sealedItemHash(itemSalt(salt, index), item))

/** `details`: the whole log, as JSON. */
export function sealEvaluationLog(
  facts: Pick<EvaluationLog, 'versionId' | 'rubric' | 'items' | 'seed' | 'metrics'>,
  items: SealedItems,
  details: unknown,
): EvaluationLog {
  const sealed = sealAlike(keyOf(items), new TextDecoder().decode(documentBytes(details))).toString('base64')
  return evaluationLogDocument.parse({ ...facts, itemHashes: itemHashesOf(items), sealed })
}

/** The whole log. @throws SealError when it was sealed with other items, or changed, or is no log. */
export function openEvaluationLog(log: EvaluationLog, items: SealedItems): unknown {
  const text = unseal([keyOf(items)], Buffer.from(log.sealed, 'base64'), 'These items do not open this log.')
  try {
    return JSON.parse(text)
  } catch {
    throw new SealError('The sealed part is not the log of an evaluation.') // the parser's error quotes the text
  }
}

const keyOf = ({ salt }: SealedItems) => Buffer.from(hkdfSync('sha256', salt, '', 'ModelCommons evaluation log', 32))
