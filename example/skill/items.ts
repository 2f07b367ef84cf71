import { Random } from '#engine/stats/random.ts'
import { normalForm } from '#rules/shingles.ts'
import { drawMessage, type Message } from './message.ts'

/** The separate streams of messages that one seed yields. No message of one stands in another. */
export const STREAMS = ['test', 'validation', 'samples', 'judged', 'gold', 'alignment', 'fresh', 'consumers'] as const
export type Stream = (typeof STREAMS)[number]

/**
 * Draws `count` different messages of a stream. Messages are dealt to streams by a hash of their text without cosmetic
 * differences, so streams stay apart whatever their seeds and lengths: a held-out message is in no training stream.
 */
export function drawItems(seed: number | string, stream: Stream, count: number): Message[] {
  const random = new Random(`support desk/${seed}/${stream}`)
  const seen = new Set<string>()
  const items: Message[] = []
  while (items.length < count) {
    const message = drawMessage(random)
    const form = normalForm(message.prompt).replace(/\d+/g, '#')
    if (seen.has(form) || streamOf(form) !== stream) continue
    seen.add(form)
    items.push(message)
  }
  return items
}

function streamOf(form: string): Stream {
  return STREAMS[new Random(form).integer(STREAMS.length)]
}
