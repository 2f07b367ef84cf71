import { concat, encodePacked, keccak256, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonicalJson.ts'
import { canonicalSample, commitment, contentHash, contentsHash, parseSample } from './sample.ts'

const hashOf = (text: string) => contentHash(parseSample(text))

test('key order, white space, line ends and Unicode forms do not change the hash', () => {
  const plain = hashOf('{"prompt":"caf\u00e9?","completion":"a\\nb"}')
  expect(hashOf('{ "completion" : "a  \\r\\nb\\n",\n "prompt" : " cafe\u0301? " }')).toBe(plain)
  expect(hashOf('{"prompt":"caf\u00e9?","completion":"a b"}')).not.toBe(plain)
  for (const end of ['\\r', '\\u2028', '\\u2029', ' \\t\\r'])
    expect(hashOf(`{"prompt":"caf\u00e9?","completion":"a${end}b"}`)).toBe(plain)
})

test('the canonical bytes are a fixed point and their keccak256 is the name', () => {
  const text = canonicalSample(parseSample('{"prompt":"p","completion":"c"}'))
  expect(text).toBe('{"completion":"c","prompt":"p"}')
  expect(canonicalSample(parseSample(text))).toBe(text)
  expect(hashOf(text)).toBe(keccak256(toHex(text)))
})

test.each([
  ['not json', /Not JSON/],
  ['[1]', /Not a JSON object/],
  ['null', /Not a JSON object/],
  ['7', /Not a JSON object/],
  ['"text"', /Not a JSON object/],
  ['{"prompt":"p"}', /"completion" must be a string/],
  ['{"prompt":"p","completion":7}', /"completion" must be a string/],
  ['{"prompt":"p","completion":"c","label":1}', /Unknown field "label"/],
  ['{"prompt":"p","completion":"c","__proto__":{}}', /Unknown field "__proto__"/],
  ['{"prompt":"  ","completion":"c"}', /"prompt" is empty/],
  ['{"prompt":"\\u0000","completion":"c"}', /control characters/],
  ['{"prompt":"\\ud800","completion":"c"}', /surrogate/],
])('%s is refused, and the error says what to correct', (text, message) => {
  expect(() => parseSample(text)).toThrow(message)
})

test('a text of exactly the limit is valid, a longer one is not', () => {
  const text = (length: number) => JSON.stringify({ prompt: 'x'.repeat(length), completion: 'c' })
  expect(parseSample(text(32_768)).prompt).toHaveLength(32_768)
  expect(() => parseSample(text(32_769))).toThrow(/"prompt" has 32769 characters; at most 32768/)
})

test('invalid JSON is refused with the parser’s error as the cause', () => {
  expect(() => parseSample('{')).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }))
})

test('the commitment binds datanet, contributor, content and salt as the contract does', () => {
  const contributor = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
  const salt = pad('0x05')
  const one = hashOf('{"prompt":"p","completion":"c"}')
  const batch = contentsHash([one, salt])
  expect(batch).toBe(keccak256(encodePacked(['bytes32[]'], [[one, salt]])))
  const expected = keccak256(concat([pad('0x07'), pad(contributor), batch, salt]))
  expect(commitment({ datanetId: 7n, contributor, contentsHash: batch, salt })).toBe(expected)
})

test('canonical JSON sorts keys, writes bigints as text and refuses values without a unique form', () => {
  expect(canonicalJson({ b: [1n, null, true], a: 'e\u0301', c: undefined })).toBe('{"a":"\u00e9","b":["1",null,true]}')
  expect(canonicalJson(-0)).toBe('0')
  expect(() => canonicalJson(Number.NaN)).toThrow(/no JSON form/)
  expect(() => canonicalJson('\ud800')).toThrow(/surrogate/)
  expect(() => canonicalJson({ 'e\u0301': 1, '\u00e9': 2 })).toThrow(/twice/)
})
