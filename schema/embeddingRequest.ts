import { z } from 'zod'
import { canonicalJson } from '#rules/canonicalJson.ts'

/** Texts to embed in the place of a prompt, as the text of a call: the canonical JSON of `{"embed": […]}`, which no prompt may be, so that the text alone
 *  tells what was asked (see `chatRequest.ts`). */

/** Texts of one call. */
export const MAX_EMBEDDED_TEXTS = 256

const embeddedTexts = z
  .array(z.union([z.string().min(1), z.array(z.number().int().min(0)).min(1)], 'a text, or a list of token ids'))
  .min(1)
  .max(MAX_EMBEDDED_TEXTS)

/** Each a text, or its token ids. */
type EmbeddedTexts = z.output<typeof embeddedTexts>

/** The canonical JSON of a list of texts to embed. @throws Error that says what is wrong with them. */
export function embeddingList(texts: unknown): string {
  const read = embeddedTexts.safeParse(texts)
  if (read.success) return canonicalJson(read.data)
  const [issue] = read.error.issues
  throw new Error(`${issue?.path.join('.') || 'it'}: ${issue?.message}`)
}

/** The text of a call, from the list in its canonical form. */
export const embeddingText = (list: string): string => `{"embed":${list}}`

/** The texts, when this text of a call has texts to embed. */
export function embeddingOf(text: string): EmbeddedTexts | undefined {
  if (!text.startsWith('{"embed":[')) return undefined
  try {
    const { embed } = JSON.parse(text)
    return embeddingText(embeddingList(embed)) === text ? embed : undefined
  } catch {
    return undefined
  }
}

/** The answer of such a call: each vector as 32-bit floats, little-endian, in base64. */
const embeddingAnswer = z.strictObject({ embeddings: z.array(z.base64()) })

export const answerText = (vectors: readonly Float32Array[]): string =>
  canonicalJson({ embeddings: vectors.map((vector) => littleEndian(vector).toString('base64')) })

/** The vectors in base64. @throws Error when the answer is none of an embedding. */
export const vectorsOf = (answer: string): string[] => embeddingAnswer.parse(JSON.parse(answer)).embeddings

export function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4))
}

function littleEndian(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4)
  })
  return bytes
}
