/** Shared by all rules: one text for each value, so that the hash of an artifact names its content (protocol, "Units and names"). */

import { ascending } from './order.ts'

/** A value that has exactly one canonical text. */
export type CanonicalValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue | undefined }

/**
 * Writes a value in its canonical form: NFC strings, keys sorted by the code units of their JSON text, no insignificant white space, bigints
 * as decimal strings, no `undefined` members. Equal values give equal bytes, so the keccak256 of the bytes names an artifact.
 * @throws RangeError on numbers that JSON cannot represent, on ill-formed strings and on keys that NFC makes equal.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { canonicalJson } from '#rules/canonicalJson.ts'
 *
 * assert.equal(
 *   canonicalJson({ b: 10n ** 18n, a: [1, null], c: undefined }),
 *   '{"a":[1,null],"b":"1000000000000000000"}',
 * )
 * ```
 */
export function canonicalJson(value: CanonicalValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new RangeError(`${value} has no JSON form. Store an integer or a string instead.`)
    return String(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as CanonicalValue)).join(',')}]`
  const members = Object.entries(value as { [key: string]: CanonicalValue | undefined })
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => ({ name: quote(key), item: item as CanonicalValue }))
    .sort((a, b) => ascending(a.name, b.name))
  return `{${members
    .map(({ name, item }, place) => {
      if (name === members[place - 1]?.name) throw new RangeError(`The key ${name} appears twice.`)
      return `${name}:${canonicalJson(item)}`
    })
    .join(',')}}`
}

/** What JSON quotes as it is, and NFC leaves alone. */
const PLAIN = /^[ !#-[\]-~]*$/

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  if (/\p{Surrogate}/u.test(text))
    throw new RangeError('A string contains half a surrogate pair. Send well-formed Unicode.')
  return JSON.stringify(text.normalize('NFC'))
}
