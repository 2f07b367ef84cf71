import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ObjectMissingError, type ObjectStore } from '../artifacts/objects.ts'
import { batched } from '../batch.ts'
import { inputWithoutTexts, resultWithoutTexts } from '../removeTexts.ts'
import { SealError, type SealKeys, seal, unseal } from './seal.ts'

/** The journal of answered calls (amendment 7b): each is stored here, sealed, before it leaves. The database holds the same facts; from the
 *  journal they come back when an older copy of the database is restored. It is added to; of what it has, the texts alone are removed.
 *
 *  An object holds the calls that ended together. Its key begins with their time, so that those after a moment are found without reading the
 *  others: `journal/2026-11-28/07/31.120Z-<sha256 of the object>`. */

const wei = z.string().regex(/^\d+$/).transform(BigInt)
const time = z.iso.datetime().transform((text) => new Date(text))

/** What an entry has of a later release stays when its texts are removed. */
const entry = z.looseObject({
  job: z.looseObject({
    id: z.string(),
    attempt: z.number().int(),
    input: z.record(z.string(), z.unknown()),
    idempotencyKey: z.string(),
    requestedBy: z.string().nullable(),
    createdAt: time,
  }),
  result: z.record(z.string(), z.unknown()),
  receipt: z.looseObject({
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
    /** Not in entries of earlier releases. */
    requestHash: z.string().nullish(),
    responseHash: z.string().nullish(),
    totalHash: z.string().nullish(),
    hash: z.string(),
    /** Null in entries of earlier builds. */
    salt: z.string().nullable().default(null),
    signature: z.string(),
    x402Receipt: z.record(z.string(), z.unknown()).nullish(),
    answeredAt: time,
  }),
  maximum: wei,
  /** The newest voucher of the channel that pays; null for a call that costs nothing. */
  voucher: z.object({ ceiling: wei, signature: z.string(), signedAt: time }).nullable(),
  /** When prompt and answer were removed; they are empty then. */
  textsRemovedAt: time.optional(),
})

export type AnswerEntry = z.output<typeof entry>

/** A call, and between which times the journal may have answers of it. */
export interface JournalledCall {
  id: string
  from: Date
  until: Date
}

export interface AnswerJournal {
  /** Resolves when the answer is stored. Answers that end while another is stored share an object. @throws ArtifactStoreError */
  append(answer: AnswerEntry): Promise<void>
  /** The answers from the hour of `from` to the hour of `until`, about in the order of their times, in parts. An object that cannot be read is told
   *  `onUnreadable`, and passed over.
   *  @throws SealError for such an object where nobody is told, ArtifactStoreError */
  between(from: Date, until: Date, onUnreadable?: (error: SealError) => void): AsyncIterable<AnswerEntry[]>
  /** Removes the texts of the answers of these calls: what else is told of them stays. An object that cannot be read is told `onUnreadable`, and passed over.
   *  @param beforeEach is awaited before each few objects; what it throws ends the removal
   *  @returns the ids of the calls of which such an object may have a text still
   *  @throws ArtifactStoreError, also when the store does not let objects be deleted: nothing was changed then */
  removeTexts(
    calls: readonly JournalledCall[],
    removedAt: Date,
    onUnreadable: (error: SealError) => void,
    beforeEach?: () => Promise<unknown>,
  ): Promise<string[]>
}

export const JOURNAL_PREFIX = 'journal/'
/** Objects that are read at the same time. */
const READ_AT_ONCE = 32
/** At most this many answers share an object. */
const MAX_ANSWERS = 64

