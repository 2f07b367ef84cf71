import { drawItems } from './skill/items.ts'
import type { CustomerMessage } from './skill/message.ts'

/** A consumer, who pays for answers. Its account is `exampleAccount('consumer', nth)`. */
export type Consumer = { name: string; nth: number; messages: CustomerMessage[] }

const NAMES = ['Kettle & Co', 'Northern Bikes', 'Lamp Store']

/** Three shops, each with messages that are in no other stream. */
export function consumers(seed: number | string, messagesEach = 8): Consumer[] {
  const messages = drawItems(seed, 'consumers', NAMES.length * messagesEach)
  return NAMES.map((name, nth) => ({ name, nth, messages: messages.splice(0, messagesEach) }))
}
