import { z } from 'zod'

const AddedToken = z.object({ id: z.number(), content: z.string().min(1), special: z.boolean().default(false) })

const TokenizerJson = z.object({
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([z.array(z.tuple([z.string(), z.number()])), z.custom<object>((value) => value instanceof Object)]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
  }),
  added_tokens: z.array(AddedToken).default([]),
})

/**
 * Checks an untrusted `tokenizer.json`: ids are small whole numbers that no two tokens share, and every merge joins
 * known tokens to a known token. Returns the size of the vocabulary and the added tokens.
 */
export function checkTokenizerFiles(tokenizer: unknown): {
  vocabSize: number
  added: { id: number; content: string; special: boolean }[]
} {
  const parsed = TokenizerJson.safeParse(tokenizer)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]
    throw new Error(`tokenizer.json: ${path.join('.').slice(0, 80) || 'the whole'} is not valid: ${message}`)
  }
  const { model, added_tokens: added } = parsed.data
  const byId = new Map<number, string>()
  const claim = (token: string, id: unknown) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 2 ** 24) {
      throw new Error(`tokenizer.json gives ${JSON.stringify(token)} the id ${id}; whole numbers to 2^24 are accepted.`)
    }
    const other = byId.get(id)
    if (other !== undefined && other !== token) {
      throw new Error(`tokenizer.json gives the id ${id} to ${JSON.stringify(other)} and ${JSON.stringify(token)}.`)
    }
    byId.set(id, token)
  }
  const listed: [string, unknown][] = Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id])
    : Object.entries(model.vocab) // unlike a zod record, this keeps a token spelt __proto__
  for (const [token, id] of listed) claim(token, id)
  for (const { content, id } of added) claim(content, id)
  if (byId.size === 0) throw new Error('tokenizer.json has no tokens.')

  if (!Array.isArray(model.vocab) && model.merges) checkMerges(new Set(Object.keys(model.vocab)), model.merges)
  let vocabSize = 0
  for (const id of byId.keys()) vocabSize = Math.max(vocabSize, id + 1)
  return { vocabSize, added }
}

function checkMerges(vocab: Set<string>, merges: (string | [string, string])[]): void {
  for (const [rank, merge] of merges.entries()) {
    const [left, right, ...rest] = typeof merge === 'string' ? merge.split(' ') : merge
    const known =
      rest.length === 0 && right !== undefined && [left, right, left + right].every((part) => vocab.has(part))
    if (!known) {
      const shown = JSON.stringify(merge).slice(0, 80)
      throw new Error(`tokenizer.json: merge ${rank}, ${shown}, does not join two known tokens to a known one.`)
    }
  }
}
