import type { Chance } from './chance.ts'

/** Bytes of documents as no honest program writes them. */

/** Text that `raw` writes into JSON as it stands. */
const MARK = '\u0001'
export const verbatim = (text: string) => `${MARK}${text}${MARK}`

const bytes = (text: string) => new TextEncoder().encode(text)

/** A value as JSON; what `verbatim` marks stands in it without quotes. */
export const raw = (value: unknown) =>
  bytes(JSON.stringify(value).replace(/"\\u0001(.*?)\\u0001"/g, (_, text: string) => JSON.parse(`"${text}"`)))

/** Numbers as text, some of which are integers and some only look like one. */
export const NUMBERS = [
  '0', '-0', '1.0', '1e3', '1E+2', '0.5', '-1', '-1.0', '1e-400', '1e400', '0.00000000000000000000000000000001e32',
  '1.00000000000000000000001', '9007199254740991', '9007199254740991.4', '9007199254740992', '9007199254740993',
  '1'.repeat(5_000), `0.${'0'.repeat(5_000)}1`, 'NaN', 'Infinity', '-Infinity', '01', '+1', '.5', '1.', '0x1', 'true', 'null', '"1"',
] // biome-ignore format: a table

export const IDS = [
  '0', '00', '01', '007', '-1', '+1', ' 1', '1 ', '', '1.0', '1e1', '0x1', '١', '１', '9'.repeat(78), '9'.repeat(79), '0'.repeat(78), 'constructor', '__proto__',
] // biome-ignore format: a table

/** Bytes that are no document at all, or that only some readers would accept. `good` is a document that counts. */
export const BYTES: readonly ((good: Uint8Array, chance: Chance) => Uint8Array)[] = [
  () => new Uint8Array(),
  () => bytes('null'),
  () => bytes('[]'),
  () => bytes('"text"'),
  () => bytes('{}'),
  (good) => good.slice(0, -1),
  (good) => new Uint8Array([0xef, 0xbb, 0xbf, ...good]),
  (good) => new Uint8Array([...good, 0]),
  (good) => new Uint8Array([...bytes(' \n\r\t'), ...good, ...bytes(' \n\r\t')]),
  (good) => new Uint8Array([...bytes('\u00a0'), ...good]),
  (good) => new Uint8Array([...bytes('\f'), ...good]),
  (good) => new Uint8Array([...good, ...bytes(',')]),
  (good) => new Uint8Array([...bytes('//\n'), ...good]),
  (good, chance) => good.with(chance.below(good.length), 0xff),
  (good, chance) => good.with(chance.below(good.length), chance.below(256)),
  (good, chance) => good.with(chance.below(good.length), chance.below(256)),
  (good) => more(good, '"more":"\\ud800"'),
  (good) => more(good, '"more":"\\u12"'),
  (good) => more(good, '"more":"\\x20"'),
  (good) => more(good, '"more":"\t"'),
  (good) => more(good, '"more":"\u007f\u2028"'),
  (good) => more(good, '"__proto__":{"evidence":1}'),
  (good) => more(good, '"more":NaN'),
  (good) => more(good, '"more":1e400'),
  (good) => more(good, `"more":${'['.repeat(50_000)}${']'.repeat(50_000)}`),
  (good) => more(good, `"more":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  (good) => new Uint8Array([...bytes('{"evidence":1,"epoch":"x","receipts":7,"weights":[],'), ...good.slice(1)]),
  (good) => more(good, '"weights":[],"evidence":[],"receipts":[]'),
  (good) => more(good, '"weights":{},"receipts":{}'),
  (good) => new Uint8Array([0xff, 0xfe, ...Buffer.from(new TextDecoder().decode(good), 'utf16le')]),
  (good) => withBytes(good, [0xed, 0xa0, 0x80]),
  (good) => withBytes(good, [0xc0, 0xaf]),
  (good) => withBytes(good, [0xf4, 0x90, 0x80, 0x80]),
]

/** `good`, an object, with one more member as it stands. */
const more = (good: Uint8Array, member: string) => new Uint8Array([...good.slice(0, -1), ...bytes(`,${member}}`)])

/** With one more member, a string of these bytes. */
const withBytes = (good: Uint8Array, inside: number[]) =>
  new Uint8Array([...good.slice(0, -1), ...bytes(',"more":"'), ...inside, ...bytes('"}')])
