import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextStream } from './textStream.ts'
import { Tokenizer } from './tokenizer.ts'
import { trainTokenizer } from './trainTokenizer.ts'

const corpus = JSON.parse(readFileSync(new URL('./golden/corpus.json', import.meta.url), 'utf8'))
const files = trainTokenizer(corpus.train, { vocabSize: 420 })
const tokenizer = new Tokenizer(files)
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', ' ', '\n', '<|end|>', '\u0000', '\ufeff', '規', '🙂'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
})

describe('any text', () => {
  test('is decoded from its tokens unchanged', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, parseSpecial) => {
        const wellFormed = Buffer.from(text, 'utf8').toString('utf8')
        expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial }))).toBe(wellFormed)
      }),
      { numRuns: 500 },
    )
  })

  test('of megabytes is encoded', () => {
    const text = corpus.train.join('\n').repeat(800)
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })

  test('is empty when empty', () => {
    expect(tokenizer.encode('')).toEqual(new Int32Array(0))
    expect(tokenizer.decode([])).toBe('')
  })
})

describe('special tokens', () => {
  test('have names and ids', () => {
    expect([tokenizer.padId, tokenizer.eosId, tokenizer.bosId]).toEqual([0, 1, null])
    expect([...tokenizer.specialIds]).toEqual([0, 1, 2, 3])
    expect(tokenizer.vocabSize).toBe(420)
  })

  test('are parsed in trusted text, and encoded as ordinary characters in untrusted text', () => {
    expect([...tokenizer.encode('a<|end|>')].at(-1)).toBe(1)
    const plain = tokenizer.encode('a<|end|>', { parseSpecial: false })
    expect([...plain].some((id) => tokenizer.specialIds.has(id))).toBe(false)
    expect(tokenizer.decode(plain)).toBe('a<|end|>')
  })

  test('stand before a text only when the tokenizer puts them there, whatever token it names', () => {
    const files = trainTokenizer(['a'], { vocabSize: 262, bos: '<s>' })
    const used = new Tokenizer(files)
    expect([...used.startTokens]).toEqual([used.bosId])
    const named = new Tokenizer({ ...files, tokenizer: { ...files.tokenizer, post_processor: null } })
    expect(named.bosId).toBe(used.bosId)
    expect([...named.startTokens]).toEqual([])
  })

  test('can be skipped when decoding', () => {
    expect(tokenizer.decode([...tokenizer.encode('a b<|end|>')], { skipSpecial: true })).toBe('a b')
  })
})

describe('token by token', () => {
  const ids = fc.array(fc.nat(tokenizer.vocabSize - 1))

  test('the stream of texts equals the text for any tokens, and no piece ends inside a character', () => {
    fc.assert(
      fc.property(ids, fc.boolean(), (list, skipSpecial) => {
        const stream = new TextStream(tokenizer, { skipSpecial })
        const pieces = list.map((id) => stream.push(id))
        expect(pieces.join('') + stream.flush()).toBe(tokenizer.decode(list, { skipSpecial }))
      }),
      { numRuns: 500 },
    )
    const stream = new TextStream(tokenizer)
    const pieces = [...tokenizer.encode('a🙂b')].map((id) => stream.push(id))
    expect(pieces.every((piece) => !piece.includes('\ufffd'))).toBe(true)
    expect(pieces.join('')).toBe('a🙂b')
  })

  test('the bytes of the tokens are the bytes of the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const bytes = Buffer.concat([...tokenizer.encode(text)].map((id) => tokenizer.tokenBytes(id)))
        expect(bytes.equals(Buffer.from(text, 'utf8'))).toBe(true)
      }),
    )
  })
})

