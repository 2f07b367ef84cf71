import type { Random } from '#math/random.ts'
import { expandTemplate, sentence, weightedChoice } from './grammar.ts'
import {
  ASIDES,
  CLOSINGS,
  COLOURS,
  CUES,
  DAYS,
  GREETINGS,
  ITEM_PHRASES,
  NAMES,
  ORDER_MENTIONS,
  PROBLEMS,
} from './phrases.ts'
import { CATEGORIES, type Fields, URGENCIES } from './triage.ts'

/** A customer's message, with the fields that a careful reader finds in it. */
export type CustomerMessage = { prompt: string; truth: Fields; item: string }

/** How often each urgency occurs, in the order of `URGENCIES`. */
const URGENCY_WEIGHTS = [25, 40, 35]

/** The longest message, in words: with its triage line it fits into the context of the example model. */
const MAX_WORDS = 34

/** Draws a message: a problem, in six of seven messages an order number, and possibly a cue of urgency, an aside, courtesies and a typo. */
export function drawMessage(random: Random): CustomerMessage {
  for (;;) {
    const message = compose(random)
    if (message.prompt.split(' ').length <= MAX_WORDS) return message
  }
}

function compose(random: Random): CustomerMessage {
  const category = random.choice(CATEGORIES)
  const urgency = weightedChoice(random, URGENCIES, URGENCY_WEIGHTS)
  const order = random.chance(6 / 7) ? String(1000 + random.integer(9000)) : 'none'
  const item = random.choice(ITEM_PHRASES)
  const coloured = random.chance(0.5) ? `${random.choice(COLOURS)} ${item}` : item
  const slots = {
    goods: random.choice([`my ${coloured}`, `the ${coloured}`, `a ${coloured}`]),
    thing: random.choice([`my ${coloured}`, `the ${coloured}`, `the ${coloured} I ordered`, `our ${coloured}`]),
    day: DAYS,
    name: NAMES,
    order,
    price: String(10 + random.integer(290)),
    customer: String(10000 + random.integer(90000)),
    small: String(1 + random.integer(9)),
    floor: ['first', 'second', 'third', 'fourth'],
  }
  const say = (templates: readonly string[]) => expandTemplate(random.choice(templates), random, slots)

  let problem = say(PROBLEMS[category])
  const parts: string[] = []
  if (order !== 'none') {
    if (random.chance(0.3) && !problem.includes('?')) problem += ` (order ${order})`
    else parts.push(say(ORDER_MENTIONS))
  }
  if (urgency !== 'normal') parts.push(say(CUES[urgency]))
  if (random.chance(0.4)) parts.push(say(ASIDES))
  random.shuffle(parts)
  // In most messages the problem comes first.
  parts.splice(random.chance(0.75) ? 0 : random.integer(parts.length + 1), 0, problem)

  const ends = random.chance(0.2) ? '!' : '.'
  const body = parts
    .filter((part) => part !== '')
    .map((part) => sentence(part) + endOf(part, ends))
    .join(' ')
  const greeting = random.chance(0.4) ? `${sentence(random.choice(GREETINGS))}, ` : ''
  const closing = random.chance(0.35) ? ` ${sentence(say(CLOSINGS))}${random.chance(0.5) ? '.' : ''}` : ''
  const opening = greeting === '' || /^I\b/.test(body) ? body : body.charAt(0).toLowerCase() + body.slice(1)
  let prompt = `${greeting}${opening}${closing}`
  if (random.chance(0.15)) prompt = mistype(prompt, random)
  if (random.chance(0.1)) prompt = prompt.toLowerCase()
  return { prompt, truth: { category, urgency, order }, item }
}

/** The punctuation at the end of a part: a question mark for a question. */
function endOf(part: string, ends: string): string {
  if (/[?!.]$/.test(part)) return ''
  return /^(where|when will|why|how|which|can|is there)\b/.test(part) ? '?' : ends
}

/** One typo in one longer word: a letter is missing, doubled, or swapped with the next. Numbers are not changed. */
function mistype(text: string, random: Random): string {
  const words = text.split(' ')
  const long = [...words.entries()].filter(([, word]) => /^[A-Za-z]{5,}$/.test(word))
  if (long.length === 0) return text
  const [index, word] = random.choice(long)
  const i = 1 + random.integer(word.length - 2)
  const typos = [
    word.slice(0, i) + word.slice(i + 1),
    word.slice(0, i) + word.charAt(i) + word.slice(i),
    word.slice(0, i) + word.charAt(i + 1) + word.charAt(i) + word.slice(i + 2),
  ]
  words[index] = random.choice(typos)
  return words.join(' ')
}