export function answerJournal(objects: ObjectStore, keys: SealKeys): AnswerJournal {
  const store = async (answers: readonly AnswerEntry[]): Promise<void> => {
    const bytes = seal(keys, JSON.stringify(answers, plain))
    await objects.put(keyOf(answers[0]?.receipt.answeredAt ?? new Date(0), bytes), bytes)
  }
  const append = batched(async (answers: readonly AnswerEntry[]) => {
    await store(answers)
    return answers.map(() => undefined)
  }, MAX_ANSWERS)
  const read = async (key: string): Promise<AnswerEntry[]> => {
    const parts: Uint8Array[] = []
    for await (const part of objects.read(key)) parts.push(part)
    const answers = z.array(entry).safeParse(JSON.parse(unseal(keys, Buffer.concat(parts))))
    if (answers.success) return answers.data
    throw new SealError('An entry of the journal has the form of another release, which this one cannot read.')
  }
  const readable = (key: string, onUnreadable: ((error: SealError) => void) | undefined) =>
    read(key).catch((error): AnswerEntry[] => {
      if (!(error instanceof SealError && onUnreadable)) throw error
      onUnreadable(error)
      return []
    })
  /** One that was replaced meanwhile has no answers: they are in the object that took its place. */
  const present = (key: string, onUnreadable: ((error: SealError) => void) | undefined) =>
    readable(key, onUnreadable).catch((error): AnswerEntry[] => {
      if (error instanceof ObjectMissingError) return []
      throw error
    })
  const keysBelow = async (prefix: string) => {
    const found: string[] = []
    for await (const key of objects.list(prefix)) found.push(key)
    return found.sort()
  }
  return {
    append,
    async *between(from, until, onUnreadable) {
      for (const prefix of prefixesOf(from, until)) {
        const seen = new Set<string>()
        // Listed until nothing is new: an object may be replaced by one without texts meanwhile, at a place that the listing has passed.
        for (let keys = await keysBelow(prefix); keys.length > 0; ) {
          for (let at = 0; at < keys.length; at += READ_AT_ONCE)
            yield (await Promise.all(keys.slice(at, at + READ_AT_ONCE).map((key) => present(key, onUnreadable)))).flat()
          for (const key of keys) seen.add(key)
          keys = (await keysBelow(prefix)).filter((key) => !seen.has(key))
        }
      }
    },
    async removeTexts(calls, removedAt, onUnreadable, beforeEach) {
      await requireDeletes(objects)
      const jobs = new Set(calls.map(({ id }) => id))
      const unreadable: number[] = []
      const clear = async (key: string) => {
        const answers = await present(key, (error) => {
          unreadable.push(timeOf(key))
          onUnreadable(error)
        })
        const isMeant = ({ job, textsRemovedAt }: AnswerEntry) => jobs.has(job.id) && !textsRemovedAt
        if (!answers.some(isMeant)) return
        await store(answers.map((one) => (isMeant(one) ? withoutTexts(one, removedAt) : one)))
        await objects.delete(key) // the other is there: a crash in between leaves both, and this one is cleared again
      }
      const isMeantAt = (at: number) => calls.some(({ from, until }) => at >= from.getTime() && at <= until.getTime())
      for (const prefix of new Set(calls.flatMap(({ from, until }) => prefixesOf(from, until))))
        for (
          let keys = (await keysBelow(prefix)).filter((key) => isMeantAt(timeOf(key)));
          keys.length > 0;
          keys = keys.slice(READ_AT_ONCE)
        ) {
          await beforeEach?.()
          await Promise.all(keys.slice(0, READ_AT_ONCE).map(clear))
        }
      return calls
        .filter(({ from, until }) => unreadable.some((at) => at >= from.getTime() && at <= until.getTime()))
        .map(({ id }) => id)
    },
  }
}

/** Every removal that could not delete the object which it has replaced would leave one more.
 *  @throws ArtifactStoreError unless the store lets objects of the journal be deleted */
async function requireDeletes(objects: ObjectStore): Promise<void> {
  const key = `${JOURNAL_PREFIX}deletes`
  await objects.put(key, new Uint8Array())
  await objects.delete(key)
}

const withoutTexts = (entry: AnswerEntry, textsRemovedAt: Date): AnswerEntry => ({
  ...entry,
  job: { ...entry.job, input: inputWithoutTexts(entry.job.input) },
  result: resultWithoutTexts(entry.result),
  receipt: { ...entry.receipt, prompt: '', answer: '' },
  textsRemovedAt,
})

/** JSON of wei as decimal strings. */
const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

function keyOf(at: Date, bytes: Buffer): string {
  const [day, clock = ''] = at.toISOString().split('T')
  const hash = createHash('sha256').update(bytes).digest('hex')
  return `${JOURNAL_PREFIX}${day}/${clock.slice(0, 2)}/${clock.slice(3).replace(':', '.')}-${hash}`
}

/** When the first answer of an object ended, from its key. */
function timeOf(key: string): number {
  const [day = '', hour = '', rest = ''] = key.slice(JOURNAL_PREFIX.length).split('/')
  const [minute, second, millisecond] = [rest.slice(0, 2), rest.slice(3, 5), rest.slice(6, 9)]
  return Date.parse(`${day}T${hour}:${minute}:${second}.${millisecond}Z`)
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
