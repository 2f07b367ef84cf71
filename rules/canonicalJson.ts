/** Values that have exactly one canonical text. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** The one text of a value: NFC strings, keys sorted by code unit, no insignificant white space, bigints as decimal
 *  strings, `undefined` members left out. Equal values give equal bytes, so its keccak256 names an artifact.
 *  @throws RangeError on numbers that JSON cannot hold, on ill-formed strings and on keys that NFC makes equal. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new RangeError(`${value} has no JSON form. Store an integer or a string instead.`)
    return Object.is(value, -0) ? '0' : String(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Json)).join(',')}]`
  const members = Object.entries(value as { [key: string]: Json | undefined })
    .filter((member): member is [string, Json] => member[1] !== undefined)
    .map(([key, item]) => [quote(key), canonicalJson(item)] as const)
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
  for (let i = 1; i < members.length; i++)
    if (members[i]![0] === members[i - 1]![0]) throw new RangeError(`The key ${members[i]![0]} appears twice.`)
  return `{${members.map(([key, item]) => `${key}:${item}`).join(',')}}`
}

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new RangeError('A string holds half a surrogate pair. Send well-formed Unicode.')
  return JSON.stringify(text.normalize('NFC'))
}
