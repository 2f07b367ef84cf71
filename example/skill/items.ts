import { Random } from '#math/random.ts'
import { normalForm } from '#rules/shingles.ts'
import { type CustomerMessage, drawMessage } from './message.ts'

/** The separate streams of messages: half of all messages belong to the corpus; the others are divided evenly among the other streams. */
export const STREAMS = ['test', 'validation', 'samples', 'judged', 'alignment', 'fresh', 'consumers', 'corpus'] as const
export type ItemStream = (typeof STREAMS)[number]

/**
 * Draws `count` different messages of a stream. A hash of the text, without cosmetic differences and numbers, decides to which stream a
 * message belongs. Therefore the streams are disjoint for all seeds and lengths: a held-out message is in no training stream and not
 * in the corpus of the base model.
 */
export function drawItems(seed: number | string, stream: ItemStream, count: number): CustomerMessage[] {
  const random = new Random(`support desk/${seed}/${stream}`)
  const seen = new Set<string>()
  const items: CustomerMessage[] = []
  while (items.length < count) {
    const message = drawMessage(random)
    const form = formOf(message)
    if (streamOf(form) !== stream || seen.has(form)) continue
    seen.add(form)
    items.push(message)
  }
  return items
}

/** Draws one message of a stream. */
export function drawItem(random: Random, stream: ItemStream): CustomerMessage {
  for (;;) {
    const message = drawMessage(random)
    if (streamOf(formOf(message)) === stream) return message
  }
}

const formOf = ({ prompt }: CustomerMessage): string => normalForm(prompt).replace(/\d+/g, '#')

function streamOf(form: string): ItemStream {
  let hash = 0x811c9dc5 // FNV-1a, with the high bits folded into the low ones
  for (let i = 0; i < form.length; i++) hash = Math.imul(hash ^ form.charCodeAt(i), 0x01000193)
  return STREAMS[((hash ^ (hash >>> 15)) >>> 4) % 16] ?? 'corpus'
}
