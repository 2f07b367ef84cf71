/** Rule 3 (quality): whether what is under one licence may become part of a model under another. No legal advice: the known cases, by SPDX name. */

/** Whoever passes them on needs to keep the notices only. */
const PERMISSIVE = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BSL-1.0', 'ISC', 'MIT', 'MIT-0', 'Unlicense', 'Zlib'],
  ...['CC0-1.0', 'CC-BY-3.0', 'CC-BY-4.0', 'CDLA-Permissive-1.0', 'CDLA-Permissive-2.0', 'ODC-By-1.0', 'PDDL-1.0'],
])

/** Works that are made of theirs stay under the same licence, or under one of these. */
const SHARE_ALIKE: Readonly<Record<string, readonly string[]>> = {
  'CC-BY-SA-3.0': ['CC-BY-SA-4.0', 'GPL-3.0-only', 'GPL-3.0-or-later'],
  'CC-BY-SA-4.0': ['GPL-3.0-only', 'GPL-3.0-or-later'],
  'CDLA-Sharing-1.0': [],
  'ODbL-1.0': [],
  'EUPL-1.2': ['AGPL-3.0-only', 'AGPL-3.0-or-later', 'GPL-2.0-only', 'GPL-3.0-only', 'MPL-2.0'],
  'MPL-2.0': ['AGPL-3.0-or-later', 'GPL-2.0-or-later', 'GPL-3.0-or-later', 'LGPL-3.0-or-later'],
  'LGPL-3.0-only': ['GPL-3.0-only'],
  'LGPL-3.0-or-later': ['LGPL-3.0-only', 'GPL-3.0-only', 'GPL-3.0-or-later', 'AGPL-3.0-or-later'],
  'GPL-2.0-only': [],
  'GPL-2.0-or-later': ['GPL-2.0-only', 'GPL-3.0-only', 'GPL-3.0-or-later', 'AGPL-3.0-or-later'],
  'GPL-3.0-only': ['AGPL-3.0-only'],
  'GPL-3.0-or-later': ['GPL-3.0-only', 'AGPL-3.0-only', 'AGPL-3.0-or-later'],
  'AGPL-3.0-only': [],
  'AGPL-3.0-or-later': ['AGPL-3.0-only'],
}

/** Terms that SPDX does not list (`LicenseRef-…`): people must read them. */
const OWN_TERMS = /^LicenseRef-[\w.-]+$/

export const hasOwnTerms = (licence: string): boolean => OWN_TERMS.test(licence)

/**
 * Why something under the licence `from` must not become part of a model under `to`, which is served for fees; `null` when it may, or when people must
 * decide because one of them has its own terms.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { licenceConflict } from '#rules/licences.ts'
 *
 * assert.equal(licenceConflict('MIT', 'CC-BY-4.0'), null)
 * assert.match(licenceConflict('CC-BY-SA-4.0', 'MIT') ?? '', /stay under CC-BY-SA-4.0/)
 * ```
 */
export function licenceConflict(from: string, to: string): string | null {
  if (/-ND\b/.test(from)) return `${from} allows no derived works, and training on it makes one.`
  if (/-NC\b/.test(from)) return `${from} allows no commercial use, and the model is served for fees.`
  if (PERMISSIVE.has(from) || hasOwnTerms(from) || from === to) return null
  const also = SHARE_ALIKE[from]
  if (!also)
    return `Whether ${from} allows a model under ${to} is not known. Use the same licence, or write the terms that its holders agreed to as LicenseRef-NAME.`
  if (also.includes(to)) return null
  return `What is made of works under ${from} must stay under ${[from, ...also].join(' or ')}.`
}

/** The licences of what a version is made of, by SPDX name. */
export interface TrainingLicences {
  /** The mandate's: what the version will be under. */
  model: string
  /** Of the base model; undefined where the specification does not state it, as those of earlier releases. */
  base?: string
  /** Of the datanets. */
  data: readonly string[]
}

/**
 * Why a version must not be trained: the first conflict of the base model's licence, of a datanet's, or of the model's own terms with the mandate's
 * licence; `null` when there is none.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { trainingConflict } from '#rules/licences.ts'
 *
 * assert.equal(trainingConflict({ model: 'CC-BY-4.0', base: 'Apache-2.0', data: ['CC0-1.0'] }), null)
 * assert.match(trainingConflict({ model: 'MIT', data: ['CC-BY-NC-4.0'] }) ?? '', /^The samples: CC-BY-NC-4.0 allows no commercial use/)
 * ```
 */
export function trainingConflict({ model, base, data }: TrainingLicences): string | null {
  const parts = [
    { part: 'The model', licence: model },
    ...(base === undefined ? [] : [{ part: 'The base model', licence: base }]),
    ...data.map((licence) => ({ part: 'The samples', licence })),
  ]
  for (const { part, licence } of parts) {
    const conflict = licenceConflict(licence, model)
    if (conflict !== null) return `${part}: ${conflict}`
  }
  return null
}
