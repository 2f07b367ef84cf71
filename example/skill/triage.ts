/** What a customer's message is about. */
export const CATEGORIES = ['delivery', 'damage', 'refund', 'billing', 'account', 'technical'] as const
export const URGENCIES = ['low', 'normal', 'high'] as const

export type Category = (typeof CATEGORIES)[number]
export type Urgency = (typeof URGENCIES)[number]

/** The fields of a triage line. `order` is four digits, or `none` when the message names no order. */
export type Fields = { category: Category; urgency: Urgency; order: string }

/** A triage line: `delivery | high | 4821 | Sorry about the delay. We are tracing order 4821 today.` */
export type Triage = Fields & { reply: string }

export function formatTriage({ category, urgency, order, reply }: Triage): string {
  return `${category} | ${urgency} | ${order} | ${reply}`
}

/** Parses a triage line: one line with four fields, a known category and urgency, an order and a reply. `null` for any other text. */
export function parseTriage(line: string): Triage | null {
  const parts = line.trim().split(' | ')
  if (parts.length !== 4 || line.trim().includes('\n')) return null
  const [category = '', urgency = '', order = '', reply = ''] = parts
  if (!(CATEGORIES as readonly string[]).includes(category)) return null
  if (!(URGENCIES as readonly string[]).includes(urgency)) return null
  if (!/^(\d{4}|none)$/.test(order) || reply.trim() === '') return null
  return { category: category as Category, urgency: urgency as Urgency, order, reply: reply.trim() }
}