describe('a tokenizer of the SentencePiece kind', () => {
  const pieces = ['<unk>', '<s>', '</s>', '▁', 'a', 'b', '▁a', 'ab', '▁ab']
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const llama = new Tokenizer({
    tokenizer: {
      added_tokens: pieces.slice(0, 3).map((content, id) => ({ id, content, special: true, normalized: false })),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        byte_fallback: true,
        vocab: Object.fromEntries([...pieces, ...bytes].map((piece, id) => [piece, id])),
        merges: ['▁ a', 'a b', '▁a b'],
      },
    },
    tokenizerConfig: { bos_token: { content: '<s>' }, eos_token: '</s>' },
  })

  test('wraps untrusted text without parsing special tokens in it', () => {
    const ids = llama.encode('<s>', { addSpecial: true, parseSpecial: false })
    expect([...ids].filter((id) => id === llama.bosId)).toEqual([llama.bosId])
    expect(ids[0]).toBe(llama.bosId)
    expect([...llama.encode('', { addSpecial: true })]).toEqual([llama.bosId])
  })

  test('falls back to bytes, wraps on request, streams, and returns token bytes', () => {
    expect(llama.byteLevel).toBe(false)
    const ids = llama.encode('ab a🙂', { addSpecial: true })
    expect(ids[0]).toBe(llama.bosId)
    expect(llama.decode(ids, { skipSpecial: true })).toBe('ab a🙂')
    const stream = new TextStream(llama, { skipSpecial: true })
    expect([...ids].map((id) => stream.push(id)).join('') + stream.flush()).toBe('ab a🙂')
    const spelt = Buffer.concat([...ids].slice(1).map((id) => llama.tokenBytes(id))).toString()
    expect(spelt).toBe(' ab a🙂')
  })
})

describe('a wrong tokenizer', () => {
  const json = files.tokenizer as {
    model: { vocab: Record<string, number>; merges: unknown[] }
    added_tokens: object[]
  }
  const withModel = (model: object) => ({ ...json, model: { ...json.model, ...model } })
  test.each<[string, object, string]>([
    ['an empty object', {}, 'model'],
    ['a fractional id', withModel({ vocab: { ...json.model.vocab, zz: 1.5 } }), 'zz'],
    ['an absurd id', withModel({ vocab: { ...json.model.vocab, zz: 2 ** 40 } }), 'zz'],
    ['two tokens of one id', withModel({ vocab: { ...json.model.vocab, zz: 300 } }), 'gives the id 300'],
    ['a merge of unknown tokens', withModel({ merges: [['zz', 'yy']] }), 'merge 0'],
    ['a merge of three', withModel({ merges: ['a b c'] }), 'merge 0'],
    ['no tokens', { ...withModel({ vocab: {}, merges: [] }), added_tokens: [] }, 'no tokens'],
    ['an added token without text', { ...json, added_tokens: [{ id: 1, content: '' }] }, 'added_tokens'],
    [
      'an added token on the id of another',
      { ...json, added_tokens: [{ id: 100, content: 'zz' }] },
      'gives the id 100',
    ],
    ['an unknown kind', { ...json, pre_tokenizer: { type: 'Magic' } }, 'cannot be built'],
  ])('with %s is refused', (_, tokenizerJson, message) => {
    // as never: files that the types forbid
    expect(() => new Tokenizer({ tokenizer: tokenizerJson as never })).toThrow(message)
  })

  test('with a token named __proto__ is valid', () => {
    const json = JSON.stringify(files.tokenizer).replace('"vocab":{', '"vocab":{"__proto__":420,')
    const odd = new Tokenizer({ tokenizer: JSON.parse(json) })
    expect(odd.decode([420])).toBe('__proto__')
    expect(odd.vocabSize).toBe(421)
  })

  test('that names a missing end token is rejected', () => {
    const config = { eos_token: '<nowhere>' }
    expect(() => new Tokenizer({ tokenizer: files.tokenizer, tokenizerConfig: config })).toThrow('eos_token')
  })

  test('of another model is rejected because of its vocabulary size', () => {
    expect(() => tokenizer.checkFits(419)).toThrow('do not match')
    tokenizer.checkFits(420)
    tokenizer.checkFits(512)
  })

  test('rejects ids without a token', () => {
    for (const id of [-1, 420, 0.5, Number.NaN, Infinity]) {
      expect(() => tokenizer.decode([id])).toThrow('not a token id')
      expect(() => tokenizer.tokenBytes(id)).toThrow('not a token id')
    }
  })
})
