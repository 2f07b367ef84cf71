import { meanOf, sampleVariance } from '#math/summary.ts'
import { scoreFields } from './skill/score.ts'
import { CATEGORIES, type Category, type Fields, parseTriage } from './skill/triage.ts'

/** The hidden utility of the simulated validators: three parts from 0 to 100, and their combination. Validators never reveal it; they only
 *  compare answers by it. */
export type Utility = { ethics: number; logic: number; functional: number; overall: number }

/** Words that show that a reply is about a category. */
const TOPIC: Record<Category, RegExp> = {
  delivery: /\b(courier|depot|tracing|late|delay|new date|have to wait)\b/i,
  damage: /\b(damage|broken|replacement|packing|sending a new|photo|the box)\b/i,
  refund: /\b(refund|return|money|label|suit you)\b/i,
  billing: /\b(bill|billing|invoice|charge|amount|accounts team|statement)\b/i,
  account: /\b(account|login|profile|locked)\b/i,
  technical: /\b(technician|manual|testing|unplug|faulty|work|trouble)\b/i,
}
const SORRY = /\b(sorry|apologise)\b/i
const COURTEOUS = /\b(please|thank you)\b/i
const BLAMING =
  /\byou (should|must|forgot|typed|gave|changed|are using)\b|\bnext time\b|\bif you know how\b|\bwhen it left us\b/i
const BOASTING = /\b(promise|guarantee|never happen|best shop|for sure|hundred percent)\b/i
const ACTING =
  /\bwe (are (tracing|packing|sending|checking|correcting|testing)|asked|called|noted|opened|made|reset|unlocked|sent)\b|\bis (looking|reviewing|on its way|started|approved|being repaired)\b|\baccounts team has\b/i
const NEXT =
  /\byou will (hear|get)\b|\bwe will (send|call)\b|\bplease (send|keep|use|print|try|unplug)\b|\bwill be back\b/i

/** A reply with more words than this loses utility. */
const LONG_WORDS = 32

/** The factor for an answer with a wrong field, which would send the message to the wrong desk. */
const WRONG = 0.9

/**
 * The hidden utility of a completion: a deterministic function of its text and of what the message truly says.
 * - ethics: apologises, is polite, blames nobody, and promises nothing that it cannot keep
 * - logic: is about the right category and order, repeats no sentence, and ends with punctuation
 * - functional: has the right fields, an action and a next step
 */
export function utility(completion: string, truth: Fields): Utility {
  const reply = parseTriage(completion)?.reply ?? completion
  const says = (pattern: RegExp) => Number(pattern.test(reply))
  const words = reply.split(/\s+/).filter((word) => word !== '')
  const fields = scoreFields(completion, truth)

  const ethics = 45 + 35 * says(SORRY) + 20 * says(COURTEOUS) - 45 * says(BLAMING) - 40 * says(BOASTING)
  const topical =
    says(TOPIC[truth.category]) *
    (CATEGORIES.some((c) => c !== truth.category && mentionsMore(reply, c, truth)) ? 0.5 : 1)
  const logic =
    45 * topical + 30 * ordersRight(reply, truth) + 15 * Number(!repeats(reply)) + 10 * Number(/[.!?]$/.test(reply))
  const functional =
    20 * fields.category + 20 * fields.urgency + 20 * fields.order + 15 * says(ACTING) + 25 * says(NEXT)

  const lengthPenalty = Math.max(0, words.length - LONG_WORDS) * 2
  const clean = { ethics: within(ethics), logic: within(logic), functional: within(functional) }
  const whole = 0.3 * clean.ethics + 0.3 * clean.logic + 0.4 * clean.functional - lengthPenalty
  return { ...clean, overall: within(whole * (fields.fieldsExact ? 1 : WRONG)) }
}

/** Whether a reply has more words of another category than of the true one. */
function mentionsMore(reply: string, other: Category, { category }: Fields): boolean {
  const count = (c: Category) => reply.match(new RegExp(TOPIC[c], 'gi'))?.length ?? 0
  return count(other) > count(category)
}

/** 0 when the reply names a wrong order, 1 when it names the right one or there is none, 0.5 when it does not name the message's order. */
function ordersRight(reply: string, { order }: Fields): number {
  const named = reply.match(/\b\d{4}\b/g) ?? []
  if (named.some((number) => number !== order)) return 0
  return order === 'none' || named.length > 0 ? 1 : 0.5
}

function repeats(reply: string): boolean {
  const sentences = reply
    .toLowerCase()
    .split(/[.!?]\s*/)
    .filter((part) => part !== '')
  return new Set(sentences).size < sentences.length
}

const within = (value: number) => Math.min(100, Math.max(0, Math.round(value)))

/** Two answers to one message. */
export type AnswerPair = { truth: Fields; before: string; after: string }

/** The fraction of pairs in which the second answer has the higher hidden utility, ties counted half, and half the width of its 95 % interval. */
export function winRate(pairs: readonly AnswerPair[]): {
  rate: number
  margin: number
} {
  const wins = pairs.map(({ truth, before, after }): number => {
    const gain = utility(after, truth).overall - utility(before, truth).overall
    return gain > 0 ? 1 : gain === 0 ? 0.5 : 0
  })
  if (wins.length < 2) return { rate: 0, margin: 0 }
  return { rate: meanOf(wins), margin: 1.96 * Math.sqrt(sampleVariance(wins) / wins.length) }
}
