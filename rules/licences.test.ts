import { expect, test } from 'vitest'
import { licenceConflict } from './licences.ts'

test('permissive works may become anything that may be sold', () => {
  for (const to of ['MIT', 'CC-BY-SA-4.0', 'GPL-3.0-only', 'LicenseRef-Own'])
    for (const from of ['MIT', 'Apache-2.0', 'CC-BY-4.0', 'CC0-1.0', 'CDLA-Permissive-2.0'])
      expect(licenceConflict(from, to), `${from} in ${to}`).toBe(null)
})

test('share-alike works stay under their licence, or under one that it names', () => {
  expect(licenceConflict('CC-BY-SA-4.0', 'CC-BY-SA-4.0')).toBe(null)
  expect(licenceConflict('CC-BY-SA-4.0', 'GPL-3.0-or-later')).toBe(null)
  expect(licenceConflict('GPL-3.0-only', 'CC-BY-SA-4.0')).toBe(
    'What is made of works under GPL-3.0-only must stay under GPL-3.0-only or AGPL-3.0-only.',
  )
  expect(licenceConflict('ODbL-1.0', 'MIT')).toBe('What is made of works under ODbL-1.0 must stay under ODbL-1.0.')
})

test('works that must not be sold or changed become no model, not even under their own licence', () => {
  expect(licenceConflict('CC-BY-NC-4.0', 'CC-BY-NC-4.0')).toMatch(/no commercial use/)
  expect(licenceConflict('CC-BY-ND-4.0', 'CC-BY-ND-4.0')).toMatch(/no derived works/)
  expect(licenceConflict('CC-BY-NC-ND-4.0', 'MIT')).toMatch(/no derived works/)
})

test('own terms are left to people; a listed licence that is not known must stay as it is', () => {
  expect(licenceConflict('LicenseRef-Llama-3.1', 'MIT')).toBe(null)
  expect(licenceConflict('Artistic-2.0', 'Artistic-2.0')).toBe(null)
  expect(licenceConflict('Artistic-2.0', 'MIT')).toMatch(/is not known. Use the same licence, or write/)
  expect(licenceConflict('LicenseRef-', 'MIT')).toMatch(/is not known/)
})
