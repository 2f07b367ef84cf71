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
 * Checks an untrusted `tokenizer.json`: ids are unique integers up to 2^24, and every merge combines two known tokens into a
 * known token. Returns the size of the vocabulary and the added tokens.
 */
export function checkTokenizerFiles(tokenizer: unknown): {
  vocabSize: number
  added: { id: number; content: string; special: boolean }[]
} {
  const parsed = TokenizerJson.safeParse(tokenizer)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(
      `tokenizer.json: ${issue?.path.join('.').slice(0, 80) || 'the file'} is not valid: ${issue?.message ?? parsed.error.message}`,
    )
  }
  const { model, added_tokens: added } = parsed.data
  const byId = new Map<number, string>()
  const claim = (token: string, id: unknown) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 2 ** 24) {
      throw new Error(`tokenizer.json gives ${JSON.stringify(token)} the id ${id}; an id is an integer from 0 to 2^24.`)
    }
    const other = byId.get(id)
    if (other !== undefined && other !== token) {
      throw new Error(`tokenizer.json gives the id ${id} to ${JSON.stringify(other)} and ${JSON.stringify(token)}.`)
    }
    byId.set(id, token)
  }
  const listed: [string, unknown][] = Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id])
    : Object.entries(model.vocab) // unlike a zod record, this keeps a token named __proto__
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
    const pair = typeof merge === 'string' ? merge.split(' ') : merge
    const known = pair.length === 2 && [...pair, pair.join('')].every((part) => vocab.has(part))
    if (!known) {
      const shown = JSON.stringify(merge).slice(0, 80)
      throw new Error(`tokenizer.json: merge ${rank}, ${shown}, does not combine two known tokens into a known one.`)
    }
  }
}
