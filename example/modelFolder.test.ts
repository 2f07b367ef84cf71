import { expect, test } from 'vitest'
import { checkFolder } from '#model/checkFolder.ts'
import { folderDocuments } from '#model/folderDocuments.ts'
import { getDocument, rubricDocument } from '#schema/documents.ts'
import { TRIAGE_FOLDER } from './modelFolder.ts'
import { HELD_OUT_ITEMS } from './recipe.ts'
import { rubricOf, sealItems, testItems, validationItems } from './skill/rubric.ts'
import { CATEGORIES, URGENCIES } from './skill/triage.ts'

test('the example is a model folder without mistakes, and what it seals is what the story of seed 1 seals', async () => {
  const { folder, problems } = await checkFolder(TRIAGE_FOLDER)
  expect(problems).toEqual([])
  if (!folder) return
  const { documents, rubricHash } = folderDocuments(folder, `0x${'11'.repeat(32)}`)
  const test = sealItems(1, testItems(1, HELD_OUT_ITEMS.test))
  const validation = sealItems(1, validationItems(1, HELD_OUT_ITEMS.validation))
  expect(documents.slice(0, 2).map(({ name }) => name)).toEqual([test.hash, validation.hash])
  const get = async (name: string) => documents.find((one) => one.name === name)?.bytes ?? new Uint8Array()
  expect(await getDocument({ get }, rubricDocument, rubricHash)).toEqual(rubricOf(test.hash, validation.hash))
  const { completionPattern } = folder.model.samples
  for (const word of [...CATEGORIES, ...URGENCIES]) expect(completionPattern).toContain(word)
})
