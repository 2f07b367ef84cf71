import { expect, test } from 'vitest'
import { licenceConflict, trainingConflict } from './licences.ts'

test('permissive works may become anything that may be sold', () => {
  const permissive =
    '0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC0-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 ISC MIT MIT-0 ODC-By-1.0 PDDL-1.0 Unlicense Zlib'
  for (const to of ['MIT', 'CC-BY-SA-4.0', 'GPL-3.0-only', 'LicenseRef-Own'])
    for (const from of permissive.split(' ')) expect(licenceConflict(from, to), `${from} in ${to}`).toBe(null)
})

test('share-alike works stay under their licence, or under one that it names', () => {
  expect(licenceConflict('CC-BY-SA-4.0', 'CC-BY-SA-4.0')).toBe(null)
  expect(licenceConflict('CC-BY-SA-4.0', 'GPL-3.0-or-later')).toBe(null)
  expect(licenceConflict('GPL-3.0-only', 'CC-BY-SA-4.0')).toBe(
    'What is made of works under GPL-3.0-only must stay under GPL-3.0-only or AGPL-3.0-only.',
  )
  expect(licenceConflict('ODbL-1.0', 'MIT')).toBe('What is made of works under ODbL-1.0 must stay under ODbL-1.0.')
})

/** Rows: what a work is under; columns: what may be made of it, beside the same. By the compatibility lists of Creative Commons (BY-SA 3.0 and 4.0),
 *  the appendix of EUPL 1.2, sections 1.12 of MPL 2.0, 13 of GPL 3.0, and the FSF's matrix. */
const MAY_BECOME = `
                   | BY-SA-4 | MPL-2 | LGPL-3o | GPL-2o | GPL-2+ | GPL-3o | GPL-3+ | LGPL-3+ | AGPL-3o | AGPL-3+
CC-BY-SA-3.0       | x       |       |         |        |        | x      | x      |         |         |
CC-BY-SA-4.0       |         |       |         |        |        | x      | x      |         |         |
CDLA-Sharing-1.0   |         |       |         |        |        |        |        |         |         |
ODbL-1.0           |         |       |         |        |        |        |        |         |         |
EUPL-1.2           |         | x     |         | x      |        | x      |        |         | x       | x
MPL-2.0            |         |       |         |        | x      |        | x      | x       |         | x
LGPL-3.0-only      |         |       |         |        |        | x      |        |         |         |
LGPL-3.0-or-later  |         |       | x       |        |        | x      | x      |         |         | x
GPL-2.0-only       |         |       |         |        |        |        |        |         |         |
GPL-2.0-or-later   |         |       |         | x      |        | x      | x      |         |         | x
GPL-3.0-only       |         |       |         |        |        |        |        |         | x       |
GPL-3.0-or-later   |         |       |         |        |        | x      |        |         | x       | x
AGPL-3.0-only      |         |       |         |        |        |        |        |         |         |
AGPL-3.0-or-later  |         |       |         |        |        |        |        |         | x       |
`
const COLUMNS = [
  ...['CC-BY-SA-4.0', 'MPL-2.0', 'LGPL-3.0-only', 'GPL-2.0-only', 'GPL-2.0-or-later', 'GPL-3.0-only'],
  ...['GPL-3.0-or-later', 'LGPL-3.0-or-later', 'AGPL-3.0-only', 'AGPL-3.0-or-later'],
]

test('the known share-alike licences, pair by pair', () => {
  const rows = MAY_BECOME.trim().split('\n').slice(1)
  expect(rows).toHaveLength(14)
  for (const row of rows) {
    const [from = '', ...marks] = row.split('|').map((cell) => cell.trim())
    for (const [nth, to] of COLUMNS.entries()) {
      const expected = marks[nth] === 'x' || from === to
      expect(licenceConflict(from, to) === null, `${from} in ${to}`).toBe(expected)
    }
    const allowed = [from, ...COLUMNS.filter((_, nth) => marks[nth] === 'x')].sort()
    const told = licenceConflict(from, 'MIT')?.match(/^What is made of works under (\S+) must stay under (.*)\.$/)
    expect(told?.[2]?.split(' or ').sort(), from).toEqual(allowed)
  }
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
  expect(licenceConflict('Artistic-2.0', 'MIT')).toMatch(/^Whether Artistic-2.0 allows a model under MIT is not known/)
  for (const none of ['LicenseRef-', 'MIT-LicenseRef-A', 'LicenseRef-A B', 'LicenseRef-A\nMIT', ''])
    expect(licenceConflict(none, 'MIT'), none).toMatch(/is not known/)
  expect(licenceConflict('X-NDA-1.0', 'X-NDA-1.0')).toBe(null) // not the clause ND
  expect(licenceConflict('X-NCSA', 'X-NCSA')).toBe(null)
})

test('a version is trained only from what may become part of a model under the licence of its mandate; the first conflict is told, and whose it is', () => {
  expect(trainingConflict({ model: 'CC-BY-4.0', base: 'Apache-2.0', data: ['CC0-1.0', 'CC-BY-4.0'] })).toBe(null)
  expect(trainingConflict({ model: 'CC-BY-4.0', data: [] })).toBe(null)
  expect(trainingConflict({ model: 'MIT', base: 'LicenseRef-Llama-3.1', data: ['MIT'] })).toBe(null)
  expect(trainingConflict({ model: 'Odd-1.0', base: 'Odd-1.0', data: ['Odd-1.0'] })).toBe(null)
  expect(trainingConflict({ model: 'MIT', base: 'GPL-3.0-only', data: ['CC-BY-NC-4.0'] })).toBe(
    'The base model: What is made of works under GPL-3.0-only must stay under GPL-3.0-only or AGPL-3.0-only.',
  )
  expect(trainingConflict({ model: 'MIT', base: 'MIT', data: ['MIT', 'CC-BY-NC-4.0'] })).toMatch(
    /^The samples: CC-BY-NC-4.0 allows no commercial use/,
  )
  expect(trainingConflict({ model: 'CC-BY-ND-4.0', base: 'CC-BY-ND-4.0', data: [] })).toMatch(
    /^The model: CC-BY-ND-4.0 allows no derived works/,
  )
})
