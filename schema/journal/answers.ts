import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ObjectStore } from '../artifacts/objects.ts'
import { batched } from '../batch.ts'
import { SealError, type SealKeys, seal, unseal } from './seal.ts'

/** The journal of answered calls (amendment 7b): each is stored here, sealed, before it leaves. The database holds the same facts; from the
 *  journal they come back when an older copy of the database is restored. It is only added to.
 *
 *  An object holds the calls that ended together. Its key begins with their time, so that those after a moment are found without reading the
 *  others: `journal/2026-11-28/07/31.120Z-<sha256 of the object>`. */

const wei = z.string().regex(/^\d+$/).transform(BigInt)
const time = z.iso.datetime().transform((text) => new Date(text))

const entry = z.object({
  job: z.object({
    id: z.string(),
    attempt: z.number().int(),
    input: z.record(z.string(), z.unknown()),
    idempotencyKey: z.string(),
    requestedBy: z.string().nullable(),
    createdAt: time,
  }),
  result: z.record(z.string(), z.unknown()),
  receipt: z.object({
    endpointId: z.string(),
    versionId: z.string(),
    channelId: z.string().nullable(),
    consumer: z.string(),
    prompt: z.string(),
    answer: z.string(),
    tokensIn: z.number().int(),
    tokensOut: z.number().int(),
    priceIn: wei,
    priceOut: wei,
    fee: wei,
    cumulative: wei,
    isOpen: z.boolean(),
    hash: z.string(),
    /** Null in entries of earlier builds. */
    salt: z.string().nullable().default(null),
    signature: z.string(),
    answeredAt: time,
  }),
  maximum: wei,
  /** The newest voucher of the channel that pays; null for a call that costs nothing. */
  voucher: z.object({ ceiling: wei, signature: z.string(), signedAt: time }).nullable(),
})

export type AnswerEntry = z.output<typeof entry>

export interface AnswerJournal {
  /** Resolves when the answer is stored. Answers that end while another is stored share an object. @throws ArtifactStoreError */
  append(answer: AnswerEntry): Promise<void>
  /** The answers from the hour of `from` to the hour of `until`, about in the order of their times, in the parts in which they were stored.
   *  @throws SealError for one that cannot be read, ArtifactStoreError */
  between(from: Date, until: Date): AsyncIterable<AnswerEntry[]>
  /** The part that was stored last in that time. */
  newest(from: Date, until: Date): Promise<AnswerEntry[] | undefined>
}

export const JOURNAL_PREFIX = 'journal/'
/** At most this many answers share an object. */
const MAX_ANSWERS = 64

export function answerJournal(objects: ObjectStore, keys: SealKeys): AnswerJournal {
  const append = batched(async (answers: readonly AnswerEntry[]) => {
    const bytes = seal(keys, JSON.stringify(answers, plain))
    await objects.put(keyOf(answers[0]?.receipt.answeredAt ?? new Date(0), bytes), bytes)
    return answers.map(() => undefined)
  }, MAX_ANSWERS)
  const read = async (key: string): Promise<AnswerEntry[]> => {
    const parts: Uint8Array[] = []
    for await (const part of objects.read(key)) parts.push(part)
    const answers = z.array(entry).safeParse(JSON.parse(unseal(keys, Buffer.concat(parts))))
    if (answers.success) return answers.data
    throw new SealError('An entry of the journal has the form of another release, which this one cannot read.')
  }
  const keysBelow = async (prefix: string) => {
    const found: string[] = []
    for await (const key of objects.list(prefix)) found.push(key)
    return found.sort()
  }
  return {
    append,
    async *between(from, until) {
      for (const prefix of prefixesOf(from, until)) for (const key of await keysBelow(prefix)) yield await read(key)
    },
    async newest(from, until) {
      for (const prefix of prefixesOf(from, until).reverse()) {
        const key = (await keysBelow(prefix)).at(-1)
        if (key) return read(key)
      }
    },
  }
}

/** JSON of wei as decimal strings. */
const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

function keyOf(at: Date, bytes: Buffer): string {
  const [day, clock = ''] = at.toISOString().split('T')
  const hash = createHash('sha256').update(bytes).digest('hex')
  return `${JOURNAL_PREFIX}${day}/${clock.slice(0, 2)}/${clock.slice(3).replace(':', '.')}-${hash}`
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The folders of these hours: whole days where they lie in between. */
export function prefixesOf(from: Date, until: Date): string[] {
  const prefixes: string[] = []
  for (let at = Math.floor(from.getTime() / HOUR_MS) * HOUR_MS; at <= until.getTime(); ) {
    const [day, clock = ''] = new Date(at).toISOString().split('T')
    const isWholeDay = at % DAY_MS === 0 && at + DAY_MS <= until.getTime()
    prefixes.push(`${JOURNAL_PREFIX}${day}/${isWholeDay ? '' : `${clock.slice(0, 2)}/`}`)
    at += isWholeDay ? DAY_MS : HOUR_MS
  }
  return prefixes
}
