import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Generator } from '#engine/generate/generator.ts'
import { smallConfig } from '#engine/model/config.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { Constraint } from './constraint.ts'
import { jsonGrammar } from './jsonGrammar.ts'
import { schemas } from './test/schemas.ts'
import { validates } from './test/validate.ts'
import { Vocabulary } from './vocabulary.ts'

const texts = [
  '{"name": "Ann", "list": [1, 22, 333], "a": true, "kind": null}',
  '{"kind":"one","sum total":-0.5e3}',
  '漢字 ñ 😀',
]
const tokenizer = new Tokenizer(trainTokenizer(texts, { vocabSize: 320 }))
const V = 330 // more rows than tokens
const vocabulary = new Vocabulary(tokenizer, V)
const endId = must(tokenizer.eosId)

/** Samples allowed tokens at random until the end or the limit. */
function write(schema: unknown, maxTokens: number, seed: number): { text: string; tokens: number; accepts: boolean } {
  const constraint = new Constraint(jsonGrammar(schema, vocabulary), [endId])
  const random = new Random(seed)
  const ids: number[] = []
  while (ids.length < maxTokens && !constraint.complete) {
    const allowed = constraint.allowed(maxTokens - ids.length)
    const options = Array.from(allowed.keys()).filter((id) => allowed[id])
    expect(options.length).toBeGreaterThan(0)
    const token = must(options[random.integer(options.length)])
    if (token === endId) break
    ids.push(token)
    constraint.advance(token)
  }
  return { text: tokenizer.decode(ids), tokens: ids.length, accepts: constraint.accepts }
}

test('every sampled text parses and validates, and ends within its tokens', () => {
  fc.assert(
    fc.property(schemas, fc.integer({ min: 0, max: 60 }), fc.nat(), (schema, spare, seed) => {
      const maxTokens = jsonGrammar(schema, vocabulary).minTokens + spare
      const { text, accepts } = write(schema, maxTokens, seed)
      expect(accepts).toBe(true)
      expect(validates(schema, JSON.parse(text))).toBe(true)
    }),
    { numRuns: 150 },
  )
})

test('every valid value of a schema can be generated', () => {
  const accepts = (schema: unknown, text: string): boolean => {
    const { automaton } = jsonGrammar(schema, vocabulary)
    let at: typeof automaton.start | null = automaton.start
    for (const byte of new TextEncoder().encode(text)) at = at && automaton.step(at, byte)
    return at?.accepts ?? false
  }
  const person = {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 3 },
      age: { type: 'integer' },
      tags: { type: 'array', items: { enum: ['x', 1, null, { a: [] }] }, maxItems: 2 },
    },
    required: ['age'],
    additionalProperties: false,
  }
  for (const text of [
    '{"age":0}',
    '{"name":"a\\n😀","age": -12, "tags":["x",{"a":[]}]}',
    '{"age":7,"tags":[]}',
    '{"name":"\\u00e9","age":1}',
  ])
    expect(accepts(person, text), text).toBe(true)
  const wrong = [
    '{}',
    '{"name":"ab"}',
    '{"age":01}',
    '{"age":1,}',
    '{"age":1.5}',
    '{"age":1,"name":"ab"}',
    '{"name":"abcd","age":1}',
    '{"age":1,"tags":["x","x","x"]}',
    '{"age":1,"more":2}',
    '{"name":"\\ud800","age":1}',
    '{"age":1',
    ' {"age":1}',
    '{"age":1,"tags":["y"]}',
  ]
  for (const text of wrong) expect(accepts(person, text), text).toBe(false)
  for (const text of ['0', '-1.5e+10', '12.25', '1E5']) expect(accepts({ type: 'number' }, text), text).toBe(true)
  for (const text of ['+1', '.5', '1.', '1e', '00', '-', 'NaN'])
    expect(accepts({ type: 'number' }, text), text).toBe(false)
  for (const text of ['[1,{"x":[null,"y"]}]', 'true', '""']) expect(accepts(true, text), text).toBe(true)
  const object = { type: 'object' }
  for (const text of ['{}', '{"a":[1,{"b":null}],"c":""}']) expect(accepts(object, text), text).toBe(true)
  for (const text of ['[]', '1', '{"a"}']) expect(accepts(object, text), text).toBe(false)
  for (const none of [
    { ...object, properties: {} },
    { ...object, additionalProperties: false },
  ])
    expect([accepts(none, '{}'), accepts(none, '{"a":1}')]).toEqual([true, false])
})

