import { beforeAll, expect, test, vi } from 'vitest'
import { smallConfig } from '#engine/model/config.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
import { Generator } from './generator.ts'
import { streamText, type TextPiece } from './text.ts'

// Random weights over a byte-level vocabulary give answers with invalid characters and all kinds of token boundaries.
const tokenizer = new Tokenizer(trainTokenizer(['ab ba abba 漢字 😀😁 ñandú ab'], { vocabSize: 280 }))
const config = smallConfig({
  vocab_size: 300,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 128,
})
const weights = initialWeights(config, 5)
let generator: Generator
beforeAll(() => {
  generator = new Generator({ config, weights, endIds: [] })
})

async function pieces(seed: number, stop?: string[]): Promise<TextPiece[]> {
  const found: TextPiece[] = []
  const request = { prompt: [1, 2, 3], maxTokens: 60, temperature: 1.5, seed, stop }
  for await (const piece of streamText(generator, tokenizer, request)) found.push(piece)
  return found
}

const joined = (all: readonly TextPiece[]): string => all.map(({ text }) => text).join('')

test('the pieces are whole characters, one piece per token, and together equal the decoded tokens', async () => {
  for (let seed = 0; seed < 8; seed++) {
    const all = await pieces(seed)
    const ids = all.map(({ token }) => token.id).filter((id) => tokenizer.has(id))
    expect(all).toHaveLength(60)
    expect(joined(all)).toBe(tokenizer.decode(ids, { skipSpecial: true }))
    for (const { text } of all) expect(Buffer.from(text).toString()).toBe(text)
    expect(all.at(-1)).toMatchObject({ finish: 'length', tokens: 60 })
  }
})

test('a special token ends the answer when it is a stop string, and the text before it is complete', async () => {
  let met = 0
  for (let seed = 0; seed < 8; seed++) {
    const all = await pieces(seed)
    const at = all.findIndex(({ token }) => tokenizer.specialIds.has(token.id))
    const special = all[at]?.token.text
    if (special === undefined) continue
    met++
    const stopped = await pieces(seed, [special, `${joined(all.slice(0, at)).slice(-1)}${special}`])
    expect(joined(stopped)).toBe(joined(all.slice(0, at)))
    expect(stopped.at(-1)).toMatchObject({ finish: 'stop', stopped: special })
  }
  expect(met).toBeGreaterThan(3)
})

test('a stop string ends the answer wherever token boundaries are, and frees the row', async () => {
  let across = 0
  for (let seed = 0; seed < 6; seed++) {
    const all = await pieces(seed)
    const whole = joined(all)
    for (const from of [4, 9, 17]) {
      const stop = whole.slice(from, from + 3)
      const stopped = await pieces(seed, [stop, 'not there'])
      const at = whole.indexOf(stop)
      expect(joined(stopped)).toBe(whole.slice(0, at))
      expect(stopped.at(-1)).toMatchObject({ finish: 'stop', stopped: stop })
      expect(stopped.length).toBeLessThan(60)
      if (!all.some(({ token }) => token.text.includes(stop))) across++
    }
  }
  expect(across).toBeGreaterThan(10)
  await vi.waitFor(() => expect(generator.load).toBe(0))
})
