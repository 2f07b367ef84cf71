import ids from 'spdx-license-ids/index.json' with { type: 'json' }
import { z } from 'zod'
import { hasOwnTerms } from '#rules/licences.ts'

const KNOWN = new Set<string>(ids)
const byLowerCase = new Map([...KNOWN].map((id) => [id.toLowerCase(), id]))

/** The same name in SPDX's spelling, if it is one: Hugging Face writes lower case. */
export const spdxName = (name: string): string | undefined => byLowerCase.get(name.toLowerCase())

/** The name of a licence: one of SPDX's list, or `LicenseRef-…` for own terms. */
export const spdxLicence = z.string().superRefine((name, context) => {
  if (KNOWN.has(name) || hasOwnTerms(name)) return
  const near = spdxName(name)
  context.addIssue(
    near
      ? `must be written ${near}`
      : `must be an SPDX name such as Apache-2.0 or CC-BY-4.0 (spdx.org/licenses), or LicenseRef-NAME for terms that SPDX does not list; got ${JSON.stringify(name.slice(0, 60))}`,
  )
})