test('a grammar never ends inside a UTF-8 character', () => {
  const bytes = new Random(1)
  for (let seed = 0; seed < 60; seed++) {
    const { text } = write({ type: 'string', minLength: 3, maxLength: 8 }, 60, bytes.integer(1e6))
    expect(text).not.toContain('\ufffd')
    const length = [...JSON.parse(text)].length
    expect(length).toBeGreaterThanOrEqual(3)
    expect(length).toBeLessThanOrEqual(8)
  }
})

test('an unsupported schema is rejected with its keyword and path', () => {
  const cases: [unknown, RegExp][] = [
    [
      { type: 'object', properties: { a: { type: 'string', pattern: 'x' } } },
      /#\/properties\/a uses pattern, which is not supported/,
    ],
    [{ type: 'integer', minimum: 3 }, /# uses minimum/],
    [{ allOf: [] }, /uses allOf/],
    [{ type: 'object', additionalProperties: true }, /additionalProperties other than false/],
    [{ type: 'object', properties: {}, required: ['b'] }, /requires "b"/],
    [{ enum: [1], minLength: 2 }, /minLength beside enum/],
    [{ maxLength: 2 }, /maxLength but not the type string/],
    [{ type: 'strin' }, /type "strin"; the types are/],
    [{ $ref: '#/$defs/none' }, /refers to "#\/\$defs\/none"/],
    [{ $ref: 'https://example.org/a.json' }, /a \$ref must name a definition in \$defs/],
    [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, /oneOf has cases 0 and 1/],
    [{ type: 'array', items: false }, /#\/items is not a schema/],
    [{ type: 'array', minItems: 3, maxItems: 2 }, /at least 3 and at most 2/],
    [
      {
        $ref: '#/$defs/a',
        $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] } },
      },
      /requires itself/,
    ],
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, /requires itself/],
    [{ type: 'string', maxLength: 1_000_000 }, /more than 200000 states/],
  ]
  for (const [schema, message] of cases)
    expect(() => jsonGrammar(schema, vocabulary), JSON.stringify(schema)).toThrow(message)
})

test('a model of random weights satisfies the schema, next to unconstrained rows, and reports when it was truncated', async () => {
  const config = smallConfig({
    vocab_size: V,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 256,
  })
  const generator = new Generator({ config, weights: initialWeights(config, 1), endIds: [endId] })
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      list: { type: 'array', items: { type: 'number' } },
      kind: { enum: ['one', null] },
    },
    required: ['name', 'kind'],
    additionalProperties: false,
  }
  const grammar = jsonGrammar(schema, vocabulary)
  const base = { prompt: [1, 2], maxTokens: 40 }
  const requests = [
    ...Array.from({ length: 12 }, (_, seed) => ({
      ...base,
      grammar,
      temperature: seed % 3,
      seed,
      topP: 1 - 0.04 * seed,
    })),
    { ...base, temperature: 1, seed: 99 },
    { ...base, grammar, maxTokens: 3 },
  ]
  const found = await generator.generate(requests)
  for (const { tokens, finish } of found.slice(0, 12)) {
    expect(validates(schema, JSON.parse(tokenizer.decode(tokens)))).toBe(true)
    expect(finish).toBe('stop')
  }
  const [alone] = await generator.generate([must(requests[12])])
  expect(must(found[12]).tokens).toEqual(must(alone).tokens)
  expect(found[13]).toMatchObject({ finish: 'length' })
  for (const index of [0, 5])
    expect(await generator.generate([must(requests[index])])).toEqual([
      expect.objectContaining({ tokens: must(found[index]).tokens }),
    ])
})

test('a schema of 16 kB whose cases take billions of comparisons to tell apart is refused at once', () => {
  const names = Array.from({ length: 500 }, (_, i) => i.toString(36))
  const properties = Object.fromEntries(names.map((name) => [name, { $ref: '#/$defs/d' }]))
  const objects = { $defs: { d: { type: 'object', properties, required: names } } }
  const cases = [{ $ref: '#/$defs/d' }, { $ref: '#/$defs/d' }]
  const values = { oneOf: [0, 1].map((odd) => ({ enum: Array.from({ length: 1_500 }, (_, i) => 2 * i + odd) })) }
  for (const schema of [{ ...objects, oneOf: cases }, values]) {
    expect(JSON.stringify(schema).length).toBeLessThan(16_384)
    const since = process.cpuUsage()
    expect(() => jsonGrammar(schema, vocabulary)).toThrow('take too long to tell apart')
    expect(process.cpuUsage(since).user / 1e6).toBeLessThan(10)
  }
})
