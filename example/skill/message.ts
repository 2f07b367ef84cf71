import type { Random } from '#engine/stats/random.ts'
import { expandTemplate, sentence } from './grammar.ts'
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

/** A customer's message and what a careful reader takes from it. */
export type CustomerMessage = { prompt: string; truth: Fields; item: string }

/** How often each urgency occurs, in the order of `URGENCIES`. */
const URGENCY_WEIGHTS = [25, 40, 35]

/** Longest message, in words: with its triage line it fits the example model's context. */
const MAX_WORDS = 34

/** Draws a message: a problem, an order number in six of seven, perhaps a cue of urgency, asides, courtesies and a typo. */
export function drawMessage(random: Random): CustomerMessage {
  for (;;) {
    const message = compose(random)
    if (message.prompt.split(' ').length <= MAX_WORDS) return message
  }
}

function compose(random: Random): CustomerMessage {
  const category = random.choice(CATEGORIES)
  const urgency = URGENCIES[random.weighted(URGENCY_WEIGHTS)]
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
  // The trouble comes first, mostly.
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

/** A question ends as one, whatever the temper. */
function endOf(part: string, ends: string): string {
  if (/[?!.]$/.test(part)) return ''
  return /^(where|when will|why|how|which|can|is there)\b/.test(part) ? '?' : ends
}

/** One slip of the finger in one longer word: a letter lost, doubled, or swapped with the next. Never in a number. */
function mistype(text: string, random: Random): string {
  const words = text.split(' ')
  const long = words.flatMap((word, i) => (/^[A-Za-z]{5,}$/.test(word) ? [i] : []))
  if (long.length === 0) return text
  const at = random.choice(long)
  const word = words[at]
  const i = 1 + random.integer(word.length - 2)
  const slips = [
    word.slice(0, i) + word.slice(i + 1),
    word.slice(0, i) + word[i] + word.slice(i),
    word.slice(0, i) + word[i + 1] + word[i] + word.slice(i + 2),
  ]
  words[at] = random.choice(slips)
  return words.join(' ')
}
