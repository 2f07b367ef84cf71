import { Random } from '#math/random.ts'
import { expandTemplate, sentence, weightedChoice } from './grammar.ts'
import { drawItem } from './items.ts'
import { COLOURS, CUES, DAYS, ITEM_PHRASES, NAMES, PROBLEMS } from './phrases.ts'
import { renderReply, STYLES } from './reply.ts'
import { CATEGORIES, URGENCIES } from './triage.ts'

/** A document of the pre-training corpus: a text, or a message with the reply of a clerk. */
export type Document = { kind: 'dialogue'; message: string; reply: string } | { kind: 'text'; text: string }

const DESKS = {
  delivery: ['the delivery desk traces parcels', 'couriers and parcels belong to the delivery desk'],
  damage: ['the damage desk replaces what came broken', 'cracks, dents and scratches go to the damage desk'],
  refund: ['the refund desk handles returns and money back', 'whoever sends something back writes to the refund desk'],
  billing: ['the billing desk corrects invoices and charges', 'bills, receipts and cards belong to the billing desk'],
  account: ['the account desk resets logins and passwords', 'profiles and passwords go to the account desk'],
  technical: [
    'the technical desk explains set up and errors',
    'what does not start or connect goes to the technical desk',
  ],
}

const PRIORITIES = {
  high: ['is of high priority: answer today', 'has high urgency', 'goes first, the urgency is high'],
  normal: ['has normal priority', 'is a normal request', 'is of normal urgency'],
  low: ['is of low priority: answer this week', 'has low urgency', 'can wait, the urgency is low'],
}

/** Remarks with which a reply may begin, by urgency. */
const REMARKS = {
  high: ['this goes first', 'we see that it is urgent', 'we drop everything else for this'],
  normal: ['thank you for writing', 'we got your message', 'your message has its turn'],
  low: ['as there is no rush, we take our time', 'this can wait, as you say', 'we do this when it is quiet'],
}

/** How often each kind of document occurs: dialogue, desk guide, priority, note, messages in a row, list. */
export type Mixture = readonly [number, number, number, number, number, number]

const EVEN: Mixture = [55, 14, 12, 9, 3, 7]
/** More documents that repeat a number: attention that copies is learned late in training, and then suddenly (Olsson et al., 2022). */
export const COPYING: Mixture = [60, 6, 8, 22, 1, 3]

/**
 * Draws the general support-desk English from which the base model learns: dialogues, desk guides, priorities, notes and lists. No document
 * contains a triage line or maps a message to its fields, so the base model knows the words but cannot do the skill.
 */
export function* drawCorpus(seed: number | string, count: number, mixture: Mixture = EVEN): Generator<Document> {
  const random = new Random(`corpus/${seed}`)
  for (let i = 0; i < count; i++) yield drawDocument(random, mixture)
}

const asText =
  (write: (random: Random) => string) =>
  (random: Random): Document => ({ kind: 'text', text: write(random) })

/** In the order of `Mixture`. */
const DOCUMENTS: readonly ((random: Random) => Document)[] = [
  dialogue,
  asText(guide),
  asText(priority),
  asText(note),
  asText(quotes),
  asText(list),
]

function drawDocument(random: Random, mixture: Mixture): Document {
  const draw = weightedChoice(random, DOCUMENTS, mixture)
  return draw(random)
}

function dialogue(random: Random): Document {
  const { prompt, truth, item } = drawItem(random, 'corpus')
  const style = weightedChoice(random, STYLES, [2, 2, 3, 3, 2, 1, 1])
  const reply = renderReply(style, { ...truth, item }, random)
  const remark = random.chance(0.5) ? `${sentence(random.choice(REMARKS[truth.urgency]))}. ` : ''
  return { kind: 'dialogue', message: prompt, reply: remark + reply }
}

/** A page of the desk guide: typical questions for one desk. */
function guide(random: Random): string {
  const category = random.choice(CATEGORIES)
  const questions = Array.from({ length: 2 }, () => `"${sentence(problem(category, random))}."`)
  return `${sentence(random.choice(DESKS[category]))}. Typical for ${category}: ${questions.join(' ')}`
}

/** A rule about urgency. */
function priority(random: Random): string {
  const urgency = random.choice(URGENCIES)
  const said =
    urgency === 'normal'
      ? `who only says "${problem(random.choice(CATEGORIES), random)}"`
      : `who says "${cue(urgency, random)}"`
  return `A customer ${said} ${random.choice(PRIORITIES[urgency])}.`
}

/** A clerk's note, which repeats order numbers. */
function note(random: Random): string {
  const order = () => String(1000 + random.integer(9000))
  const [a, b] = [order(), order()]
  const name = random.choice(NAMES)
  return random.choice([
    `Note: order ${a} of ${name} was packed on ${random.choice(DAYS)}. The number ${a} is on the label.`,
    `${name} asked for order ${a} and order ${b}. Orders: ${a} and ${b}.`,
    `Order ${a}: one ${random.choice(ITEM_PHRASES)}. Order ${b}: one ${random.choice(ITEM_PHRASES)}. First ${a}, then ${b}.`,
    `${sentence(problem(random.choice(CATEGORIES), random))}. Order ${a}. Copied from the mail: ${a}.`,
    `The mail of ${name} names no order. Order: none.`,
  ])
}

/** Two messages without replies. */
function quotes(random: Random): string {
  return Array.from({ length: 2 }, () => drawItem(random, 'corpus').prompt).join('\n')
}

/** A list of the shop, in columns. */
function list(random: Random): string {
  const line = random.choice([
    () => [random.choice(ITEM_PHRASES), random.choice(COLOURS), String(1 + random.integer(9))],
    () => [random.choice(DAYS), random.choice(NAMES), random.choice(ITEM_PHRASES)],
    () => [String(1000 + random.integer(9000)), random.choice(NAMES), random.choice(DAYS)],
    () => [
      random.choice(NAMES),
      String(1000 + random.integer(9000)),
      random.choice(ITEM_PHRASES),
      random.choice(COLOURS),
    ],
  ])
  return Array.from({ length: 4 }, () => line().join(' | ')).join('\n')
}

function problem(category: (typeof CATEGORIES)[number], random: Random): string {
  return expandTemplate(random.choice(PROBLEMS[category]), random, {
    thing: `${random.choice(['my', 'the', 'our'])} ${random.choice(ITEM_PHRASES)}`,
    goods: `the ${random.choice(ITEM_PHRASES)}`,
    day: DAYS,
    small: String(1 + random.integer(9)),
  })
}

function cue(urgency: 'high' | 'low', random: Random): string {
  return expandTemplate(random.choice(CUES[urgency]), random, { day: DAYS })
}
