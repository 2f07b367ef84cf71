import { expect, test } from 'vitest'
import { checkFolder } from '#model/checkFolder.ts'
import { folderDocuments } from '#model/folderDocuments.ts'
import { TRIAGE_FOLDER } from './modelFolder.ts'
import { folderOfSeed, SCALES } from './recipe.ts'
import { CATEGORIES, URGENCIES } from './skill/triage.ts'

test('the example is a model folder without mistakes, and what it seals is what the story of seed 1 seals', async () => {
  const { folder, problems } = await checkFolder(TRIAGE_FOLDER)
  expect(problems).toEqual([])
  if (!folder) return
  const hash = `0x${'11'.repeat(32)}` as const
  const { documents } = folderDocuments(folder, hash)
  const ofStory = folderDocuments(folderOfSeed(1, SCALES.full, hash), hash).documents
  const named = (all: typeof documents) =>
    all.map(({ what, name }) => [what, name]).filter(([what]) => what !== 'specification')
  expect(named(documents)).toEqual(named(ofStory))
  expect(named(documents)).toHaveLength(6)
  const { completionPattern } = folder.model.samples
  for (const word of [...CATEGORIES, ...URGENCIES]) expect(completionPattern).toContain(word)
})
