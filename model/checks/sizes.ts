import { documentBytes } from '#schema/documents.ts'
import { UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import { type Problems, WHOLE_FILE } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'
import { sealedItems } from '../sealedItems.ts'

/** An API takes a document in one part: a base model may have many, the others may not. */
export function checkSizes({ test, decoys, validation, gold, prompts, card }: FolderParts, problems: Problems): void {
  const check = (file: string, document: unknown) => {
    const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : documentBytes(document)
    if (bytes.length <= UPLOAD_PART_BYTES) return
    const [has, most] = [bytes.length, UPLOAD_PART_BYTES].map((size) => size.toLocaleString('en'))
    problems.add(file, WHOLE_FILE, `It is published as ${has} bytes, and an API takes at most ${most}. Shorten it.`)
  }
  check(FILES.items, sealedItems(test, decoys))
  check(FILES.validation, sealedItems(validation))
  if (gold) check(FILES.gold, sealedItems(gold))
  if (prompts) check(FILES.prompts, { prompts })
  if (card) check(FILES.card, card)
}
