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
  const members = new Map<string, string>()
  for (const [key, item] of Object.entries(value as { [key: string]: CanonicalValue | undefined })) {
    if (item === undefined) continue
    const name = quote(key)
    if (members.has(name)) throw new RangeError(`The key ${name} appears twice.`)
    members.set(name, `${name}:${canonicalJson(item)}`)
  }
  const sorted = [...members].sort(([a], [b]) => ascending(a, b))
  return `{${sorted.map(([, member]) => member).join(',')}}`
}

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new RangeError('A string contains half a surrogate pair. Send well-formed Unicode.')
  return JSON.stringify(text.normalize('NFC'))
}
